//! Writes, request by request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use s3tate_testkit::large_state;

use crate::raw::exchange;
use crate::stage::{Stage, authorization, document, lock_info, token_of};

/// A stage where the writer holds a lock with this ID on `app/a`.
fn locked(id: &str) -> Stage {
    let stage = Stage::new();
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info(id)).is(200);
    stage
}

fn versions(stage: &Stage) -> usize {
    stage.endpoint.store().versions("app/a")
}

/// Check C11: without any lock, as configured.
#[test]
fn unlocked_writes_are_a_matter_of_policy() {
    let stage = Stage::new();
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    stage.is_sound("app/a");
    let stage = Stage::with("unlocked_writes = \"deny\"");
    let refused = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(423).json();
    assert_eq!(refused["ID"], "none");
    let _missing = stage.ask("writer", "GET", "app/a", "").is(404);
}

/// Checks C12 to C14 and C27: under the lock that the query names, and no other.
#[test]
fn the_query_names_the_lock() {
    let stage = locked("h");
    let first = document(1, "l", "x");
    let _written = stage.ask("writer", "POST", "app/a?ID=h", &first).is(200);
    assert_eq!(stage.ask("writer", "GET", "app/a", "").is(200).body, first);
    assert_eq!(versions(&stage), 1);
    let _unnamed = stage.ask("writer", "POST", "app/a", document(2, "l", "y")).names_holder(423, "h");
    let _other = stage.ask("writer", "POST", "app/a?ID=k", document(2, "l", "y")).names_holder(409, "h");
    assert_eq!(stage.endpoint.store().bytes("app/a"), first);
    let _put = stage.ask("writer", "PUT", "app/a?ID=h", document(2, "l", "y")).is(200);
}

/// Checks C15 and C16: a writer whose lock was broken is kept out, whoever holds it now.
#[test]
fn a_broken_lock_fences_its_writer_off() {
    let stage = locked("h");
    let first = document(1, "l", "x");
    let _written = stage.ask("writer", "POST", "app/a?ID=h", &first).is(200);
    let _broken = stage.ask("admin", "UNLOCK", "app/a", "").is(200);
    let _fenced = stage.ask("writer", "POST", "app/a?ID=h", document(2, "l", "y")).is(409);
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
    let _fenced = stage.ask("writer", "POST", "app/a?ID=h", document(2, "l", "y")).names_holder(409, "k");
    assert_eq!(stage.endpoint.store().bytes("app/a"), first);
    let _written = stage.ask("writer", "POST", "app/a?ID=k", document(2, "l", "z")).is(200);
}

/// Checks C17 to C20: the same again, the same serial anew, and jumps.
#[test]
fn serials_may_jump_but_not_stand_still() {
    let stage = locked("h");
    for _ in 0..2 {
        let _written = stage.ask("writer", "POST", "app/a?ID=h", document(5, "l", "x")).is(200);
        assert_eq!(versions(&stage), 1);
    }
    let _anew = stage.ask("writer", "POST", "app/a?ID=h", document(5, "l", "y")).is(200);
    assert_eq!(versions(&stage), 2);
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
    let _same_serial = stage.ask("writer", "POST", "app/a?ID=k", document(5, "l", "z")).is(409);
    let _jump = stage.ask("writer", "POST", "app/a?ID=k", document(9, "l", "z")).is(200);
}

/// Checks C21 and C22: back, or over another lineage, with the right alone; the refused bytes are kept.
#[test]
fn going_back_needs_the_right_and_loses_nothing() {
    let stage = Stage::new();
    let _written = stage.ask("writer", "POST", "app/a", document(5, "l", "x")).is(200);
    for sent in [document(2, "l", "older"), document(6, "m", "unrelated")] {
        let refused = stage.ask("writer", "POST", "app/a", &sent).is(409);
        let id = refused.header("x-request-id").expect("an ID").to_owned();
        assert_eq!(refused.json()["request_id"], id);
        assert_eq!(refused.json()["rescued"], true);
        let path = format!("/rescue/{id}");
        assert_eq!(stage.server.ask("admin", "GET", &path, "").is(200).body, sent);
        let _denied = stage.server.ask("writer", "GET", &path, "").is(403);
        let why = stage.server.ask("admin", "GET", &format!("/why/{id}"), "").is(200).json();
        assert_eq!(
            (why["status"].as_u64(), why["state"].as_str(), why["identity"].as_str()),
            (Some(409), Some("app/a"), Some("token:writer"))
        );
        let _forced = stage.ask("admin", "POST", "app/a", &sent).is(200);
        assert_eq!(stage.endpoint.store().bytes("app/a"), sent);
    }
    stage.is_sound("app/a");
}

