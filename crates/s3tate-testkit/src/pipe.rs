//! A pipe between client and endpoint that counts bytes and can stand for a long way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::runtime::runtime;

/// What is read at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// A narrow pipe's room for what has been sent to the client and not yet taken.
const SEND_BUFFER_BYTES: u32 = 16 * 1024;
/// Chunks that may be under way in a wide pipe.
const IN_FLIGHT: usize = 1024;

/// Passes bytes on without looking into them. The `Host` header stays, so signatures stay valid.
#[derive(Debug)]
pub struct Pipe {
    url: String,
    received_bytes: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

impl Pipe {
    /// Starts a wide pipe to an endpoint's URL. Each connection and each answer takes `latency` longer.
    pub fn long(upstream: &str, latency: Duration) -> Self {
        Self::start(upstream, latency, None)
    }

    /// Starts a narrow pipe to an endpoint's URL: it holds no more than the client is about to take, so that counts are
    /// of what was wanted. It is slow.
    pub fn narrow(upstream: &str) -> Self {
        Self::start(upstream, Duration::ZERO, Some(SEND_BUFFER_BYTES))
    }

    fn start(upstream: &str, latency: Duration, buffer: Option<u32>) -> Self {
        let address = upstream.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = runtime().block_on(async { listen(buffer) });
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let received_bytes = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&received_bytes);
        let chunks = if buffer.is_some() { 1 } else { IN_FLIGHT };
        let listener = runtime().spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, address.clone(), latency, chunks, Arc::clone(&counter)));
            }
        });
        Self { url, received_bytes, listener }
    }

    /// Where clients go instead of the endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many bytes clients have been sent since the last time.
    pub fn take_received_bytes(&self) -> u64 {
        self.received_bytes.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn listen(buffer: Option<u32>) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(bytes) = buffer {
        socket.set_send_buffer_size(bytes).expect("a small buffer");
    }
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    socket.listen(1024).expect("a listening socket")
}

async fn connect(
    client: TcpStream,
    upstream: String,
    latency: Duration,
    chunks: usize,
    received: Arc<AtomicU64>,
) {
    if !latency.is_zero() {
        tokio::time::sleep_until(Instant::now() + latency).await;
    }
    let Ok(server) = TcpStream::connect(upstream).await else { return };
    // Where a side is gone, so is the other: there is nobody to tell.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let (sender, receiver) = mpsc::channel(chunks);
    tokio::spawn(async move {
        drop(tokio::io::copy(&mut from_client, &mut to_server).await);
        drop(to_server.shutdown().await);
    });
    tokio::spawn(read(from_server, sender, latency));
    write(to_client, receiver, &received).await;
}

/// Reads what the endpoint answers, and notes when it arrives.
async fn read(mut from: OwnedReadHalf, to: mpsc::Sender<(Instant, Bytes)>, latency: Duration) {
    let mut buffer = BytesMut::with_capacity(CHUNK_BYTES);
    while let Ok(1..) = from.read_buf(&mut buffer).await {
        if to.send((Instant::now() + latency, buffer.split().freeze())).await.is_err() {
            return;
        }
        buffer.reserve(CHUNK_BYTES);
    }
}

async fn write(mut to: OwnedWriteHalf, mut from: mpsc::Receiver<(Instant, Bytes)>, received: &AtomicU64) {
    while let Some((arrives, mut chunk)) = from.recv().await {
        tokio::time::sleep_until(arrives).await;
        while let Ok(written @ 1..) = to.write_buf(&mut chunk).await {
            received.fetch_add(written as u64, Ordering::Relaxed);
        }
        if !chunk.is_empty() {
            return;
        }
    }
    drop(to.shutdown().await);
}
