//! What is counted, and where it is told.

use s3tate_testkit::Workdir;

use crate::certificates::{authority, issued};
use crate::raw::exchange;
use crate::stage::{Stage, document, lock_info};

#[test]
fn the_life_of_a_state_is_counted() {
    let stage = Stage::new();
    let state = document(1, "l", "x");
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _refused = stage.ask("planner", "LOCK", "app/a", lock_info("k")).is(423);
    let _written = stage.ask("writer", "POST", "app/a?ID=h", &state).is(200);
    let _refused = stage.ask("writer", "POST", "app/a?ID=k", &state).is(409);
    let _read = stage.ask("reader", "GET", "app/a", "").is(200);
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let _deleted = stage.ask("admin", "DELETE", "app/a", "").is(200);
    let length = state.len() as u64;
    for (name, expected) in [
        ("lock_requests_total{result=\"acquired\"}", 1),
        ("lock_requests_total{result=\"conflict\"}", 1),
        ("lock_releases_total{kind=\"normal\"}", 1),
        ("lock_hold_seconds_count{operation=\"apply\"}", 1),
        ("state_operations_total{op=\"read\",result=\"ok\"}", 1),
        ("state_operations_total{op=\"write\",result=\"ok\"}", 1),
        ("state_operations_total{op=\"write\",result=\"refused\"}", 1),
        ("state_operations_total{op=\"delete\",result=\"ok\"}", 1),
        ("state_write_rejected_total{reason=\"lock_mismatch\"}", 1),
        ("http_request_body_bytes_count{route=\"/state/{key}\"}", 5),
        ("http_request_body_bytes_sum{route=\"/state/{key}\"}", 2 * length + 3 * lock_info("h").len() as u64),
        ("http_requests_total{method=\"UNLOCK\",route=\"/state/{key}\",code=\"200\"}", 1),
    ] {
        assert_eq!(stage.metric(&format!("s3tate_{name}")), expected, "{name}");
    }
}

/// Counters and health have a listener of their own, if that is wanted, and the others know nothing of them then.
#[test]
fn probes_have_a_listener_of_their_own() {
    let (ca, files) = (authority(), Workdir::new());
    let (certificate, key) = issued(&ca, &["127.0.0.1"], "server");
    files.write("cert.pem", certificate);
    files.write("key.pem", key);
    let path = files.path().display().to_string();
    let stage = Stage::with(&format!(
        "metrics_listen = \"127.0.0.1:0\"\n[tls]\ncertificate = \"{path}/cert.pem\"\nkey = \"{path}/key.pem\"\n"
    ));
    let said = stage.server.running.stderr_so_far();
    let addr = said.split("counters and health on http://").nth(1).and_then(|rest| rest.lines().next());
    let addr = addr.expect("it says where").to_owned();
    let ask = |path: &str| {
        exchange(&addr, &format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n"), b"")
    };
    let metrics = ask("/metrics").expect("an answer").is(200);
    let text = String::from_utf8(metrics.body).expect("text");
    let expiry = text.lines().find_map(|line| {
        line.strip_prefix("s3tate_tls_certificate_expiry_timestamp_seconds{name=\"server\"} ")
    });
    let expiry: i64 = expiry.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{text}"));
    assert!(expiry > jiff::Timestamp::now().as_second());
    for path in ["/healthz", "/readyz"] {
        let _answered = ask(path).expect("an answer").is(200);
    }
    for path in ["/state/app/a", "/version", "/"] {
        let _not_here = ask(path).expect("an answer").is(400);
    }
    let stage = Stage::with("metrics_listen = \"127.0.0.1:0\"");
    let _elsewhere = stage.server.ask("nobody", "GET", "/metrics", "").is(400);
    let _both = stage.server.ask("nobody", "GET", "/healthz", "").is(200);
}
