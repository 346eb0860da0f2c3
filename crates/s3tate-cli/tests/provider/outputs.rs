//! The data source gives what `terraform_remote_state` gives.

use std::fmt::Write as _;

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{GeneratedState, Locking, Workdir, md5_hex, require};

use crate::stage::{KEY, REQUIRED, Stage, data, fixture, mirror, workdir};

/// Sample states of all generations.
const STATES: [&str; 17] = [
    "v1-handwritten",
    "v1-handwritten-no-path",
    "v3-0.11.11-list-of-numbers",
    "v3-0.11.11-network",
    "v3-0.11.11-no-outputs",
    "v3-0.11.11-shapes",
    "v3-handwritten-numbers",
    "v3-handwritten-resources",
    "v4-0.15.0-shapes",
    "v4-1.0.3-modules",
    "v4-1.0.3-shapes",
    "v4-1.11.4-no-outputs",
    "v4-1.11.4-nulls",
    "v4-1.11.4-optional-attributes",
    "v4-1.11.4-resources",
    "v4-1.11.4-shapes",
    "v4-1.11.4-text",
];

/// For each key both data sources, and whether Terraform finds that their outputs are the same, types included.
fn comparison(stage: &Stage, keys: &[String], more: &str) -> String {
    let mut body = String::new();
    for (at, key) in keys.iter().enumerate() {
        let config = stage.config(key);
        body.push_str(&data("terraform_remote_state", &format!("d{at}"), &config, more));
        body.push_str(&data("s3tate_remote_state", &format!("d{at}"), &config, more));
        let (stock, ours) = (
            format!("data.terraform_remote_state.d{at}.outputs"),
            format!("data.s3tate_remote_state.d{at}.outputs"),
        );
        writeln!(body, "output \"equal_{at}\" {{\n  value = {stock} == {ours}\n}}").expect("text grows");
        writeln!(body, "output \"stock_{at}\" {{\n  value = {stock}\n}}").expect("text grows");
        writeln!(body, "output \"ours_{at}\" {{\n  value = {ours}\n}}").expect("text grows");
    }
    body
}

/// Puts states into the bucket and fails the test unless both data sources give the same for each of them.
fn are_alike(stage: &Stage, states: impl IntoIterator<Item = (String, Vec<u8>)>, more: &str) {
    let mut keys = Vec::new();
    for (name, bytes) in states {
        stage.endpoint.store().put_digest(&name, &md5_hex(&bytes));
        stage.endpoint.store().put(&name, bytes);
        keys.push(name);
    }
    let workdir = workdir(&comparison(stage, &keys, more));
    let before = stage.endpoint.store().snapshot();
    let _applied = stage.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    assert_eq!(stage.endpoint.store().snapshot(), before, "reading must not write");
    let outputs = stage.run(&workdir, &["output", "-json"]).succeeds().json();
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(outputs[format!("equal_{at}")]["value"], true, "{key}");
        let (stock, ours) = (&outputs[format!("stock_{at}")], &outputs[format!("ours_{at}")]);
        assert_eq!(ours["type"], stock["type"], "{key}");
        assert_eq!(ours["value"], stock["value"], "{key}");
    }
}

fn samples() -> impl Iterator<Item = (String, Vec<u8>)> {
    STATES.iter().map(|name| ((*name).to_owned(), fixture(&format!("{name}/terraform.tfstate"))))
}

/// Check D1: all kinds of outputs, with their types.
/// Check D2: numbers arrive digit for digit.
#[test]
fn every_sample_state_has_the_outputs_that_stock_sees() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Table));
    are_alike(&stage, samples(), "");
}

#[test]
fn every_sample_state_has_the_outputs_that_an_old_stock_sees() {
    let stage = require!(Stage::new(Terraform::V1_0, Locking::Table));
    are_alike(&stage, samples(), "");
}

/// Outputs of random types and values, as far as stock itself can pass them on.
#[test]
fn generated_states_have_the_outputs_that_stock_sees() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let mut compared = 0;
    for seed in 0..16 {
        let bytes = GeneratedState::fitting(seed, 8).bytes();
        stage.endpoint.store().put(KEY, bytes.clone());
        let output = "output \"all\" {\n  value = data.terraform_remote_state.alone.outputs\n}\n";
        let alone = data("terraform_remote_state", "alone", &stage.config(KEY), "") + output;
        if stage.run(&workdir(&alone), &["apply", "-auto-approve"]).code() == Some(0) {
            are_alike(&stage, [(KEY.to_owned(), bytes)], "");
            compared += 1;
        }
    }
    assert!(compared > 8, "only {compared} could be compared");
}

/// Check D6: defaults fill in what the state lacks, whole, and nothing deeper.
#[test]
fn defaults_are_stocks() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let defaults = "  defaults = {\n    missing = [1, \"x\", null, { a = null, b = tolist([\"c\"]) }]\n    \
        string = { deeper = 1 }\n    nothing = null\n  }\n";
    are_alike(&stage, samples(), defaults);
    are_alike(&stage, samples(), "  defaults = tomap({ a = \"1\", b = null })\n");
}

/// Check I1: from a mirror by `init`, then every command of a life.
#[test]
fn a_whole_life_from_a_mirror() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = require!(Stage::new(version, Locking::Table));
        stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
        let source = data("s3tate_remote_state", "network", &stage.config(KEY), "");
        let output = "output \"all\" {\n  value     = data.s3tate_remote_state.network.outputs\n  sensitive = true\n}\n";
        let workdir = Workdir::with(&format!("{REQUIRED}{source}{output}"));
        let plugins = format!("-plugin-dir={}", mirror().display());
        for args in [
            &["init", "-input=false", &plugins][..],
            &["validate"],
            &["plan", "-out=plan"],
            &["apply", "plan"],
            &["plan", "-detailed-exitcode"],
            &["destroy", "-auto-approve"],
        ] {
            let _ran = stage.terraform.run(&workdir, args).succeeds();
        }
        let lock =
            String::from_utf8(workdir.read(".terraform.lock.hcl").expect("init wrote it")).expect("text");
        assert!(lock.contains("registry.terraform.io/s3tate/s3tate") && lock.contains("h1:"), "{lock}");
    }
}
