//! TLS by rustls with ring, and what client certificates say.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
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
use crate::server::App;

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

/// Accepts TLS connections, by the files that were last found good.
#[derive(Clone)]
pub(crate) struct Acceptor(Arc<Mutex<Files>>);

/// What is in use, and where it is from.
struct Files {
    settings: Tls,
    /// What the files held when they were last looked at, good or bad.
    seen: Contents,
    config: Arc<ServerConfig>,
}

/// What certificate, key and authorities hold; `None` where there is no such file.
type Contents = [Option<Vec<u8>>; 3];

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

impl Acceptor {
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: a file can't be read, or doesn't hold what it should.
    pub(crate) fn new(settings: &Tls) -> Result<Self> {
        let (seen, config) = (contents(settings), config(settings)?);
        Ok(Self(Arc::new(Mutex::new(Files { settings: settings.clone(), seen, config }))))
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the files are to be looked at.
    pub(crate) fn interval(&self) -> Duration {
        self.files().settings.watch
    }

    /// Takes these files for new connections.
    ///
    /// # Errors
    /// As [`Acceptor::new`]; the old ones stay.
    pub(crate) fn replace(&self, settings: &Tls, app: &App) -> Result<()> {
        let fresh = Self::new(settings);
        app.metrics.tls_reload(fresh.is_ok());
        let mut fresh = fresh?;
        if let Some(inner) = Arc::get_mut(&mut fresh.0) {
            let inner = inner.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut *self.files(), inner);
        }
        self.tell_expiry(app);
        Ok(())
    }

    /// Takes the files anew where they hold something else than when they were last looked at.
    pub(crate) fn look(&self, app: &App) {
        let (settings, seen) = {
            let files = self.files();
            (files.settings.clone(), files.seen.clone())
        };
        let now = contents(&settings);
        if now == seen {
            return;
        }
        // A certificate and its key are seldom replaced at once: what is bad now is looked at again when it changes.
        self.files().seen = now;
        match self.replace(&settings, app) {
            Ok(()) => {
                tracing::info!(certificate = %settings.certificate.display(), "the TLS files were read anew");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the TLS files have changed, and the old ones stay in use");
            }
        }
    }

    /// Tells when the certificates end.
    pub(crate) fn tell_expiry(&self, app: &App) {
        let settings = self.files().settings.clone();
        let files = [("server", Some(&settings.certificate)), ("client_ca", settings.client_ca.as_ref())];
        for (name, path) in files {
            let ends = path.and_then(|path| certificates(path).ok()).and_then(|found| expiry(&found));
            if let Some(ends) = ends {
                app.metrics.certificate_expiry(name, ends.as_second());
            }
        }
    }

    /// Shakes hands.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Hello)> {
        let config = Arc::clone(&self.files().config);
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let session = stream.get_ref().1;
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        let identity = certificate.map(|certificate| of_certificate(certificate));
        let hello = Hello { identity, http2: session.alpn_protocol() == Some(HTTP2) };
        Ok((stream, hello))
    }
}

fn contents(settings: &Tls) -> Contents {
    let read = |path: &Path| std::fs::read(path).ok();
    [read(&settings.certificate), read(&settings.key), settings.client_ca.as_deref().and_then(read)]
}

/// What connections are accepted with.
///
/// # Errors
/// [`s3tate::ErrorKind::Invalid`]: a file can't be read, or doesn't hold what it should.
pub(crate) fn config(tls: &Tls) -> Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|cause| unfit(&tls.certificate, cause))?;
    let builder = match &tls.client_ca {
        Some(path) => builder.with_client_cert_verifier(verifier(path, tls.client_required, provider)?),
        None if tls.client_required => {
            return Err(Error::invalid("`client_required` needs `client_ca`"));
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|cause| unfit(&tls.key, cause))?;
    let config = builder.with_single_cert(certificates(&tls.certificate)?, key);
    let mut config = config.map_err(|cause| unfit(&tls.certificate, cause))?;
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// When the first of these certificates ends.
pub(crate) fn expiry(certificates: &[CertificateDer<'_>]) -> Option<Timestamp> {
    let ends = |certificate: &CertificateDer<'_>| {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
    };
    certificates.iter().filter_map(ends).min()
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

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|cause| unfit(path, cause))?;
    if found.is_empty() {
        return Err(Error::invalid(format!("`{}` holds no certificate", path.display())));
    }
    Ok(found)
}

fn unfit(path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::invalid(format!("`{}` can't be used for TLS", path.display())).with_source(cause)
}
