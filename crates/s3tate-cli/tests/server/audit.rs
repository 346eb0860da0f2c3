//! The audit log: what is in it, what happens without it, and what finds out that it was changed.

use s3tate_testkit::{Client, Endpoint, Fault, Faults, Finished, Kind, Refusal, Workdir};
use serde_json::Value;

use crate::stage::{Stage, authorization, document, lock_info, token_of};

const TO_FILE: &str = "[audit]\nfile = \"audit.jsonl\"\n";

/// The lines of the log, without the first one.
fn lines(stage: &Stage) -> Vec<Value> {
    let text = String::from_utf8(stage.workdir.read("audit.jsonl").expect("a log")).expect("text");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("an object a line"));
    lines.filter(|line: &Value| line["event"] != "opened").collect()
}

/// `s3tate serve verify`, where the server was started.
fn verify(stage: &Stage, args: &[&str]) -> Finished {
    let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &stage.endpoint);
    s3tate.run(&stage.workdir, &[&["serve", "verify"], args].concat())
}

fn rename(stage: &Stage, to: &str) {
    let directory = stage.workdir.path();
    std::fs::rename(directory.join("audit.jsonl"), directory.join(to)).expect("it is renamed");
}

/// What people do in the web UI is told like what clients do: a lock broken, and sensitive values shown.
#[test]
fn what_people_do_is_told() {
    let stage = Stage::with(TO_FILE);
    let _stored = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let before = lines(&stage).len();
    let admin = crate::ui::Visitor::new(&stage.server, "admin");
    let _shown = admin.sends("/ui/reveal/app/a", "/ui/state/app/a", &[]).is(200);
    let _broken =
        admin.sends("/ui/break/app/a", "/ui/break/app/a", &[("lock", "h"), ("sure", "yes")]).is(303);
    let told: Vec<_> = lines(&stage)[before..]
        .iter()
        .filter(|line| line["state"] == "app/a")
        .map(|line| format!("{} {} {} {}", line["event"], line["action"], line["lock_id"], line["forced"]))
        .collect();
    let told = told.join("\n").replace('"', "");
    assert_eq!(told, "done read null null\nbegun break-lock h true\ndone break-lock h true");
}

/// Check C70: the ID of a request is the same in its answer, the server's log and the audit log.
///
/// Each attempt is told, those that are refused too, with who, whence, what and what came of it; no secret is.
#[test]
fn every_attempt_is_told() {
    let stage = Stage::with(TO_FILE);
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let headers =
        format!("{}X-Request-Id: mine-1\r\nUser-Agent: tester\r\n", authorization(token_of("writer")));
    let sent = document(5, "l", "zzsecretzz");
    let written = stage.server.send("POST", "/state/app/a?ID=h", &headers, &sent).is(200);
    assert_eq!(written.header("x-request-id"), Some("mine-1"));
    let refused = stage.ask("writer", "POST", "app/a?ID=h", document(4, "l", "zzsecretzz")).is(409);
    let _denied = stage.ask("reader", "LOCK", "app/a", lock_info("k")).is(403);
    let _unknown = stage.server.ask("nobody", "POST", "/state/app/a?ID=h", &sent).is(401);
    let _read = stage.ask("reader", "GET", "app/a", "").is(200);
    let _broken = stage.ask("admin", "UNLOCK", "app/a", "").is(200);
    let _deleted = stage.ask("admin", "DELETE", "app/a", "").is(200);
    let lines = lines(&stage);
    let told = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        let who = line["actor"]["identity"].as_str().unwrap_or("-");
        format!("{} {} {who} {} {}", text("event"), text("action"), text("result"), text("reason"))
    };
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            "begun lock token:writer - -",
            "done lock token:writer accepted -",
            "begun write token:writer - -",
            "done write token:writer accepted -",
            "done write token:writer refused serial",
            "done lock token:reader refused denied",
            "done write - refused none",
            "begun break-lock token:admin - -",
            "done break-lock token:admin accepted -",
            "begun delete token:admin - -",
            "done delete token:admin accepted -",
        ]
    );
    let write = &lines[3];
    assert_eq!((write["request_id"].as_str(), write["lock_id"].as_str()), (Some("mine-1"), Some("h")));
    assert_eq!((write["state"].as_str(), write["serial_after"].as_u64()), (Some("app/a"), Some(5)));
    assert_eq!(write["source"]["address"], "127.0.0.1");
    assert_eq!(write["source"]["user_agent"], "tester");
    assert_eq!(write["sha256"], written.json()["sha256"]);
    let told = crate::history::history(&stage, "app/a");
    assert_eq!(write["version_id"], told[1]["version_id"], "the one below the deletion");
    assert_eq!(lines[4]["request_id"].as_str(), refused.header("x-request-id"));
    assert_eq!(lines[8]["forced"], true);
    let text = String::from_utf8(stage.workdir.read("audit.jsonl").expect("a log")).expect("text");
    for secret in [token_of("writer"), token_of("admin"), "zzsecretzz", "Basic "] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(stage.server.running.stderr_so_far().contains("mine-1"));
}

