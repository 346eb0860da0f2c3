//! Connections: accepted, served, and brought to their end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Request};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;

use crate::answer::Response;
use crate::auth::Identity;
use crate::dispatch;
use crate::server::App;
use crate::tls::Acceptor;

/// How long a client may take for the head of a request. Between two requests it may be idle as long.
const HEAD: Duration = Duration::from_mins(2);
/// The largest head; tokens of CI systems have a few KiB.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed accept, as when file descriptors have run out.
const RETRY: Duration = Duration::from_millis(50);

/// Serves connections until `stop` ends; then lets those under way finish.
pub(crate) async fn serve(
    app: Arc<App>,
    tls: Option<Acceptor>,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let served = connection(Arc::clone(&app), tls.clone(), stream, peer, stopped.clone());
                    connections.spawn(served);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    app.env().sleep(RETRY).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut stop => break,
        }
    }
    app.draining.store(true, Ordering::Relaxed);
    stopping.send_replace(true);
    drop(listener);
    let drained =
        tokio::time::timeout(app.settings.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off");
        connections.shutdown().await;
    }
}

async fn connection(
    app: Arc<App>,
    tls: Option<Acceptor>,
    stream: TcpStream,
    peer: SocketAddr,
    stopped: watch::Receiver<bool>,
) {
    // Small answers on a kept-alive connection would wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let Some(tls) = tls else { return speak(app, stream, None, stopped).await };
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok((stream, identity))) => speak(app, stream, identity, stopped).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS connection came about"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

/// Serves one connection; after the stop the request under way is its last.
async fn speak(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    identity: Option<Identity>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (app, identity) = (Arc::clone(&app), identity.clone());
        async move {
            let handled = tower::service_fn(move |request: Request<Body>| {
                let (app, identity) = (Arc::clone(&app), identity.clone());
                async move { Ok::<_, Infallible>(dispatch::answer(app, request, identity).await) }
            });
            let compressed = tower::Layer::layer(&CompressionLayer::new(), handled);
            compressed.oneshot(request.map(Body::new)).await.map(|response| unmarked(response.map(Body::new)))
        }
    });
    let mut http = http1::Builder::new();
    // A client that has sent everything may be gone already: its write is carried out all the same.
    http.half_close(true);
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MOST_HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Returns when the stop is asked for, or nobody could any more.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}

/// The digest is of the bytes before they were packed, and the tag of neither would be true.
fn unmarked(mut response: Response) -> Response {
    let headers = response.headers_mut();
    if headers.contains_key(http::header::CONTENT_ENCODING) {
        headers.remove("content-md5");
        let weak = headers
            .get(http::header::ETAG)
            .and_then(|tag| HeaderValue::from_str(&format!("W/{}", tag.to_str().ok()?)).ok());
        if let Some(weak) = weak {
            headers.insert(http::header::ETAG, weak);
        }
    }
    response
}
