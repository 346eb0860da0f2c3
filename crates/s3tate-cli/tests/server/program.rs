//! The program: what it prints, what it refuses, how it ends.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use s3tate_testkit::{Client, Endpoint, Kind, Workdir, wait_for};

use crate::stage::{Stage, authorization, document, lock_info, token_of};

fn program() -> (Client, Endpoint) {
    let nowhere = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    (Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", "/usr/local/bin:/usr/bin:/bin"), nowhere)
}

/// Without a configuration: variables for a command, whose exit code is passed on; the token is told once.
#[test]
fn a_command_runs_with_the_variables_set() {
    let (s3tate, _nowhere) = program();
    let workdir = Workdir::new();
    let run = |script: &str| {
        s3tate.run(&workdir, &["serve", "-listen", "127.0.0.1:0", "-exec", "sh", "-c", script])
    };
    let _code = run("exit 7").exits(7);
    let said = run("echo $TF_HTTP_ADDRESS $TF_HTTP_USERNAME $TF_HTTP_PASSWORD").succeeds().stdout_text();
    let words: Vec<_> = said.split_whitespace().collect();
    assert!(
        words.len() == 3 && words[0].starts_with("http://127.0.0.1:") && words[2].starts_with("s3t_"),
        "{said}"
    );
    let kept = workdir.read("s3tate-data/server-token").expect("the hash is kept");
    assert!(kept.starts_with(b"$argon2id$"));
}

/// What is wrong with a configuration is told with its line, and what would be right.
#[test]
fn a_wrong_configuration_is_told_with_its_line() {
    let (s3tate, _nowhere) = program();
    let workdir = Workdir::new();
    workdir.write("serve.toml", "[server]\nforce_unlock = \"maybe\"\n");
    let serve = ["serve", "-config", "serve.toml", "-listen", "127.0.0.1:0"];
    let _refused = s3tate.run(&workdir, &serve).exits(2).says(&["serve.toml:2", "break-lock", "owner"]);
    workdir.write("serve.toml", "[backend]\nbucket = \"b\"\nregion = \"us-east-1\"\nuse_lockfile = true\n");
    let _nobody = s3tate.run(&workdir, &serve).exits(2).says(&["lets nobody in", "serve token"]);
}

/// A decision is explained by the rule that made it.
#[test]
fn decisions_are_explained() {
    let (s3tate, _nowhere) = program();
    let workdir = Workdir::new();
    workdir.write(
        "serve.toml",
        "[[rule]]\nwho = [\"token:ci\"]\npath = [\"app/**\"]\nallow = [\"write\"]\n[[rule]]\nwho = [\"*\"]\npath = [\"app/prod\"]\ndeny = [\"write\"]\n",
    );
    let check = |path: &str, action: &str| {
        s3tate.run(
            &workdir,
            &["serve", "check", "-config", "serve.toml", "-as", "token:ci", "-path", path, "-action", action],
        )
    };
    let _allowed = check("app/web", "write").succeeds().says(&["write: allowed by rule 1"]);
    let _denied = check("app/prod", "write").exits(1).says(&["write: denied by rule 2"]);
    let _nothing = check("other", "read").exits(1).says(&["no rule allows it"]);
    let _unknown = check("app/web", "fly").exits(2).says(&["break-lock"]);
}

/// `why` tells administrators the inside of a refusal, and gives the refused bytes back.
#[test]
fn why_tells_the_inside() {
    let stage = Stage::new();
    let _written = stage.ask("writer", "POST", "app/a", document(5, "l", "x")).is(200);
    let refused = stage.ask("writer", "POST", "app/a", document(4, "l", "late")).is(409);
    let id = refused.header("x-request-id").expect("an ID").to_owned();
    let workdir = Workdir::new();
    let s3tate = |who: &str| {
        stage.server.as_backend(Client::new(env!("CARGO_BIN_EXE_s3tate"), &stage.endpoint), who, "app/a")
    };
    let told = s3tate("admin").run(&workdir, &["why", &id]).succeeds().json();
    assert_eq!((told["reason"].as_str(), told["identity"].as_str()), (Some("serial"), Some("token:writer")));
    let rescued = s3tate("admin").run(&workdir, &["why", "-rescue", &id]).succeeds();
    assert_eq!(rescued.stdout(), document(4, "l", "late"));
    let _denied = s3tate("writer").run(&workdir, &["why", &id]).exits(1).says(&["admin"]);
    let _unknown = s3tate("admin").run(&workdir, &["why", "no-such-id"]).exits(1);
}

/// Check C51: a write under way when the server is asked to stop comes to its end, and then the server does.
#[test]
fn a_write_under_way_outlives_the_signal() {
    let stage = Stage::new();
    let sent = document(1, "l", &"x".repeat(100_000));
    let mut stream = TcpStream::connect(&stage.server.addr).expect("the server listens");
    let head = format!(
        "POST /state/app/a HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n{}\r\n",
        sent.len(),
        authorization(token_of("writer"))
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&sent[..50_000])).expect("it is sent");
    wait_for("the request to be under way", Duration::from_mins(1), || {
        let text = stage.server.ask("nobody", "GET", "/metrics", "").body;
        // The one that asks, and ours.
        String::from_utf8_lossy(&text).contains("s3tate_http_requests_in_flight 2").then_some(())
    });
    let Stage { endpoint, server, .. } = stage;
    server.running.signal("TERM");
    wait_for("the stop", Duration::from_mins(1), || {
        server.running.stderr_so_far().contains("stopping").then_some(())
    });
    stream.write_all(&sent[50_000..]).expect("the rest is sent");
    let _stored = crate::raw::read(&mut stream).expect("an answer").is(200);
    let _ended = server.running.finish().succeeds();
    assert_eq!(endpoint.store().bytes("app/a"), sent);
}

