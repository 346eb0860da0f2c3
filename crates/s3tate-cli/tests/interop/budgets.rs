//! How many requests a command sends, and how many of them one after the other.

use s3tate_testkit::{Client, Endpoint, Kind, Locking, Recorder, Request, Workdir, require};

use crate::stage::{FIRST, KEY, Stage, s3tate, with_greeting};

struct Counted {
    stage: Stage,
    recorder: Recorder,
    s3tate: Client,
    workdir: Workdir,
    _proxied: Endpoint,
}

impl Counted {
    fn new(locking: Locking) -> Result<Self, s3tate_testkit::tools::Missing> {
        let stage = Stage::new(Kind::Embedded, locking)?;
        let workdir = stage.applied(FIRST);
        let (proxied, recorder) = stage.endpoint.recorded();
        Ok(Self { s3tate: s3tate(&proxied), stage, recorder, workdir, _proxied: proxied })
    }

    /// Runs s3tate and fails the test unless its first `together` requests go out at once. Returns all requests.
    fn requests(&self, together: usize, args: &[&str]) -> Vec<Request> {
        self.recorder.take();
        let run = || self.s3tate.run(&self.workdir, args).succeeds();
        let _finished = self.recorder.sends_together(together, run);
        self.recorder.take()
    }
}

#[track_caller]
fn assert_count(requests: &[Request], count: usize) {
    let shown: Vec<_> = requests.iter().map(Request::to_string).collect();
    assert_eq!(shown.len(), count, "{shown:#?}");
}

#[test]
fn reading_takes_one_round_of_two_requests() {
    let counted = require!(Counted::new(Locking::Both));
    for args in [&["output", "-json"][..], &["output", "-raw", "greeting"], &["state", "pull"]] {
        assert_count(&counted.requests(2, args), 2);
    }
    for args in [&["state", "list"][..], &["state", "show", "terraform_data.first"]] {
        assert_count(&counted.requests(2, args), 2);
    }
}

/// Check 14: without a table, nothing is sent to DynamoDB.
#[test]
fn without_a_table_nothing_is_sent_to_dynamodb() {
    let counted = require!(Counted::new(Locking::Lockfile));
    assert_count(&counted.requests(1, &["output", "-json"]), 1);
    assert_count(&counted.requests(1, &["state", "pull"]), 1);
    counted.workdir.write("next.json", with_greeting(&counted.stage.stored(), "counted"));
    for args in [&["state", "push", "next.json"][..], &["workspace", "new", "dev"], &["lock", "list"]] {
        let requests = counted.requests(1, args);
        assert!(requests.iter().all(|request| request.operation.is_none()), "{requests:#?}");
    }
}

#[test]
fn remote_states_take_one_round_of_two_requests() {
    let counted = require!(Counted::new(Locking::Both));
    let (bucket, table) = (counted.stage.endpoint.store().bucket(), counted.stage.endpoint.store().table());
    let config = format!(
        "bucket = \"{bucket}\"\nkey = \"{KEY}\"\nregion = \"us-east-1\"\ndynamodb_table = \"{table}\"\n"
    );
    counted.workdir.write(
        "remote.tf",
        format!("data \"terraform_remote_state\" \"x\" {{\nbackend = \"s3\"\nconfig = {{\n{config}}}\n}}\n"),
    );
    assert_count(&counted.requests(2, &["remote-state"]), 2);
}

/// A lock and its release take one request each, with either kind.
#[test]
fn locking_and_unlocking_take_a_request_each() {
    for locking in [Locking::Table, Locking::Lockfile] {
        let counted = require!(Counted::new(locking));
        let run = ["lock", "run", "--", "true"];
        // In the first one the store shows that it refuses a second lock object, which is remembered.
        let _first = counted.s3tate.run(&counted.workdir, &run).succeeds();
        assert_count(&counted.requests(1, &run), 2);
    }
}

#[test]
fn push_takes_three_rounds_of_five_requests() {
    let counted = require!(Counted::new(Locking::Table));
    counted.workdir.write("next.json", with_greeting(&counted.stage.stored(), "counted"));
    let requests = counted.requests(3, &["state", "push", "next.json"]);
    assert_count(&requests, 5);
    assert_eq!(requests[3].method, "PUT");
    assert_eq!(requests[4].operation.as_deref(), Some("TransactWriteItems"));
    counted.stage.is_sound("default");
}

#[test]
fn push_with_both_locks_takes_two_requests_more() {
    let counted = require!(Counted::new(Locking::Both));
    counted.workdir.write("next.json", with_greeting(&counted.stage.stored(), "counted"));
    // In the first one the store shows that it refuses a second lock object, which is remembered.
    let _first = counted.s3tate.run(&counted.workdir, &["state", "push", "next.json"]).succeeds();
    counted.workdir.write("next.json", with_greeting(&counted.stage.stored(), "counted again"));
    assert_count(&counted.requests(1, &["state", "push", "next.json"]), 7);
    counted.stage.is_sound("default");
}

#[test]
fn listing_workspaces_costs_by_workspaces_and_not_by_objects_below_them() {
    let counted = require!(Counted::new(Locking::Table));
    let store = counted.stage.endpoint.store();
    for workspace in ["a", "b", "c"] {
        store.put(&format!("env:/{workspace}/{KEY}"), "{}");
    }
    assert_count(&counted.requests(1, &["workspace", "list"]), 1);
    for number in 0..1200 {
        store.put(&format!("env:/b/other/{number}"), "{}");
    }
    let listed = counted.s3tate.run(&counted.workdir, &["workspace", "list"]).succeeds();
    assert_eq!(listed.stdout_text().trim_end(), "* default\n  a\n  b\n  c");
    // One page that does not hold everything, one of the names, and a look for each of three states.
    assert_count(&counted.requests(1, &["workspace", "list"]), 5);
}
