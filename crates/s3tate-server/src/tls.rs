//! TLS by rustls with ring.

use std::io;

use s3tate::Result;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::auth::Identity;
use crate::config::Tls;

/// Accepts TLS connections.
#[derive(Clone)]
pub(crate) struct Acceptor(tokio_rustls::TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

impl Acceptor {
    pub(crate) fn new(_tls: &Tls) -> Result<Self> {
        Err(s3tate::Error::invalid("TLS can't be served yet; nothing was started"))
    }

    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, Option<Identity>)> {
        Ok((self.0.accept(stream).await?, None))
    }
}
