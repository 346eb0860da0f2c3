//! Answers that are lost on their way, servers that are away for a while, and runs that are interrupted.

use std::time::Duration;

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{
    Client, Deed, Endpoint, Fault, Faults, Kind, Refusal, Running, Workdir, require, wait_for,
};
use serde_json::Value;

use crate::stage::{Stage, document, lock_info};

const KEY: &str = "app/a";
const BACKEND: &str = "terraform {\n  backend \"http\" {}\n}\n";

/// A stage, and stock Terraform that reaches its server by a way on which things go wrong.
struct Scene {
    stage: Stage,
    faults: Faults,
    stock: Client,
    workdir: Workdir,
}

impl Scene {
    fn with(configuration: &str) -> Result<Self, Missing> {
        Self::of(Terraform::V1_11, configuration)
    }

    fn of(version: Terraform, configuration: &str) -> Result<Self, Missing> {
        let stage = Stage::new();
        let faults = Faults::before_url(&format!("http://{}", stage.server.addr));
        let stock = stage.stock(version, "writer", KEY)?;
        let way = format!("{}/state/{KEY}", faults.recorder().url());
        let stock = ["", "LOCK_", "UNLOCK_"]
            .iter()
            .fold(stock, |stock, kind| stock.env(&format!("TF_HTTP_{kind}ADDRESS"), &way));
        let workdir = Workdir::with(&format!("{BACKEND}{configuration}"));
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        Ok(Self { stage, faults, stock, workdir })
    }

    /// The `number`-th request of this method goes wrong.
    fn spoil(&self, method: &str, number: usize, fault: Fault) {
        self.faults.nth(Some(&format!("{method} /state/{KEY}")), number, fault);
    }

    fn apply(&self) -> s3tate_testkit::Finished {
        self.stock.run(&self.workdir, &["apply", "-auto-approve"])
    }

    fn state(&self) -> Value {
        serde_json::from_slice(&self.stage.endpoint.store().bytes(KEY)).expect("a state")
    }

    /// Names of the resources that are stored.
    fn resources(&self) -> Vec<String> {
        let state = self.state();
        let resources = state["resources"].as_array().expect("resources").iter();
        resources.filter_map(|resource| Some(resource["name"].as_str()?.to_owned())).collect()
    }

    /// An apply that is under way, having begun to make something.
    fn under_way(&self) -> Running {
        let running = self.stock.command(&self.workdir, &["apply", "-auto-approve"]).start();
        self.appears("begun");
        running
    }

    fn appears(&self, file: &str) {
        wait_for(file, Duration::from_mins(1), || self.workdir.read(file));
    }
}

/// A resource that is made once there is a file `go`, and tells that it has begun by one named `begun`.
fn waiting(name: &str, more: &str) -> String {
    format!(
        "resource \"terraform_data\" \"{name}\" {{\n{more}\n  provisioner \"local-exec\" {{\n    \
         command = \"touch begun; while [ ! -e go ]; do sleep 0.1; done\"\n  }}\n}}\n"
    )
}

const OUTPUT: &str = "output \"v\" {\n  value = \"one\"\n}\n";

/// Check C46: a lock whose answer was lost is the client's own when it asks again, and is released in the end.
/// Check C47: the same of a write, which happens once.
/// Check C48: the same of a release.
#[test]
fn lost_answers_are_given_again() {
    let versions = [Terraform::V1_11, Terraform::V1_0];
    for (version, method) in
        versions.into_iter().flat_map(|version| ["LOCK", "POST", "UNLOCK"].map(|method| (version, method)))
    {
        let scene = require!(Scene::of(version, OUTPUT));
        scene.spoil(method, 0, Fault::CutAfter);
        if method == "LOCK" {
            let _planned = scene.stock.run(&scene.workdir, &["plan"]).succeeds();
        }
        let _applied = scene.apply().succeeds();
        assert_eq!(scene.stage.endpoint.store().versions(KEY), 1, "{method}");
        let first = u64::from(version != Terraform::V1_0);
        assert_eq!(scene.state()["serial"], first, "{method}");
        scene.stage.is_sound(KEY);
    }
}

/// Check C49: a snapshot in the middle of a run is stored, and its answers are lost until the client gives up; the last
/// write, for what ended after it, is no conflict.
///
/// Terraform writes in the middle of a run no more often than every 20 s.
#[test]
fn a_snapshot_whose_answers_are_lost_is_no_conflict() {
    let scene = require!(Scene::with(&format!(
        "resource \"terraform_data\" \"at_once\" {{\n}}\nresource \"terraform_data\" \"first\" {{\n  provisioner \"local-exec\" {{\n    command = \"sleep 21\"\n  }}\n}}\n{}",
        waiting("second", "")
    )));
    for _ in 0..3 {
        scene.spoil("POST", 0, Fault::RefuseAfter(Refusal::Unavailable));
    }
    let log = || scene.stage.server.running.stderr_so_far();
    let running = scene.under_way();
    wait_for("three tries", Duration::from_mins(1), || {
        (log().matches("method=\"POST\"").count() == 3).then_some(())
    });
    scene.workdir.write("go", "");
    let ended = running.finish();
    assert!(ended.code().is_some_and(|code| code <= 1), "{ended:?}");
    assert!(scene.workdir.read("errored.tfstate").is_none(), "{ended:?}");
    assert_eq!(scene.resources(), ["at_once", "first", "second"]);
    assert!(!log().contains("status=409"), "{}", log());
    scene.stage.is_sound(KEY);
    let _unchanged = scene.stock.run(&scene.workdir, &["plan", "-detailed-exitcode"]).exits(0);
}

