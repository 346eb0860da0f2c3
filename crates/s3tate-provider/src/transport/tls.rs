//! TLS where each side knows the other's certificate beforehand, byte for byte.

use std::fmt;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use s3tate::{Error, ErrorKind, Result};
use tokio_rustls::TlsAcceptor;

use super::p521::EcdsaP521Sha512;
use crate::handshake::unusable_certificate;

/// How a client signs.
static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&EcdsaP521Sha512],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&EcdsaP521Sha512])],
};

/// A server that lets in one client.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// Our certificate, DER.
    pub(crate) certificate: Vec<u8>,
}

impl Tls {
    /// Makes a certificate for this process, and lets in whoever holds the key of the client's, given as PEM.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the client's is no certificate. [`ErrorKind::Bug`]: ours can't be made.
    pub(crate) fn with_client(pem: &str) -> Result<Self> {
        let client = match CertificateDer::from_pem_slice(pem.as_bytes()) {
            Ok(client) => client,
            Err(why) => match unusable_certificate(why)? {},
        };
        let (certificate, key) = own_certificate().map_err(not_made)?;
        let provider = Arc::new(ring::default_provider());
        let config = server_config(provider, client, certificate.clone(), key).map_err(not_made)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate: certificate.to_vec() })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn not_made(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Bug, "can't set up the encryption of the connection").with_source(cause)
}

fn server_config(
    provider: Arc<CryptoProvider>,
    client: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(OnlyClient(client)))
        .with_single_cert(vec![certificate], key.into())?;
    // Newer clients refuse a server that doesn't offer it.
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

type Own = (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>);

/// A self-signed certificate as clients accept it: for `localhost`, for servers.
fn own_certificate() -> Result<Own, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der())))
}

/// Accepts exactly one certificate, and nobody who doesn't hold its key.
///
/// It marks itself as an authority, which the usual verifiers refuse in a client.
#[derive(Debug)]
struct OnlyClient(CertificateDer<'static>);

impl ClientCertVerifier for OnlyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.0 {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}
