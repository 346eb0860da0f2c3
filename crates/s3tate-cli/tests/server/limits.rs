//! Too much, too often, too slowly.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::raw::read;
use crate::stage::{Stage, authorization, document, lock_info, token_of};

/// Long enough for any answer that comes at all.
const PATIENCE: Duration = Duration::from_mins(1);

/// Check C69: of many requests some are refused, with a time to try again, and none of those that end a lock holder's work.
#[test]
fn a_burst_is_limited_and_a_lock_holder_is_not() {
    let stage = Stage::with("[limits]\nrequests_per_second = 1\nburst = 20");
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let replies: Vec<_> = std::thread::scope(|scope| {
        let get = || (0..100).map(|_| stage.ask("writer", "GET", "app/a", "")).collect::<Vec<_>>();
        let asked: Vec<_> = (0..5).map(|_| scope.spawn(get)).collect();
        asked.into_iter().flat_map(|thread| thread.join().expect("answers")).collect()
    });
    let limited: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(limited.len() > 250, "{} of {}", limited.len(), replies.len());
    for reply in limited {
        let wait: u32 =
            reply.header("retry-after").and_then(|wait| wait.parse().ok()).expect("when to try again");
        assert!((1..=5).contains(&wait), "{}", reply.head);
    }
    for _ in 0..30 {
        let _written = stage.ask("writer", "POST", "app/a?ID=h", document(1, "l", "x")).is(200);
    }
    let others: Vec<_> =
        (0..30).map(|_| stage.ask("writer", "POST", "app/a?ID=k", document(1, "l", "x")).status).collect();
    let told = others.iter().filter(|status| **status != 429).count();
    assert!(told < 10, "the ID of a lock that isn't held opens nothing: {others:?}");
    let _not_limited = stage.ask("reader", "GET", "app/a", "").is(200);
    let _unlocked = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let text = String::from_utf8(stage.server.ask("nobody", "GET", "/metrics", "").body).expect("text");
    assert!(text.contains("s3tate_rate_limited_total{scope=\"identity\"}"), "{text}");
    stage.is_sound("app/a");
    let kept = stage.endpoint.store().keys().into_iter().filter(|key| key.starts_with(".s3tate/why/"));
    assert!(kept.count() <= told, "what is limited costs the store nothing");
}

/// Whoever guesses is answered no more, and those who were let in from there before still are.
#[test]
fn failed_credentials_are_counted_by_their_source() {
    let stage = Stage::with("[limits]\nfailures_per_minute = 5");
    let _known = stage.ask("writer", "GET", "app/a", "").is(404);
    let wrong = || stage.server.send("GET", "/state/app/a", &authorization("s3t_writer_wrong"), b"");
    let answers: Vec<_> = (0..30).map(|_| wrong()).collect();
    assert_eq!(answers[..5].iter().map(|reply| reply.status).collect::<Vec<_>>(), [401; 5]);
    let limited = answers.iter().find(|reply| reply.status == 429).expect("a limit");
    assert!(limited.header("retry-after").is_some(), "{}", limited.head);
    let _known = stage.ask("writer", "GET", "app/a", "").is(404);
    let nobody = (0..10).filter(|_| stage.ask("nobody", "GET", "app/a", "").status == 429);
    assert!(nobody.count() > 5);
    let _open = stage.server.ask("nobody", "GET", "/healthz", "").is(200);
    let text = String::from_utf8(stage.server.ask("nobody", "GET", "/metrics", "").body).expect("text");
    assert!(text.contains("s3tate_rate_limited_total{scope=\"source\"}"), "{text}");
}

fn connect(stage: &Stage) -> TcpStream {
    let stream = TcpStream::connect(&stage.server.addr).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is set");
    stream
}

/// What is sent until the server ends the connection.
#[track_caller]
fn until_it_ends(mut stream: &TcpStream) -> Vec<u8> {
    let mut sent = Vec::new();
    stream.read_to_end(&mut sent).expect("the server ends the connection");
    sent
}

#[test]
fn slow_heads_and_idle_connections_are_ended() {
    let stage = Stage::with("[timeouts]\nhead = \"200ms\"\nidle = \"1h\"");
    let mut slow = connect(&stage);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\nX-Slow: ").expect("it is sent");
    assert!(until_it_ends(&slow).is_empty(), "no answer to half a head");
    let stage = Stage::with("[timeouts]\nidle = \"200ms\"");
    let silent = connect(&stage);
    assert!(until_it_ends(&silent).is_empty());
    let mut idle = connect(&stage);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").expect("it is sent");
    assert!(until_it_ends(&idle).starts_with(b"HTTP/1.1 200 OK"));
}

#[test]
fn a_body_that_stands_still_is_refused() {
    let stage = Stage::with("[timeouts]\nbody = \"200ms\"");
    for (method, framing, part) in [
        ("POST", "Content-Length: 100", "{\"version\":4,"),
        ("POST", "Transfer-Encoding: chunked", "5\r\n{\"ver"),
        ("LOCK", "Content-Length: 9", "{"),
    ] {
        let mut stream = connect(&stage);
        let head = format!(
            "{method} /state/app/slow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{framing}\r\n{}\r\n{part}",
            authorization(token_of("writer"))
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        let _refused = read(&mut stream).expect("an answer").is(408);
    }
    let _nothing = stage.ask("reader", "GET", "app/slow", "").is(404);
    let _free = stage.ask("writer", "LOCK", "app/slow", lock_info("h")).is(200);
}

/// More connections than are allowed wait until others end.
#[test]
fn connections_are_capped() {
    let stage = Stage::with("[limits]\nconnections = 2");
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = connect(&stage);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").expect("it is sent");
            let _answered = stream.read(&mut [0; 512]).expect("an answer");
            stream
        })
        .collect();
    let mut third = connect(&stage);
    third.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").expect("it is sent");
    third.set_read_timeout(Some(Duration::from_millis(300))).expect("it is set");
    assert!(third.read(&mut [0; 512]).is_err(), "it is not served while the others are there");
    drop(held);
    third.set_read_timeout(Some(PATIENCE)).expect("it is set");
    assert!(until_it_ends(&third).starts_with(b"HTTP/1.1 200 OK"));
}
