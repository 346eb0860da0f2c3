//! Reads, outputs, and what is not answered at all.

use crate::stage::{PEOPLE, Stage, authorization, document, lock_info, token_of};

/// Checks C1, C2 and C8: the bytes that were written, with their digests, whoever holds the lock.
#[test]
fn what_was_written_is_read() {
    let stage = Stage::new();
    let missing = stage.ask("reader", "GET", "app/a", "").is(404);
    assert_eq!(missing.body, b"");
    let sent = document(3, "l", "x");
    let _written = stage.ask("writer", "POST", "app/a", &sent).is(200);
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let read = stage.ask("reader", "GET", "app/a", "").is(200);
    assert_eq!(read.body, sent);
    assert_eq!(read.header("content-length"), Some(sent.len().to_string().as_str()));
    assert_eq!(read.header("cache-control"), Some("no-store"));
    let md5 = read.header("content-md5").expect("a digest").to_owned();
    let tag = read.header("etag").expect("a tag").to_owned();
    assert_eq!((md5.len(), tag.len()), (24, 66));
    assert_eq!((read.header("x-state-serial"), read.header("x-state-lineage")), (Some("3"), Some("l")));
    assert!(read.header("x-state-version-id").is_some_and(|id| !id.is_empty()), "{}", read.head);
    let conditional = format!("{}If-None-Match: {tag}\r\n", authorization(token_of("reader")));
    let unchanged = stage.server.send("GET", "/state/app/a", &conditional, b"").is(304);
    assert_eq!(unchanged.body, b"");
}

