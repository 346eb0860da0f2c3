//! Connections: accepted, served, and brought to their end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tower_http::compression::CompressionLayer;

use crate::answer::Response;
use crate::dispatch::{self, Door, Peer};
use crate::patience::{Limit, Patient, Requests};
use crate::server::App;

/// The largest head; tokens of CI systems have a few KiB.
const MOST_HEAD_BYTES: u32 = 64 << 10;
/// How many requests one connection of HTTP/2 may have under way.
const MOST_STREAMS: u32 = 100;
/// Pause after a failed accept, as when file descriptors have run out.
const RETRY: Duration = Duration::from_millis(50);

/// Serves connections until `stop` ends; then lets those under way finish.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    probes: Option<TcpListener>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let apart = probes.is_some();
    // Dropped with what is in it when all else has ended.
    let mut probing = JoinSet::new();
    if let Some(listener) = probes {
        probing.spawn(probe(Arc::clone(&app), listener));
    }
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&app, &app.connections, &listener) => {
                let Some((permit, stream, peer)) = accepted else { continue };
                let served = connection(Arc::clone(&app), stream, peer, apart, stopped.clone());
                connections.spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
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

/// Answers probes, without end: they are to see that the server is stopping.
async fn probe(app: Arc<App>, listener: TcpListener) {
    let (_never, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept(&app, &app.probes, &listener) => {
                let Some((permit, stream, peer)) = accepted else { continue };
                let peer = Peer { address: peer.ip(), certificate: None, door: Door::Probes };
                let served = speak(Arc::clone(&app), stream, peer, false, stopped.clone());
                connections.spawn(async move {
                    served.await;
                    drop(permit);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection, once there is room for it; `None` where there was none after all.
async fn accept(
    app: &App,
    room: &Arc<Semaphore>,
    listener: &TcpListener,
) -> Option<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((permit, stream, peer)),
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            app.env().sleep(RETRY).await;
            None
        }
    }
}

async fn connection(
    app: Arc<App>,
    stream: TcpStream,
    peer: SocketAddr,
    apart: bool,
    stopped: watch::Receiver<bool>,
) {
    // Small answers on a kept-alive connection would wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let door = if apart { Door::States } else { Door::Everything };
    let peer = |certificate| Peer { address: peer.ip(), certificate, door };
    let Some(tls) = app.tls.clone() else { return speak(app, stream, peer(None), false, stopped).await };
    let handshake = app.timeouts.handshake;
    match tokio::time::timeout(handshake, tls.accept(stream)).await {
        Ok(Ok((stream, hello))) => speak(app, stream, peer(hello.identity), hello.http2, stopped).await,
        Ok(Err(error)) => tracing::debug!(peer = %peer(None).address, %error, "no TLS connection came about"),
        Err(_) => tracing::debug!(peer = %peer(None).address, "a TLS handshake took too long"),
    }
}

/// Serves one connection; after the stop the requests under way are its last.
async fn speak(
    app: Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    http2: bool,
    mut stopped: watch::Receiver<bool>,
) {
    let timeouts = app.timeouts;
    let requests = Arc::<Requests>::default();
    let limit = if http2 { Limit::Idle(timeouts.idle) } else { Limit::Head(timeouts.head) };
    let stream = TokioIo::new(Patient::new(stream, Arc::clone(&requests), limit, timeouts.body));
    let service = service_fn(move |request| {
        let (under_way, answer) = (requests.begin(), answer(Arc::clone(&app), request, peer.clone()));
        async move {
            let answered = answer.await;
            drop(under_way);
            answered
        }
    });
    let http = protocol(http2, timeouts.idle);
    let mut connection = pin!(http.serve_connection(stream, service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(error = &*error, "a connection broke off");
    }
}

/// One request, packed on its way out where the client takes that.
async fn answer(app: Arc<App>, request: Request<Incoming>, peer: Peer) -> Result<Response, Infallible> {
    let handled = tower::service_fn(move |request: Request<Body>| {
        let (app, peer) = (Arc::clone(&app), peer.clone());
        async move { Ok(dispatch::answer(app, request, peer).await) }
    });
    let compressed = tower::Layer::layer(&CompressionLayer::new(), handled);
    compressed.oneshot(request.map(Body::new)).await.map(|response| unmarked(response.map(Body::new)))
}

fn protocol(http2: bool, idle: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    // A client that has sent everything may be gone already: its write is carried out all the same.
    http1
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_buf_size(MOST_HEAD_BYTES as usize);
    builder.http2().max_concurrent_streams(MOST_STREAMS).max_header_list_size(MOST_HEAD_BYTES);
    if http2 { builder.http2_only() } else { builder.http1_only() }
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