/// Reads are told where that is asked for.
#[test]
fn reads_are_told_on_request() {
    let stage = Stage::with(&format!("{TO_FILE}reads = true\n"));
    let _read = stage.ask("reader", "GET", "app/a", "").is(404);
    let _denied = stage.ask("breaker", "GET", "app/a", "").is(403);
    let told: Vec<_> = lines(&stage).iter().map(|line| line["result"].clone()).collect();
    assert_eq!(told, ["accepted", "refused"]);
    assert_eq!(lines(&stage)[0]["action"], "read");
}

/// `verify` finds what was changed, taken away or cut off, and names the line.
#[test]
fn what_was_changed_is_found() {
    let stage = Stage::with(TO_FILE);
    for serial in 1..4 {
        let _written = stage.ask("writer", "POST", "app/a", document(serial, "l", "x")).is(200);
    }
    let sound = verify(&stage, &["-config", "serve.toml"]).succeeds().stdout_text();
    assert!(sound.contains("7 records"), "{sound}");
    let head = sound.rsplit("head ").next().expect("a hash").trim().to_owned();
    let _there = verify(&stage, &["-head", &head, "audit.jsonl"]).succeeds();
    let text = String::from_utf8(stage.workdir.read("audit.jsonl").expect("a log")).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let with = |lines: &[&str]| {
        stage.workdir.write("copy.jsonl", lines.join("\n") + "\n");
        verify(&stage, &["copy.jsonl"])
    };
    let mut changed = lines.clone();
    let forged = changed[4].replace("token:writer", "token:admin");
    changed[4] = &forged;
    let _changed = with(&changed).exits(1).says(&["line 5", "changed"]);
    let mut exchanged = lines.clone();
    exchanged.swap(2, 3);
    let _exchanged = with(&exchanged).exits(1).says(&["line 3"]);
    let _removed = with(&[&lines[..2], &lines[3..]].concat()).exits(1).says(&["line 3"]);
    let _cut = with(&lines[..5]).succeeds();
    let _missed = verify(&stage, &["-head", &head, "copy.jsonl"]).exits(1).says(&["cut off"]);
}

/// The chain goes on after a crash. What a crash left of a line stays, and the next one vouches for it.
#[test]
fn the_chain_goes_on_after_a_crash() {
    let mut stage = Stage::with(TO_FILE);
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    stage.crash(|workdir| {
        let mut log = workdir.read("audit.jsonl").expect("a log");
        log.extend_from_slice(br#"{"seq":4,"ts":"2026"#);
        workdir.write("audit.jsonl", log);
    });
    let _written = stage.ask("writer", "POST", "app/a", document(2, "l", "y")).is(200);
    let told = verify(&stage, &["-config", "serve.toml"]).succeeds().stdout_text();
    assert!(told.contains("6 records") && told.contains("1 torn"), "{told}");
    let log = stage.workdir.read("audit.jsonl").expect("a log");
    let changed =
        String::from_utf8(log).expect("text").replacen(r#"{"seq":4,"ts":"2026"#, r#"{"seq":4,"ts":"2025"#, 1);
    stage.workdir.write("copy.jsonl", changed);
    let _changed = verify(&stage, &["copy.jsonl"]).exits(1).says(&["line 4"]);
}

/// Check C72: where the log can't be written, nothing is stored, locked or acknowledged; with `warn` all goes on.
#[test]
fn nothing_is_done_without_the_log() {
    let mut stage = Stage::with(TO_FILE);
    // A few lines fit.
    stage.limit_files(8);
    let mut serials = 1..;
    let full = serials
        .find(|serial| stage.ask("writer", "POST", "app/a", document(*serial, "l", "x")).status == 503);
    let full = full.expect("the log is full some day");
    assert!(full > 1, "the first ones fit");
    let stored = stage.endpoint.store().bytes("app/a");
    let refused = stage.ask("writer", "POST", "app/a", document(full + 1, "l", "y")).is(503).json();
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("audit log")), "{refused}");
    let _unlocked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(503);
    let _kept = stage.ask("admin", "DELETE", "app/a", "").is(503);
    assert_eq!(stage.endpoint.store().bytes("app/a"), stored, "nothing was stored");
    stage.is_sound("app/a");
    let _read = stage.ask("reader", "GET", "app/a", "").is(200);
    assert!(stage.metric("s3tate_audit_failures_total") > 0);
    // A new file has room again, for a while.
    rename(&stage, "full.jsonl");
    let _written = stage.ask("writer", "POST", "app/a", document(full + 2, "l", "z")).is(200);
    let _sound = verify(&stage, &["audit.jsonl"]).succeeds();
    stage.configure(&format!("{TO_FILE}on_failure = \"warn\"\n"));
    rename(&stage, "second.jsonl");
    stage.limit_files(8);
    for serial in full + 3..full + 20 {
        let _written = stage.ask("writer", "POST", "app/a", document(serial, "l", "x")).is(200);
    }
    assert!(stage.server.running.stderr_so_far().contains("the audit log can't be written"));
}

