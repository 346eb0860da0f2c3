//! One lock, every door: stock `backend "http"`, stock `backend "s3"` and s3tate change one state at the same time.

use std::fmt::Write as _;

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Client, Endpoint, Kind, Locking, Workdir, require};

use crate::stage::Stage;

const KEY: &str = "app/doors";
const PATIENT: &str = "-lock-timeout=110s";

/// How many changes each door makes; `S3TATE_DOOR_CHANGES` sets it.
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how long")]
fn changes() -> usize {
    std::env::var("S3TATE_DOOR_CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

fn resources(door: &str) -> String {
    (0..changes()).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "resource \"terraform_data\" \"{door}_{number}\" {{\n}}");
        text
    })
}

/// Each change reads, adds to what it read, and writes under the lock: none is lost, and none happens twice.
#[test]
fn no_change_is_lost_between_the_doors() {
    for (kind, locking) in [
        (Kind::Embedded, Locking::Table),
        (Kind::Embedded, Locking::Lockfile),
        (Kind::Embedded, Locking::Both),
        (Kind::Moto, Locking::Table),
    ] {
        let endpoint = require!(Endpoint::start(kind));
        contend(&Stage::locking(endpoint, "", locking), locking);
    }
}

/// Applies, again and again while the lock can't be had: stock `backend "s3"` gives up waiting when the lock is released
/// between its two requests.
fn apply(client: &Client, workdir: &Workdir, target: &str) {
    loop {
        let applied = client.run(workdir, &["apply", "-auto-approve", PATIENT, target]);
        if applied.code() == Some(0) {
            return;
        }
        let gave_up = applied.exits(1).says(&["Error acquiring the state lock"]).stderr_text();
        let vanished = ["unexpected end of JSON input", "NoSuchKey"];
        assert!(vanished.iter().any(|sign| gave_up.contains(sign)), "{gave_up}");
    }
}

fn contend(stage: &Stage, locking: Locking) {
    let http = require!(stage.stock(Terraform::V1_11, "writer", KEY));
    let s3 = require!(Client::terraform(Terraform::V1_11, &stage.endpoint));
    let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &stage.endpoint);
    let backend = Backend::new(&stage.endpoint, KEY, locking);
    let block = backend.block(Terraform::V1_11);
    let by_http = Workdir::with(&format!("terraform {{\n  backend \"http\" {{}}\n}}\n{}", resources("http")));
    let by_s3 = Workdir::with(&format!("{block}{}", resources("s3")));
    let by_cli = Workdir::with(&format!("{block}resource \"terraform_data\" \"cli_0\" {{\n}}\n"));
    for (client, workdir) in [(&http, &by_http), (&s3, &by_s3), (&s3, &by_cli)] {
        let _initialised = client.run(workdir, &["init", "-input=false"]).succeeds();
    }
    let _begun = s3.run(&by_cli, &["import", "terraform_data.cli_0", "id"]).succeeds();
    std::thread::scope(|scope| {
        for (client, workdir, door) in [(&http, &by_http, "http"), (&s3, &by_s3, "s3")] {
            scope.spawn(move || {
                for number in 0..changes() {
                    // The others' resources are in no configuration of this one, and stay as they are.
                    let target = format!("-target=terraform_data.{door}_{number}");
                    apply(client, workdir, &target);
                }
            });
        }
        scope.spawn(|| {
            for number in 0..changes() {
                let [from, to] = [number, number + 1].map(|number| format!("terraform_data.cli_{number}"));
                let _moved = s3tate.run(&by_cli, &["state", "mv", PATIENT, &from, &to]).succeeds();
            }
        });
    });
    let history = s3tate.run(&by_cli, &["history", "-json"]).succeeds().stdout_text();
    let serial =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("a version")["serial"].as_u64();
    let serials: Vec<_> = history.lines().map(serial).collect();
    assert_eq!(serials.len(), 1 + 3 * changes(), "each change is one version: {serials:?}");
    assert!(serials.iter().rev().is_sorted_by(|before, after| before < after), "{serials:?}");
    let state: serde_json::Value =
        serde_json::from_slice(&stage.endpoint.store().bytes(KEY)).expect("a state");
    let mut found: Vec<_> = state["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    found.sort_unstable();
    let each = |door: &str| (0..changes()).map(|number| format!("{door}_{number}")).collect::<Vec<_>>();
    let mut expected = [each("http"), each("s3"), vec![format!("cli_{}", changes())]].concat();
    expected.sort_unstable();
    assert_eq!(found, expected);
    stage.is_sound(KEY);
}
