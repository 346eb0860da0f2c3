//! Requests that two readers could take for different things, and heads and bodies beyond any measure.

use std::io::Write as _;
use std::net::TcpStream;

use s3tate_testkit::wait_for;

use crate::raw::read;
use crate::stage::{PEOPLE, Stage, authorization, document, lock_info, token_of};

/// A request that a body may hide.
const HIDDEN: &str = "DELETE /state/app/victim HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";

/// Sends bytes as they are, and counts the answers that come until the connection ends.
fn statuses(stage: &Stage, bytes: &[u8]) -> Vec<u16> {
    use std::io::Read as _;
    let mut stream = TcpStream::connect(&stage.server.addr).expect("the server listens");
    // A server that refuses may close before it has read everything.
    drop(stream.write_all(bytes));
    drop(stream.shutdown(std::net::Shutdown::Write));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let text = String::from_utf8_lossy(&answer);
    let lines = text.split("HTTP/1.1 ").skip(1);
    lines.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

fn post(framing: &str, body: &str) -> String {
    let secret = authorization(token_of("admin"));
    format!("POST /state/app/a HTTP/1.1\r\nHost: t\r\n{secret}{framing}\r\n\r\n{body}")
}

/// What a proxy may take for the body of one request is never carried out as another one.
#[test]
fn nothing_is_smuggled_in_a_body() {
    let stage = Stage::new();
    let _victim = stage.ask("writer", "POST", "app/victim", document(1, "l", "x")).is(200);
    let hidden = format!("{HIDDEN}{}\r\n", authorization(token_of("admin")));
    let behind = format!("0\r\n\r\n{hidden}");
    let whole = behind.len();
    for framing in [
        &format!("Content-Length: {whole}\r\nTransfer-Encoding: chunked"),
        &format!("Transfer-Encoding: chunked\r\nContent-Length: {whole}"),
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        &format!("Content-Length: 5\r\nContent-Length: {whole}"),
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: \u{b}chunked",
        "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 5",
        "X: a\rTransfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let answers = statuses(&stage, post(framing, &behind).as_bytes());
        assert!(answers.len() == 1 && (400..500).contains(&answers[0]), "{framing:?}: {answers:?}");
    }
    // These leave no doubt where the first body ends, but are not what is read here.
    for framing in
        ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"]
    {
        let answers = statuses(&stage, post(framing, "0\r\n\r\n").as_bytes());
        assert_eq!(answers, [400], "{framing:?}");
    }
    for chunk in ["zz\r\n", "fffffffffffffffff\r\n", "-1\r\n", "5;\nx\r\n", "3\r\nabcd\r\n0\r\n\r\n"] {
        let answers =
            statuses(&stage, post("Transfer-Encoding: chunked", &format!("{chunk}{hidden}")).as_bytes());
        assert!(answers.len() == 1 && answers[0] == 400, "{chunk:?}: {answers:?}");
    }
    let _still_there = stage.ask("reader", "GET", "app/victim", "").is(200);
    assert!(stage.endpoint.store().get("app/a").is_none());
}

#[test]
fn odd_targets_and_hosts_are_refused() {
    let stage = Stage::new();
    let secret = authorization(token_of("admin"));
    for line in
        ["CONNECT evil.example:80", "GET evil.example:80", "OPTIONS *", "GET state/app/a", "GET \\state\\a"]
    {
        let answers = statuses(&stage, format!("{line} HTTP/1.1\r\nHost: t\r\n{secret}\r\n").as_bytes());
        assert_eq!(answers, [400], "{line}");
    }
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n"] {
        let answers =
            statuses(&stage, format!("GET /state/app/a HTTP/1.1\r\n{hosts}{secret}\r\n").as_bytes());
        assert_eq!(answers, [400], "{hosts:?}");
    }
    // Whatever host it names, the path says what is asked for.
    let absolute = format!("GET http://evil.example/state/app/a HTTP/1.1\r\nHost: t\r\n{secret}\r\n");
    assert_eq!(statuses(&stage, absolute.as_bytes()), [404]);
    for name in ["X-Http-Method-Override: DELETE", "X-Original-Url: /version", "X-Rewrite-Url: /version"] {
        let answers = statuses(
            &stage,
            format!("GET /state/app/a HTTP/1.1\r\nHost: t\r\n{name}\r\n{secret}\r\n").as_bytes(),
        );
        assert_eq!(answers, [404], "{name}");
    }
    // HTTP/2 is agreed upon by TLS, and not otherwise.
    assert!(statuses(&stage, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").is_empty());
}

#[test]
fn heads_beyond_measure_are_refused() {
    let stage = Stage::new();
    let with = |header: &str| {
        statuses(&stage, format!("GET /healthz HTTP/1.1\r\nHost: t\r\n{header}\r\n").as_bytes())
    };
    assert_eq!(
        with(&format!("Authorization: Bearer {}\r\n", "a".repeat(16_000))),
        [200],
        "tokens of CI systems are large"
    );
    assert_eq!(with(&format!("X: {}\r\n", "a".repeat(300_000))), [431]);
    assert_eq!(with(&"X: a\r\n".repeat(150)), [431]);
    let long = format!("GET /state/{} HTTP/1.1\r\nHost: t\r\n\r\n", "a".repeat(9000));
    assert_eq!(statuses(&stage, long.as_bytes()), [414]);
}

/// Forms of other sites write nothing, whatever a browser remembers of passwords.
#[test]
fn forms_are_no_documents() {
    let stage = Stage::new();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        for (method, path, body) in [
            ("POST", "/state/app/a", document(1, "l", "x")),
            ("PUT", "/state/app/a", document(1, "l", "x")),
            ("POST", "/state/app/a/lock", lock_info("h").into_bytes()),
        ] {
            let headers = format!("{}Content-Type: {kind}\r\n", authorization(token_of("admin")));
            let _refused = stage.server.send(method, path, &headers, &body).is(415);
        }
    }
    let _nothing = stage.ask("reader", "GET", "app/a", "").is(404);
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
    let json =
        format!("{}Content-Type: application/json; charset=utf-8\r\n", authorization(token_of("writer")));
    let _taken = stage.server.send("POST", "/state/app/a?ID=k", &json, &document(1, "l", "x")).is(200);
}

/// No credential, and nothing of a state, gets into the log: every route, by everybody, with all that can go wrong.
#[test]
fn nothing_secret_is_logged_on_any_route() {
    let stage = Stage::new();
    let secret = "zzsecretzz";
    let state = document(2, "l", secret);
    let _written = stage.ask("writer", "POST", "app/a", &state).is(200);
    let wrong = ["s3t_writer_wrongzzzz", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ6eiJ9.zzzz", "plainzzzz"];
    let mut people: Vec<String> = PEOPLE.iter().map(|(name, _)| authorization(token_of(name))).collect();
    people.extend(wrong.iter().map(|token| authorization(token)));
    people.extend(wrong.iter().map(|token| format!("Authorization: Bearer {token}\r\n")));
    people.push("Authorization: Digest plainzzzz\r\n".to_owned());
    people.push("Cookie: session=plainzzzz\r\n".to_owned());
    for headers in &people {
        for path in [
            "/state/app/a",
            "/state/app/a?ID=h",
            "/state/app/a/lock",
            "/outputs/app/a?sensitive=true",
            "/remote-state/app/a",
            "/history/app/a",
            "/restore/app/a",
            "/undelete/app/a",
            "/why/x",
            "/rescue/x",
            "/version",
            "/nothing",
            "/state/a//b",
        ] {
            for method in ["GET", "POST", "DELETE", "LOCK", "UNLOCK", "BREW"] {
                for body in [&state[..], lock_info("h").as_bytes(), b"{\"zzsecretzz\":"] {
                    let _any = stage.server.send(method, path, headers, body);
                }
            }
        }
    }
    let mut cut = TcpStream::connect(&stage.server.addr).expect("the server listens");
    let head =
        format!("POST /state/app/a HTTP/1.1\r\nHost: t\r\n{}Content-Length: 5000\r\n\r\n{secret}", people[1]);
    cut.write_all(head.as_bytes()).expect("it is sent");
    cut.shutdown(std::net::Shutdown::Write).expect("it ends");
    drop(read(&mut cut));
    stage.server.running.signal("TERM");
    wait_for("the stop", std::time::Duration::from_mins(1), || {
        stage.server.running.stderr_so_far().contains("stopping").then_some(())
    });
    let log = stage.server.running.finish().succeeds().stderr_text();
    assert!(log.matches("s3tate_server::access").count() > 1000, "it is the log");
    let tokens = PEOPLE.iter().map(|(name, _)| token_of(name)).chain(wrong).chain([
        secret,
        "plainzzzz",
        "Basic ",
        "Bearer ",
    ]);
    for secret in tokens {
        assert!(!log.contains(secret), "{secret}: {:?}", log.lines().find(|line| line.contains(secret)));
    }
    for headers in people {
        let encoded = headers.trim().rsplit(' ').next().unwrap_or_default();
        assert!(!log.contains(encoded), "{encoded}");
    }
}