/// Check C3: packed where the client asks for it.
#[test]
fn answers_are_packed_on_request() {
    let stage = Stage::new();
    let sent = document(3, "l", &"x".repeat(10_000));
    let _written = stage.ask("writer", "POST", "app/a", &sent).is(200);
    let headers = format!("{}Accept-Encoding: gzip\r\n", authorization(token_of("reader")));
    let packed = stage.server.send("GET", "/state/app/a", &headers, b"").is(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")));
    assert!(packed.body.len() < sent.len() / 10 && packed.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(packed.header("content-md5"), None, "it would be that of the unpacked bytes");
}

/// Checks C4 and C5: nobody learns which states there are.
#[test]
fn those_who_may_not_read_learn_nothing() {
    let stage = Stage::new();
    let _written = stage.ask("admin", "POST", "other/a", document(1, "l", "x")).is(200);
    for (who, status) in [("nobody", 401), ("reader", 403), ("writer", 403)] {
        let replies = ["other/a", "other/missing"].map(|key| stage.ask(who, "GET", key, "").is(status));
        let details = replies.each_ref().map(|reply| reply.json()["detail"].clone());
        assert_eq!(details[0], details[1]);
        assert_eq!(replies[0].header("www-authenticate").is_some(), status == 401);
    }
    let wrong = token_of("reader").replace("s3t_reader", "s3t_admin");
    for secret in [wrong.as_str(), "s3t_reader_", "s3t_who_x", "", "x", "a.b.c"] {
        let _refused = stage.server.send("GET", "/state/app/a", &authorization(secret), b"").is(401);
    }
    let _malformed = stage.server.send("GET", "/state/app/a", "Authorization: Basic ???\r\n", b"").is(401);
}

/// Check C10: a write that a redirect turned into a GET is not taken for a read.
#[test]
fn a_mangled_write_is_refused() {
    let stage = Stage::new();
    let headers = format!("{}Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n", authorization(token_of("admin")));
    let _refused = stage.server.send("GET", "/state/app/a", &headers, b"").is(400);
}

/// Each person, each kind of request, in their path and outside: what no permission covers is denied.
#[test]
fn the_matrix_of_people_and_requests() {
    let stage = Stage::new();
    for key in ["app/m", "out/m"] {
        let _written = stage.ask("admin", "POST", key, document(1, "l", "x")).is(200);
    }
    let requests = [
        ("GET", "/outputs/", "", "admin writer planner reader onlooker"),
        ("GET", "/remote-state/", "", "admin writer planner reader onlooker"),
        ("GET", "/outputs/", "?sensitive=true", "admin writer planner reader"),
        ("GET", "/state/", "", "admin writer planner reader"),
        ("LOCK", "/state/", "", "admin writer planner"),
        ("POST", "/state/", "?ID=none", "admin writer"),
        ("UNLOCK", "/state/", "", "admin writer planner breaker"),
        ("DELETE", "/state/", "", "admin"),
    ];
    for (name, _) in PEOPLE.into_iter().chain([("nobody", "")]) {
        for (method, path, query, allowed) in requests {
            for key in ["app/m", "out/m"] {
                let body =
                    if method == "POST" { document(2, "l", "y") } else { lock_info("not-held").into_bytes() };
                let body = if method == "DELETE" || method == "GET" || method == "UNLOCK" {
                    Vec::new()
                } else {
                    body
                };
                let reply = stage.server.ask(name, method, &format!("{path}{key}{query}"), &body);
                let may = allowed.split(' ').any(|it| it == name) && (key == "app/m" || name == "admin");
                let refused = if name == "nobody" { 401 } else { 403 };
                assert_eq!(
                    reply.status != refused,
                    may,
                    "{name} {method} {path}{key}{query}: {}",
                    reply.head
                );
                if method == "LOCK" && reply.status == 200 {
                    let _broken = stage.ask("admin", "UNLOCK", key, "").is(200);
                }
                if method == "DELETE" && reply.status == 200 {
                    let _written = stage.ask("admin", "POST", key, document(1, "l", "x")).is(200);
                }
            }
        }
    }
}

/// Outputs alone, all digits kept, and a tag to ask again by.
#[test]
fn outputs_are_read_without_the_state() {
    let stage = Stage::new();
    let _missing = stage.server.ask("onlooker", "GET", "/outputs/app/a", "").is(404);
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    let shown = stage.server.ask("onlooker", "GET", "/outputs/app/a", "").is(200);
    let text = String::from_utf8_lossy(&shown.body).into_owned();
    assert!(text.contains("12345678901234567890123") && !text.contains("hush"), "{text}");
    let tag = shown.header("etag").expect("a tag");
    let headers = format!("{}If-None-Match: {tag}\r\n", authorization(token_of("onlooker")));
    let _unchanged = stage.server.send("GET", "/outputs/app/a", &headers, b"").is(304);
    let all = stage.server.ask("reader", "GET", "/outputs/app/a?sensitive=true", "").is(200).json();
    assert_eq!(all["password"]["value"], "hush-x");
    for method in ["POST", "PUT", "LOCK", "UNLOCK", "DELETE"] {
        for path in ["/remote-state/app/a", "/outputs/app/a"] {
            let _refused = stage.server.ask("admin", method, path, document(2, "l", "y")).is(405);
        }
    }
}

/// Check C68: tricks with paths reach nothing, and no path but a missing state's is 404.
/// Check C75: no redirects.
#[test]
fn tricks_with_paths_reach_nothing() {
    let stage = Stage::new();
    let long = format!("/state/{}", "a".repeat(9 << 10));
    let paths = [
        ("/state/a/../b", 400),
        ("/state/a//b", 400),
        ("/state/%2e%2e/b", 400),
        ("/state/a%2fb", 400),
        ("/state/a%00b", 400),
        ("/state/", 400),
        ("/state", 400),
        ("/state/app/", 400),
        ("//state/app", 400),
        ("/", 405),
        ("/nothing", 400),
        ("/State/app/a", 400),
        ("/state/.s3tate/why/x.json", 400),
        ("/state/a.tflock", 400),
        ("/state/a-md5", 400),
        ("/state/a?workspace=../b", 400),
        ("/state/a?ID=x&ID=y", 400),
        (long.as_str(), 414),
    ];
    for (path, status) in paths {
        for method in ["GET", "POST", "LOCK", "UNLOCK", "DELETE"] {
            let reply = stage.server.ask("admin", method, path, "{}");
            let home = path == "/" && reply.status == 200;
            assert!(reply.status == status || home, "{method} {path}: {}", reply.head);
            assert_eq!(reply.header("location"), None);
        }
    }
}

/// Check C70: the ID of a request is generated, echoed, or replaced.
#[test]
fn every_answer_has_an_id() {
    let stage = Stage::new();
    let id = |headers: &str| {
        let reply = stage.server.send("GET", "/state/app/a", headers, b"").is(401);
        let id = reply.header("x-request-id").expect("an ID").to_owned();
        assert_eq!(reply.json()["request_id"], id.as_str());
        id
    };
    assert_eq!(id("X-Request-Id: mine-1\r\n"), "mine-1");
    assert_ne!(id(""), id(""));
    assert_eq!(id("X-Request-Id: a b\r\n").len(), 36);
    assert!(stage.server.running.stderr_so_far().contains("mine-1"));
}

/// Check C71: counters don't grow with states. Health is told to anybody, and tells no names.
#[test]
fn counters_are_bounded_and_health_is_open() {
    let stage = Stage::new();
    for path in ["/healthz", "/livez", "/readyz", "/version", "/"] {
        let _open = stage.server.ask("nobody", "GET", path, "").is(200);
    }
    let series = |states: std::ops::Range<usize>| {
        for number in states {
            let _missing = stage.ask("reader", "GET", &format!("app/n{number}"), "").is(404);
        }
        let text =
            String::from_utf8(stage.server.ask("nobody", "GET", "/metrics", "").is(200).body).expect("text");
        assert!(
            text.contains("s3tate_http_requests_total{method=\"GET\",route=\"/state/{key}\",code=\"404\"}"),
            "{text}"
        );
        assert!(!text.contains("app/n"), "{text}");
        text.lines().count()
    };
    let _warm = series(0..1);
    let few = series(1..2);
    assert_eq!(series(2..60), few);
}

/// What is stored, but no state, is told as such, and not as damaged. Found by schemathesis.
#[test]
fn what_is_stored_but_no_state_has_no_outputs() {
    let stage = Stage::new();
    for (number, body) in [
        "{\"version\":0}",
        "{\"version\":99,\"serial\":1,\"lineage\":\"x\"}",
        "{\"version\":4,\"serial\":1,\"lineage\":\"x\",\"outputs\":{\"a\":1}}",
    ]
    .iter()
    .enumerate()
    {
        let key = format!("app/{number}");
        let _written = stage.ask("writer", "POST", &key, body).is(200);
        for path in ["outputs", "remote-state"] {
            let refused = stage.server.ask("reader", "GET", &format!("/{path}/{key}"), "").is(422).json();
            assert!(
                refused["detail"].as_str().is_some_and(|detail| detail.contains("read as a state")),
                "{refused}"
            );
        }
        assert_eq!(stage.ask("reader", "GET", &key, "").is(200).body, body.as_bytes());
    }
}

/// A request ID is the client's own choice: what is told of another request under it stays.
#[test]
fn an_incident_is_not_replaced_by_one_of_the_same_id() {
    let stage = Stage::new();
    let _first = stage.ask("writer", "POST", "app/a", document(3, "l", "x")).is(200);
    let send = |who: &str, method: &str, path: &str, body: &[u8]| {
        let headers = format!("{}X-Request-Id: theirs\r\n", authorization(token_of(who)));
        stage.server.send(method, path, &headers, body)
    };
    let _refused = send("writer", "POST", "/state/app/a", &document(2, "l", "y")).is(409);
    let _other = send("onlooker", "GET", "/state/app/a", b"").is(403);
    let why = stage.server.ask("admin", "GET", "/why/theirs", "").is(200).json();
    assert_eq!(why["status"], 409, "{why}");
    let rescued = stage.server.ask("admin", "GET", "/rescue/theirs", "").is(200);
    assert_eq!(rescued.body, document(2, "l", "y"));
}
