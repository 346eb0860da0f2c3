//! Connections that stand still: whoever holds one open without asking, or sends a head bit by bit, loses it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The requests of one connection, as far as its time limits need them.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    begun: AtomicUsize,
    under_way: AtomicUsize,
}

impl Requests {
    /// Counts a request as under way until the result is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    fn idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// From when on a connection without a request under way is given how long.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// From the first byte of a head to its end.
    Head(Duration),
    /// From the last byte, whatever it was of.
    Idle(Duration),
}

/// A stream that ends when its time is over, or when its peer takes nothing for `stalled`.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    requests: Arc<Requests>,
    limit: Limit,
    stalled: Duration,
    /// How many requests had begun when reading was last looked at.
    seen: usize,
    reading: Timer,
    writing: Timer,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, requests: Arc<Requests>, limit: Limit, stalled: Duration) -> Self {
        let (reading, writing) = (Timer::default(), Timer::default());
        Self { stream, requests, limit, stalled, seen: 0, reading, writing }
    }

    /// After a read that came to nothing: whether the time is over.
    fn waited(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.requests.idle() || self.seen != self.requests.begun() {
            self.seen = self.requests.begun();
            self.reading.stop();
        }
        if let (Limit::Idle(limit), true) = (self.limit, self.requests.idle()) {
            self.reading.start(limit);
        }
        self.reading.poll(cx)
    }

    fn received(&mut self) {
        match self.limit {
            Limit::Head(limit) if self.requests.idle() => self.reading.start(limit),
            Limit::Head(_) => {}
            Limit::Idle(_) => self.reading.stop(),
        }
    }

    fn written<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing.stop();
            return written;
        }
        self.writing.start(self.stalled);
        match self.writing.poll(cx) {
            Poll::Ready(Err(late)) => Poll::Ready(Err(late)),
            _ => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let over = self.waited(cx);
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => over,
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    self.received();
                }
                Poll::Ready(read)
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.written(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.written(ended, cx)
    }
}

/// A time limit that may be running.
#[derive(Debug, Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Timer {
    /// Starts it, unless it runs.
    fn start(&mut self, limit: Duration) {
        if self.running {
            return;
        }
        self.running = true;
        let deadline = Instant::now() + limit;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(sleep_until(deadline))),
        }
    }

    fn stop(&mut self) {
        self.running = false;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.sleep {
            Some(sleep) if self.running => {
                sleep.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);
    const LESS: Duration = Duration::from_secs(9);

    fn pair(limit: Limit) -> (DuplexStream, Patient<DuplexStream>, Arc<Requests>) {
        let (client, server) = duplex(8);
        let requests = Arc::<Requests>::default();
        (client, Patient::new(server, Arc::clone(&requests), limit, LIMIT), requests)
    }

    async fn read(stream: &mut Patient<DuplexStream>) -> io::Result<u8> {
        stream.read_u8().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_to_come_in_time_but_not_its_first_byte() {
        let (mut client, mut stream, requests) = pair(Limit::Head(LIMIT));
        tokio::spawn(async move {
            sleep_until(Instant::now() + LIMIT * 3).await;
            for _ in 0..4 {
                client.write_u8(1).await.unwrap();
                sleep_until(Instant::now() + LESS).await;
            }
            client
        });
        assert_eq!(read(&mut stream).await.unwrap(), 1);
        assert_eq!(read(&mut stream).await.unwrap(), 1, "within the time");
        assert_eq!(read(&mut stream).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let begun = requests.begin();
        assert_eq!(read(&mut stream).await.unwrap(), 1, "while a request is under way there is no limit");
        drop(begun);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_head_has_its_own_time() {
        let (mut client, mut stream, requests) = pair(Limit::Head(LIMIT));
        client.write_u8(1).await.unwrap();
        assert_eq!(read(&mut stream).await.unwrap(), 1);
        drop(requests.begin());
        tokio::spawn(async move {
            sleep_until(Instant::now() + LIMIT * 3).await;
            client.write_u8(2).await.unwrap();
            client
        });
        assert_eq!(read(&mut stream).await.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_but_not_one_with_a_request() {
        let (client, mut stream, requests) = pair(Limit::Idle(LIMIT));
        let begun = requests.begin();
        let under_way = tokio::time::timeout(LIMIT * 3, read(&mut stream)).await;
        assert!(under_way.is_err(), "{under_way:?}");
        drop(begun);
        assert_eq!(read(&mut stream).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_not_waited_for() {
        let (client, mut stream, _requests) = pair(Limit::Head(LIMIT));
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
