//! The end: requests under way finish, new ones are not let in.

use s3tate_local::{Local, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::endpoint::{Endpoint, options};
use crate::raw::{Raw, sha256};

#[tokio::test(flavor = "multi_thread")]
async fn request_under_way_is_finished_before_the_stop() {
    let directory = tempfile::tempdir().expect("directory");
    let local = Endpoint::directory(directory.path()).await.local;
    let addr = local.addr();
    let raw = Raw::new("PUT", "/states/a", "").signed(&local, "s3", &sha256(b"hello"));
    let mut head = "PUT /states/a HTTP/1.1\r\ncontent-length: 5\r\nexpect: 100-continue\r\n".to_owned();
    for (name, value) in &raw.headers {
        head.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    let mut stream = TcpStream::connect(addr).await.expect("connect");
    stream.write_all(format!("{head}\r\n").as_bytes()).await.expect("head");
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.expect("the endpoint waits for the body");
    assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));

    let stopping = tokio::spawn(local.stop());
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    stream.write_all(b"hello").await.expect("body");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("answer");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&answer));
    stopping.await.expect("stopped");

    let endpoint = Endpoint::directory(directory.path()).await;
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"hello".as_slice()));
    endpoint.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_handle_stops_too() {
    let local = Local::start(options(Storage::Memory)).await.expect("an endpoint");
    let addr = local.addr();
    drop(local);
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
