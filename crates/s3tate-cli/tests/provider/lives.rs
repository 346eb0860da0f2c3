//! Whole lives of processes: how many requests they make, and that none outlives its client.

use std::fmt::Write as _;
use std::process::Command;

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Gate, Locking, Running, Spoil, Workdir, md5_hex, require, wait_for};

use crate::raw::LIMIT;
use crate::stage::{KEY, Stage, config_at, data, fixture, overridden, workdir};

/// Numbers of the providers that run in a directory.
fn providers_in(workdir: &Workdir) -> Vec<u32> {
    let directory = workdir.path().canonicalize().expect("it is there");
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |number: &u32| {
        let process = format!("/proc/{number}");
        let command = std::fs::read(format!("{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains("terraform-provider-s3tate")
            && std::fs::read_link(format!("{process}/cwd")).is_ok_and(|cwd| cwd == directory)
    };
    numbers.filter(is_ours).collect()
}

/// A plan whose read is held back, and the gate that holds it.
fn reading(stage: &Stage) -> (Workdir, Running, Gate) {
    stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    let (proxied, gate) = Gate::before(&stage.endpoint);
    gate.spoil(&format!("GET /{}/{KEY}", stage.endpoint.store().bucket()), Spoil::Hold, 1);
    let workdir = workdir(&data("s3tate_remote_state", "n", &stage.config(KEY), ""));
    let client = stage.client().env("AWS_ENDPOINT_URL", proxied.url());
    let running = client.command(&workdir, &["plan", "-no-color"]).start();
    gate.wait();
    assert!(!providers_in(&workdir).is_empty(), "one holds the read");
    (workdir, running, gate)
}

/// Ctrl-C reaches the whole process group, as from a terminal.
#[test]
fn nothing_is_left_after_ctrl_c() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let (workdir, running, gate) = reading(&stage);
    let group = format!("-{}", running.id());
    let sent = Command::new("kill").args(["-s", "INT", "--", &group]).status().expect("there is a `kill`");
    assert!(sent.success());
    let _ended = running.finish().fails().says(&["interrupted: the state was not read"]);
    wait_for("the end of the providers", LIMIT, || providers_in(&workdir).is_empty().then_some(()));
    drop(gate);
}

#[test]
fn nothing_is_left_after_the_client_was_killed() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let (workdir, running, gate) = reading(&stage);
    running.signal("KILL");
    wait_for("the end of the providers", LIMIT, || providers_in(&workdir).is_empty().then_some(()));
    drop((running, gate));
}

/// `S3TATE_PLANS` says how many; a hundred take half a minute.
#[test]
#[expect(clippy::disallowed_methods, reason = "a longer run is asked for from outside")]
fn nothing_is_left_after_many_plans() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Table));
    let state = fixture("v4-1.11.4-shapes/terraform.tfstate");
    stage.endpoint.store().put_digest(KEY, &md5_hex(&state));
    stage.endpoint.store().put(KEY, state);
    let workdir = workdir(&data("s3tate_remote_state", "n", &stage.config(KEY), ""));
    let plans = std::env::var("S3TATE_PLANS").ok().and_then(|plans| plans.parse().ok()).unwrap_or(10);
    for number in 0..plans {
        let _planned = stage.client().run(&workdir, &["plan", "-no-color"]).succeeds();
        assert_eq!(providers_in(&workdir), [0_u32; 0], "after plan {number}");
    }
}

/// Every process that is started ends at the client's word; none has to be killed, which would cost two seconds.
#[test]
fn every_process_ends_at_the_clients_word() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = require!(Stage::new(version, Locking::Off));
        stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
        let workdir = workdir(&data("s3tate_remote_state", "n", &stage.config(KEY), ""));
        let client = stage.client().env("TF_LOG", "DEBUG");
        for args in [&["validate"][..], &["plan"], &["apply", "-auto-approve"], &["destroy", "-auto-approve"]]
        {
            let log = client.run(&workdir, args).succeeds().stderr_text();
            let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
            let started = count("starting plugin:");
            assert!(started > 0, "{log}");
            assert_eq!(count("the client asked for it"), started, "{args:?}\n{log}");
            assert_eq!(count("failed to exit gracefully"), 0, "{log}");
            assert_eq!(count("unexpected data"), 0, "{log}");
        }
        assert_eq!(providers_in(&workdir), [0_u32; 0]);
    }
}

/// What the plans of ten data sources of a type would change, and how many requests they made.
fn ten(stage: &Stage, ty: &str) -> (serde_json::Value, usize) {
    let (proxied, recorder) = stage.endpoint.recorded();
    let config = config_at(&proxied, KEY, stage.locking, stage.version);
    let mut body = String::new();
    for number in 0..10 {
        body.push_str(&data(ty, &format!("d{number}"), &config, ""));
        writeln!(
            body,
            "resource \"terraform_data\" \"d{number}\" {{\n  input = data.{ty}.d{number}.outputs\n}}\n\
             output \"o{number}\" {{\n  value = data.{ty}.d{number}.outputs\n}}"
        )
        .expect("text grows");
    }
    let workdir = workdir(&body);
    let client = overridden(&stage.terraform).env("AWS_ENDPOINT_URL", proxied.url());
    let _planned = client.run(&workdir, &["plan", "-out=plan"]).succeeds();
    let requests = recorder.take();
    let plan = client.run(&workdir, &["show", "-json", "plan"]).succeeds().json();
    let changes = serde_json::json!({
        "resources": plan["resource_changes"], "outputs": plan["output_changes"],
    });
    (changes, requests.len())
}

/// Ten data sources replaced: the same plan, with a third of the requests.
#[test]
fn ten_data_sources_take_two_requests_each_and_plan_the_same() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Table));
    let bytes = fixture("v4-1.11.4-shapes/terraform.tfstate");
    stage.endpoint.store().put_digest(KEY, &md5_hex(&bytes));
    stage.endpoint.store().put(KEY, bytes);
    let (theirs, their_requests) = ten(&stage, "terraform_remote_state");
    let (ours, our_requests) = ten(&stage, "s3tate_remote_state");
    assert_eq!(ours, theirs);
    assert_eq!((our_requests, their_requests), (20, 60));
}