/// Check C50: a server that is replaced in the middle of a run, which needs it while it is away.
#[test]
fn a_server_may_be_replaced_in_the_middle_of_a_run() {
    let mut stage = Stage::new();
    let stock = require!(stage.stock(Terraform::V1_11, "writer", KEY))
        .env("TF_HTTP_RETRY_WAIT_MIN", "1")
        .env("TF_HTTP_RETRY_MAX", "8");
    let workdir = Workdir::with(&format!("{BACKEND}{}", waiting("a", "")));
    let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let running = stock.command(&workdir, &["apply", "-auto-approve"]).start();
    wait_for("the run", Duration::from_mins(1), || workdir.read("begun"));
    stage.replace(|| {
        workdir.write("go", "");
        wait_for("the end of what was made", Duration::from_mins(1), || {
            running.stdout_so_far().contains("Creation complete").then_some(())
        });
    });
    let _applied = running.finish().succeeds();
    assert_eq!(stage.endpoint.store().versions(KEY), 1);
    stage.is_sound(KEY);
}

/// Two servers carry out one request, sent again since the first answer was lost: the later one finds it done.
#[test]
fn a_write_that_another_server_finishes_first_is_done() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (seen, faults) = Faults::before(&endpoint);
    let stage = Stage::on(seen, "");
    let _locked = stage.ask("writer", "LOCK", KEY, lock_info("h")).is(200);
    let sent = document(1, "l", "x");
    let (other, object) = (endpoint.store().clone(), sent.clone());
    let put = format!("PUT /{}/{KEY}", other.bucket());
    let (digest, store) = (s3tate_testkit::md5_hex(&sent), other.clone());
    let other_server = Deed::new(move || {
        store.put(KEY, object.clone());
        store.put_digest(KEY, &digest);
    });
    faults.nth(Some(&put), 0, Fault::Meanwhile(other_server));
    let _done = stage.ask("writer", "POST", &format!("{KEY}?ID=h"), &sent).is(200);
    assert_eq!(other.versions(KEY), 1);
    let something_else = Deed::new(move || other.put(KEY, document(3, "l", "z")));
    faults.nth(Some(&put), 0, Fault::Meanwhile(something_else));
    let refused = stage.ask("writer", "POST", &format!("{KEY}?ID=h"), document(2, "l", "y"));
    assert!(refused.status >= 400, "{}", refused.head);
    assert_eq!(endpoint.store().bytes(KEY), document(3, "l", "z"));
}

/// Check C55: what could not be written is pushed later, from the file that the client left.
#[test]
fn a_run_whose_writes_failed_is_pushed_later() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let scene = require!(Scene::of(version, OUTPUT));
        scene.faults.since(Some(&format!("POST /state/{KEY}")), 0, Fault::Refuse(Refusal::Internal));
        let _failed = scene.apply().fails().says(&["errored.tfstate"]);
        assert_eq!(scene.stage.endpoint.store().get(KEY), None);
        scene.faults.clear();
        let _pushed = scene.stock.run(&scene.workdir, &["state", "push", "errored.tfstate"]).succeeds();
        let output = scene.stock.run(&scene.workdir, &["output", "-raw", "v"]).succeeds();
        assert_eq!(output.stdout_text(), "one");
        scene.stage.is_sound(KEY);
    }
}

/// Check C62: an interrupted run writes at once, and again for what ends after, all under one lock.
#[test]
fn an_interrupted_run_writes_several_times_under_one_lock() {
    let scene = require!(Scene::with(&format!(
        "resource \"terraform_data\" \"before\" {{\n}}\n{}",
        waiting("a", "  input = terraform_data.before.id")
    )));
    let running = scene.under_way();
    running.signal("INT");
    wait_for("the write at once", Duration::from_mins(1), || scene.stage.endpoint.store().get(KEY).map(drop));
    assert_eq!(scene.resources(), ["before"]);
    scene.workdir.write("go", "");
    let _interrupted = running.finish();
    assert_eq!(scene.resources(), ["a", "before"]);
    assert!(scene.stage.endpoint.store().versions(KEY) >= 2);
    let locks = scene.faults.recorder().take().iter().filter(|it| it.method == "LOCK").count();
    assert_eq!(locks, 1);
    scene.stage.is_sound(KEY);
}

/// Check C76: the store goes away between a write and the record of its digest; what the client sends again completes it.
#[test]
fn a_write_without_its_digest_is_completed_by_the_next() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (seen, faults) = Faults::before(&endpoint);
    let stage = Stage::on(seen, "");
    let _locked = stage.ask("writer", "LOCK", KEY, lock_info("h")).is(200);
    let path = format!("{KEY}?ID=h");
    let _first = stage.ask("writer", "POST", &path, document(1, "l", "x")).is(200);
    faults.since(Some("PutItem"), 0, Fault::CutBefore);
    faults.since(Some("TransactWriteItems"), 0, Fault::CutBefore);
    let sent = document(2, "l", "y");
    let failed = stage.ask("writer", "POST", &path, &sent);
    assert!(failed.status >= 500, "so that the client tries again: {}", failed.head);
    assert_eq!(endpoint.store().bytes(KEY), sent, "it is stored, without its digest");
    faults.clear();
    let _again = stage.ask("writer", "POST", &path, &sent).is(200);
    assert_eq!(stage.ask("reader", "GET", KEY, "").is(200).body, sent);
    assert_eq!(endpoint.store().versions(KEY), 2);
    stage.is_sound_but_locked(KEY);
}
