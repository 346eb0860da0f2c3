//! Large states and large values.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Locking, large_state, md5_hex, require};

use crate::stage::{KEY, Stage, config_at, data, workdir};

/// The largest of the peaks that the providers of a run have logged, in KiB.
fn peak_kib(log: &str) -> u64 {
    let peaks = log.split("peak_kib=").skip(1);
    let number = |rest: &str| rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok();
    peaks.filter_map(number).max().expect("providers tell of their memory")
}

/// What a plan with one data source reads of a state of so many resources: bytes, and the provider's peak in KiB.
fn read(stage: &Stage, resources: usize) -> (u64, u64) {
    let bytes = large_state(resources, 7);
    stage.endpoint.store().put_digest(KEY, &md5_hex(&bytes));
    stage.endpoint.store().put(KEY, bytes);
    let (piped, pipe) = stage.endpoint.piped();
    let config = config_at(&piped, KEY, stage.locking, stage.version);
    let output = "output \"size\" {\n  value = data.s3tate_remote_state.n.outputs.size\n}\n";
    let workdir = workdir(&(data("s3tate_remote_state", "n", &config, "") + output));
    let client = stage.client().env("AWS_ENDPOINT_URL", piped.url()).env("TF_LOG_PROVIDER", "DEBUG");
    let planned = client.run(&workdir, &["plan"]).succeeds();
    assert!(planned.stdout_text().contains(&format!("+ size = {resources}")), "{planned}");
    (pipe.take_received_bytes(), peak_kib(&planned.stderr_text()))
}

#[test]
fn outputs_of_70_mb_are_read_within_256_kib_and_8_mib_more_than_those_of_a_small_state() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Table));
    let (_, small_kib) = read(&stage, 1);
    let (bytes, large_kib) = read(&stage, 50_000);
    assert!(stage.endpoint.store().bytes(KEY).len() > 70_000_000);
    assert!(bytes < 256 << 10, "{bytes} bytes were read");
    assert!(large_kib < small_kib + (8 << 10), "{large_kib} KiB, and {small_kib} KiB for a small state");
}

/// Check D10: an output of 20 MiB.
/// Check D11: a default of 5 MiB.
#[test]
fn large_values_pass_both_ways() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let text = "x".repeat(20 << 20);
    let state = format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{{"t":{{"value":"{text}","type":"string"}}}},"resources":[]}}"#
    );
    stage.endpoint.store().put(KEY, state);
    let defaults =
        "  defaults = {\n    large = join(\"\", [for n in range(1024) : file(\"part.txt\")])\n  }\n";
    let outputs = "output \"t\" {\n  value = length(data.s3tate_remote_state.n.outputs.t)\n}\n\
        output \"large\" {\n  value = length(data.s3tate_remote_state.n.outputs.large)\n}\n";
    let workdir = workdir(&(data("s3tate_remote_state", "n", &stage.config(KEY), defaults) + outputs));
    workdir.write("part.txt", "y".repeat(5 << 10));
    let _planned = stage.run(&workdir, &["plan"]).succeeds().says(&["t = 20971520", "large = 5242880"]);
}
