//! TLS by rustls with ring, and what client certificates say.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use s3tate::{Error, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::auth::{Identity, of_certificate};
use crate::config::Tls;

/// HTTP/2, as it is called in handshakes.
const HTTP2: &[u8] = b"h2";

/// What a handshake told.
#[derive(Debug)]
pub(crate) struct Hello {
    /// That of a client certificate, where there is one.
    pub(crate) identity: Option<Identity>,
    /// Whether the client speaks HTTP/2 from here on.
    pub(crate) http2: bool,
}

/// Accepts TLS connections.
#[derive(Clone)]
pub(crate) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

impl Acceptor {
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: a file can't be read, or doesn't hold what it should.
    pub(crate) fn new(tls: &Tls) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|cause| unfit(&tls.certificate, cause))?;
        let builder = match &tls.client_ca {
            Some(path) => builder.with_client_cert_verifier(verifier(path, tls.client_required, provider)?),
            None if tls.client_required => {
                return Err(Error::invalid("`client_required` needs `client_ca`; nothing was started"));
            }
            None => builder.with_no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|cause| unfit(&tls.key, cause))?;
        let config = builder.with_single_cert(certificates(&tls.certificate)?, key);
        let mut config = config.map_err(|cause| unfit(&tls.certificate, cause))?;
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config).into()))
    }

    /// Shakes hands.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Hello)> {
        let stream = self.0.accept(stream).await?;
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let identity = certificate.map(|certificate| of_certificate(certificate));
        let hello = Hello { identity, http2: session.alpn_protocol() == Some(HTTP2) };
        Ok((stream, hello))
    }
}

fn verifier(
    path: &Path,
    required: bool,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|cause| unfit(path, cause))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|cause| unfit(path, cause))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|cause| unfit(path, cause))?;
    if found.is_empty() {
        return Err(Error::invalid(format!(
            "`{}` holds no certificate; nothing was started",
            path.display()
        )));
    }
    Ok(found)
}

fn unfit(path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::invalid(format!("`{}` can't be used for TLS; nothing was started", path.display()))
        .with_source(cause)
}
