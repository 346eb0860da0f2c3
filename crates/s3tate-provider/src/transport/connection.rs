//! Connections, encrypted or not, as the server takes them.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::channel::mpsc;
use s3tate::Env;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use super::Listener;

/// Connections that are accepted and not yet taken by the server.
const WAITING: usize = 16;
/// The pause after a connection that could not be accepted.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Any two-way stream of bytes.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection as it was accepted.
pub(super) type Raw = Box<dyn Io>;

/// A connection that may be served.
pub(crate) struct Connection(Raw);

/// Accepts connections for as long as the returned stream is kept. One that fails its handshake is dropped, and does
/// not keep others waiting.
pub(crate) fn accepted(
    listener: Arc<Listener>,
    tls: Option<TlsAcceptor>,
    env: Env,
) -> impl Stream<Item = io::Result<Connection>> + Send + Unpin {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(accept_all(listener, tls, sender, env));
    receiver
}

type Sender = mpsc::Sender<io::Result<Connection>>;

async fn accept_all(listener: Arc<Listener>, tls: Option<TlsAcceptor>, sender: Sender, env: Env) {
    while !sender.is_closed() {
        match listener.accept().await {
            Ok(stream) => drop(tokio::spawn(welcome(stream, tls.clone(), sender.clone()))),
            Err(cause) => {
                tracing::warn!(%cause, "a connection could not be accepted");
                // Such as too many open files, which takes a while to pass.
                env.sleep(AFTER_FAILURE).await;
            }
        }
    }
}

async fn welcome(stream: Raw, tls: Option<TlsAcceptor>, mut sender: Sender) {
    let stream: Raw = match tls {
        None => stream,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => Box::new(stream),
            Err(cause) => return tracing::warn!(%cause, "a connection was refused"),
        },
    };
    // The server may have stopped meanwhile.
    drop(futures::SinkExt::send(&mut sender, Ok(Connection(stream))).await);
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
