//! The accept loop, and the way to its end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::router::Router;

/// How long requests under way may go on after the stop.
const GRACE: Duration = Duration::from_secs(10);

/// Pause after a failed accept, as when file descriptors have run out.
const RETRY: Duration = Duration::from_millis(50);

/// Accepts and serves connections until `stop` turns true or its sender is gone; then waits for those under way.
pub(crate) async fn serve(listener: TcpListener, router: Arc<Router>, stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut stopping = pin!(stopped(stop.clone()));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&router), stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    pause(RETRY).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut stopping => break,
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut off");
        connections.shutdown().await;
    }
}

/// Lets `duration` pass.
async fn pause(duration: Duration) {
    if tokio::time::timeout(duration, std::future::pending::<()>()).await.is_ok() {
        tracing::trace!("a pending future ended");
    }
}

/// Serves one connection; after the stop the request under way is its last.
async fn connection(stream: TcpStream, router: Arc<Router>, stop: watch::Receiver<bool>) {
    // Without it small answers on a kept-alive connection wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was not set");
    }
    let service = service_fn(move |request| {
        let router = Arc::clone(&router);
        async move { router.serve(request).await }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Returns when `stop` turns true or its sender is gone.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let sender_lives = stop.wait_for(|stop| *stop).await.is_ok();
    tracing::trace!(sender_lives, "stopping");
}