/// A lock that the log has no end of is not acknowledged, so it is given back.
#[test]
fn a_lock_that_is_not_acknowledged_is_given_back() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (through, faults) = Faults::before(&endpoint);
    let stage = Stage::on(through, "[audit]\nin_bucket = true\n");
    let _known = stage.ask("writer", "LOCK", "app/b", lock_info("b")).is(200);
    // The intent is told, and what came of it isn't.
    let audit = format!("PUT /{}/.s3tate/audit/*", endpoint.store().bucket());
    faults.since(Some(&audit), 1, Fault::Refuse(Refusal::Denied));
    let _refused = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(503);
    assert_eq!(endpoint.store().item(&format!("{}/app/a", endpoint.store().bucket())), None);
    faults.clear();
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
}

/// Servers beside each other keep a chain each, in the bucket; what is missing there is found.
#[test]
fn replicas_keep_a_chain_each() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (through, faults) = Faults::before(&endpoint);
    let stage = Stage::on(through, "[audit]\nin_bucket = true\n");
    let other = stage.replica();
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    let _written = other.ask("writer", "POST", "/state/app/a", document(2, "l", "y")).is(200);
    // The store has no answer: nothing is stored. An answer that is lost is asked for again.
    let audit = format!("PUT /{}/.s3tate/audit/*", endpoint.store().bucket());
    faults.since(Some(&audit), 0, Fault::Refuse(Refusal::Denied));
    let _refused = stage.ask("writer", "POST", "app/a", document(3, "l", "z")).is(503);
    assert_eq!(endpoint.store().bytes("app/a"), document(2, "l", "y"));
    faults.clear();
    faults.nth(Some(&audit), 0, Fault::CutAfter);
    let _written = stage.ask("writer", "POST", "app/a", document(3, "l", "z")).is(200);
    let told = verify(&stage, &["-config", "serve.toml"]).succeeds().stdout_text();
    assert_eq!(told.lines().count(), 2, "{told}");
    let objects: Vec<_> =
        endpoint.store().keys().into_iter().filter(|key| key.starts_with(".s3tate/audit/")).collect();
    assert!(objects.len() >= 4, "{objects:?}");
    for key in &objects {
        assert_eq!(endpoint.store().versions(key), 1, "{key} was written once");
    }
    endpoint.store().delete(&objects[0]);
    let _missing = verify(&stage, &["-config", "serve.toml"]).exits(1).says(&["line 1"]);
}

/// Without a configuration the log is beside the states, and `verify` finds it.
#[test]
fn the_log_is_on_by_itself() {
    let nowhere = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let s3tate =
        Client::new(env!("CARGO_BIN_EXE_s3tate"), &nowhere).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let workdir = Workdir::new();
    let _ran = s3tate.run(&workdir, &["serve", "-listen", "127.0.0.1:0", "-exec", "true"]).succeeds();
    let told = s3tate.run(&workdir, &["serve", "verify"]).succeeds().stdout_text();
    assert!(told.contains("audit.jsonl: 1 records"), "{told}");
}