/// Checks C23 and C24: what is not what its digest says, or no state, is not stored.
#[test]
fn broken_bodies_are_refused() {
    let stage = locked("h");
    let sent = document(1, "l", "x");
    let send = |md5: &str| {
        let headers = format!("{}Content-MD5: {md5}\r\n", authorization(token_of("writer")));
        stage.server.send("POST", "/state/app/a?ID=h", &headers, &sent)
    };
    let _wrong = send("1B2M2Y8AsgTpgAmY7PhCfg==").is(400);
    let _nonsense = send("?").is(400);
    for (body, status) in [
        ("<html>", 400),
        ("", 400),
        ("[]", 422),
        ("{}", 422),
        ("{\"version\":4", 400),
        ("{\"serial\":\"x\"}", 422),
    ] {
        let _refused = stage.ask("writer", "POST", "app/a?ID=h", body).is(status);
    }
    let _missing = stage.ask("writer", "GET", "app/a", "").is(404);
    let right: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&s3tate_testkit::md5_hex(&sent)[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    let _right = send(&STANDARD.encode(right)).is(200);
}

/// Check C25: a body that is cut short changes nothing.
#[test]
fn a_body_cut_short_changes_nothing() {
    use std::io::Write as _;
    let stage = locked("h");
    let mut stream = std::net::TcpStream::connect(&stage.server.addr).expect("the server listens");
    let head = format!(
        "POST /state/app/a?ID=h HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n{}\r\n",
        authorization(token_of("writer"))
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(b"{\"version\":4,\"serial\":1}"))
        .expect("it is sent");
    stream.shutdown(std::net::Shutdown::Write).expect("it is half closed");
    let reply = crate::raw::read(&mut stream);
    assert!(reply.is_none_or(|reply| reply.status == 400));
    let _missing = stage.ask("writer", "GET", "app/a", "").is(404);
}

/// Check C26: too large, announced or not.
#[test]
fn the_limit_holds_with_and_without_a_length() {
    let stage = Stage::with("body_limit = \"1MiB\"");
    let large = vec![b' '; 2 << 20];
    let _announced = stage.ask("writer", "POST", "app/a", &large).is(413);
    let head = format!(
        "POST /state/app/a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{}",
        authorization(token_of("writer"))
    );
    let mut body = format!("{:x}\r\n", large.len()).into_bytes();
    body.extend_from_slice(&large);
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    let _chunked = exchange(&stage.server.addr, &head, &body).expect("an answer").is(413);
    let _missing = stage.ask("writer", "GET", "app/a", "").is(404);
}

/// Checks C28 and C29: bytes are stored as they come, encrypted ones and odd numbers included.
#[test]
fn documents_come_back_byte_for_byte() {
    let stage = locked("h");
    for sent in [
        r#"{"serial":1,"lineage":"l","meta":{"key_provider":"x"},"encrypted_data":"QUJD","encryption_version":"v0"}"#,
        "{ \"version\" :4,\n\n\t\"serial\": 2, \"lineage\":\"l\", \"outputs\": {\"a\":{\"value\":1e400,\"type\":\"number\"},\"b\":{\"value\":12345678901234567890,\"type\":\"number\"}}, \"resources\": []  }",
    ] {
        let _written = stage.ask("writer", "POST", "app/a?ID=h", sent).is(200);
        assert_eq!(stage.ask("writer", "GET", "app/a", "").is(200).body, sent.as_bytes());
    }
}

/// Check C30: memory doesn't grow with what is written over, written, refused, or read.
#[test]
#[cfg(target_os = "linux")]
fn memory_stays_flat_with_large_states() {
    let stage = locked("h");
    let small = |serial| large_state(10, serial);
    let _first = stage.ask("writer", "POST", "app/a?ID=h", small(1)).is(200);
    let _refused = stage.ask("writer", "POST", "app/a?ID=h", small(0)).is(409);
    let _read = stage.ask("writer", "GET", "app/a", "").is(200);
    let before = stage.server.peak_memory();
    let large = large_state(36_000, 2);
    assert!(large.len() > 50_000_000, "{} bytes", large.len());
    let _written = stage.ask("writer", "POST", "app/a?ID=h", &large).is(200);
    assert!(stage.ask("writer", "GET", "app/a", "").is(200).body == large);
    let _refused = stage.ask("writer", "POST", "app/a?ID=h", large_state(36_000, 1)).is(409);
    let grown = stage.server.peak_memory() - before;
    assert!(grown < 16 << 20, "it grew by {grown} bytes, from {before}");
    stage.is_sound_but_locked("app/a");
}

/// Without a lock, two administrators that read the same don't come over each other; under a lock, one may insist.
#[test]
fn the_same_serial_is_no_way_back_without_a_lock() {
    let stage = Stage::new();
    let _first = stage.ask("admin", "POST", "app/a", document(2, "l", "x")).is(200);
    let _second = stage.ask("admin", "POST", "app/a", document(2, "l", "y")).is(409);
    let _locked = stage.ask("admin", "LOCK", "app/a", lock_info("h")).is(200);
    let _forced = stage.ask("admin", "POST", "app/a?ID=h", document(2, "l", "y")).is(200);
    assert_eq!(stage.endpoint.store().bytes("app/a"), document(2, "l", "y"));
}

/// A deletion is by an administrator, not over somebody's lock, and can be repeated.
#[test]
fn a_state_is_deleted_by_administrators_alone() {
    let stage = locked("h");
    let _written = stage.ask("writer", "POST", "app/a?ID=h", document(1, "l", "x")).is(200);
    let _denied = stage.ask("writer", "DELETE", "app/a?ID=h", "").is(403);
    let _locked = stage.ask("admin", "DELETE", "app/a", "").names_holder(409, "h");
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    for _ in 0..2 {
        let _deleted = stage.ask("admin", "DELETE", "app/a", "").is(200);
        let _missing = stage.ask("writer", "GET", "app/a", "").is(404);
    }
    assert_eq!(stage.endpoint.store().digest("app/a"), None);
}

/// Check C77: a state that is there may be used whatever its name; another one is neither read, locked nor written.
#[test]
fn only_declared_states_are_begun() {
    let stage = Stage::with("new_states = []");
    for (method, body) in
        [("GET", Vec::new()), ("LOCK", lock_info("h").into()), ("POST", document(1, "l", "x"))]
    {
        let refused = stage.ask("writer", method, "app/new", &body).is(403).json();
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("new_states")), "{refused}");
    }
    for path in ["/outputs/app/new", "/remote-state/app/new"] {
        let _refused = stage.server.ask("reader", "GET", path, "").is(403);
    }
    assert!(stage.endpoint.store().keys().iter().all(|key| key.starts_with(".s3tate/")));
    let place = format!("{}/app/new", stage.endpoint.store().bucket());
    assert_eq!(stage.endpoint.store().item(&place), None);
    stage.endpoint.store().put("app/old", document(1, "l", "x"));
    for (method, path, body) in [
        ("GET", "app/old", Vec::new()),
        ("LOCK", "app/old", lock_info("h").into()),
        ("POST", "app/old?ID=h", document(2, "l", "y")),
        ("UNLOCK", "app/old", lock_info("h").into()),
    ] {
        let _served = stage.ask("writer", method, path, &body).is(200);
    }
}
