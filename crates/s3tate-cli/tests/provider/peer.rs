//! A TLS client with a certificate like those of Terraform, or with another one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme};

/// Who connects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Peer {
    /// Whose certificate the provider was given.
    Client,
    /// Somebody with a certificate of the same kind.
    Stranger,
    /// Somebody who shows the client's certificate, without its key.
    Impostor,
    /// Somebody without any.
    Nobody,
}

const CERTIFICATES: [&str; 2] = [include_str!("keys/client.pem"), include_str!("keys/stranger.pem")];
/// Private keys, which are nobody's but these tests', as hex.
const KEYS: [&str; 2] = [include_str!("keys/client.scalar"), include_str!("keys/stranger.scalar")];

impl Peer {
    /// The certificate that the provider is given, PEM.
    pub(crate) fn expected() -> &'static str {
        CERTIFICATES[0]
    }

    /// What it connects with. It accepts the server's certificate from the handshake, in base64, and no other.
    pub(crate) fn config(self, server: &str) -> ClientConfig {
        let server = STANDARD_NO_PAD.decode(server).expect("base64 without padding");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(OnlyServer(CertificateDer::from(server))));
        let mut config = match self.certificate() {
            Some(shown) => builder.with_client_cert_resolver(Arc::new(shown)),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    fn certificate(self) -> Option<Shown> {
        let (certificate, key) = match self {
            Self::Client => (0, 0),
            Self::Stranger => (1, 1),
            Self::Impostor => (0, 1),
            Self::Nobody => return None,
        };
        let der =
            CertificateDer::from_pem_slice(CERTIFICATES[certificate].as_bytes()).expect("a certificate");
        let scalar: Vec<_> = (0..KEYS[key].len() / 2)
            .map(|at| u8::from_str_radix(&KEYS[key][2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        let key = SigningKey::from_slice(&scalar).expect("a key");
        Some(Shown(Arc::new(CertifiedKey::new(vec![der], Arc::new(P521(key))))))
    }
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug, Clone)]
struct P521(SigningKey);

impl rustls::sign::SigningKey for P521 {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        Some(Box::new(self.clone()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl rustls::sign::Signer for P521 {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: Signature = self.0.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

/// Accepts one certificate, whose key the server must hold.
#[derive(Debug)]
struct OnlyServer(CertificateDer<'static>);

impl ServerCertVerifier for OnlyServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(*end_entity, self.0, "the certificate of the handshake");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