/// A write whose client hangs up without waiting for the answer is stored all the same.
#[test]
fn a_write_outlives_its_client() {
    let stage = Stage::new();
    let sent = document(1, "l", "x");
    let head = format!(
        "POST /state/app/a HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n{}\r\n",
        sent.len(),
        authorization(token_of("writer"))
    );
    let mut stream = TcpStream::connect(&stage.server.addr).expect("the server listens");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&sent)).expect("it is sent");
    drop(stream);
    wait_for("the write", Duration::from_mins(1), || {
        (stage.ask("reader", "GET", "app/a", "").status == 200).then_some(())
    });
    wait_for("its digest", Duration::from_mins(1), || stage.endpoint.store().digest("app/a"));
    stage.is_sound("app/a");
}

/// Check C6: a store that is away is 503, never "no state".
/// Check C7: bytes that don't match their digest aren't sent.
#[test]
fn a_broken_store_is_no_empty_state() {
    let stage = Stage::new();
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    stage.endpoint.store().put("app/a", document(2, "l", "behind the server's back"));
    let corrupt = stage.ask("reader", "GET", "app/a", "").is(500).json();
    assert!(corrupt["detail"].as_str().is_some_and(|detail| detail.contains("digest")), "{corrupt}");
    let Stage { endpoint, server, .. } = stage;
    drop(endpoint);
    let _read = server.ask("reader", "GET", "/state/app/a", "").is(503);
    let _missing = server.ask("reader", "GET", "/state/app/missing", "").is(503);
    let _not_ready = server.ask("nobody", "GET", "/readyz", "").is(503);
    let _alive = server.ask("nobody", "GET", "/healthz", "").is(200);
}

/// No credential, and nothing of a state, gets into the log, however much is logged.
#[test]
fn secrets_stay_out_of_the_log() {
    let stage = Stage::new();
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _written = stage.ask("writer", "POST", "app/a?ID=h", document(2, "l", "zzsecretzz")).is(200);
    let _refused = stage.ask("writer", "POST", "app/a?ID=h", document(1, "l", "zzsecretzz")).is(409);
    let _read = stage.ask("reader", "GET", "app/a", "").is(200);
    let wrong = "s3t_writer_wrongwrongwrong";
    let _wrong = stage.server.send("GET", "/state/app/a", &authorization(wrong), b"").is(401);
    let log = stage.server.running.stderr_so_far();
    assert!(log.contains("app/a"), "it is the log: {log}");
    for secret in [token_of("writer"), token_of("reader"), wrong, "zzsecretzz", "Basic "] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let encoded = authorization(token_of("writer"));
    assert!(!log.contains(encoded.trim_start_matches("Authorization: Basic ").trim()));
}
