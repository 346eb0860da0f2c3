//! What data sources of other configurations read, without Terraform.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Client, Kind, Locking, Workdir, require};

use crate::stage::{FIRST, KEY, Stage, s3tate};

/// A data block with the stage's backend as its configuration.
fn block(stage: &Stage, name: &str, open: &str, more: &str, version: Terraform) -> String {
    let attributes = stage.backend().attributes(version);
    format!(
        "data \"terraform_remote_state\" \"{name}\" {{\n  backend = \"s3\"\n  {open} {{\n{attributes}  }}\n{more}}}\n"
    )
}

#[test]
fn the_outputs_are_those_of_the_other_configuration() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let elsewhere = stage.applied(FIRST);
    let outputs = stage.stock.run(&elsewhere, &["output", "-json"]).succeeds().json();
    let before = stage.endpoint.store().snapshot();
    let defaults = "  defaults = { greeting = \"not this\", missing = [1] }\n";
    let workdir = Workdir::with(&block(&stage, "network", "config =", defaults, Terraform::V1_11));

    let read = stage.s3tate.run(&workdir, &["remote-state", "-format=json"]).succeeds().json();
    let state = &read["remote_states"]["data.terraform_remote_state.network"];
    assert_eq!(state["outputs"]["missing"]["value"], serde_json::json!([1]));
    for (name, output) in outputs.as_object().expect("an object") {
        assert_eq!(&state["outputs"][name], output, "{name}");
    }
    let shown = stage.s3tate.run(&workdir, &["remote-state"]).succeeds().says(&["hidden"]);
    assert!(shown.stdout_text().contains("greeting = \"hello\"\n"), "{shown}");
    assert!(shown.stdout_text().contains("password = <sensitive>\n"), "{shown}");
    assert!(!shown.stdout_text().contains("s3cr3t"), "{shown}");

    let url = format!("-state=s3://{}/{KEY}?use_path_style=true", stage.endpoint.store().bucket());
    let flat = stage.s3tate.run(&Workdir::new(), &["remote-state", &url, "-format=flat"]).succeeds();
    assert!(flat.stdout_text().contains("\n  network.zones.# = 2\n  network.zones.0 = a\n"), "{flat}");
    assert_eq!(stage.endpoint.store().snapshot(), before, "reading must not write");
}

#[test]
fn a_missing_workspace_is_told_and_not_created() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let _elsewhere = stage.applied(FIRST);
    let before = stage.endpoint.store().snapshot();
    let workdir =
        Workdir::with(&block(&stage, "network", "config =", "  workspace = \"absent\"\n", Terraform::V1_11));
    let refused = stage.s3tate.run(&workdir, &["remote-state"]).exits(1);
    let _refused = refused.says(&["unable to find the remote state", "env:/absent/", "absent"]);
    let old = block(&stage, "network", "config", "  environment = \"absent\"\n", Terraform::V1_11);
    workdir.write("main.tf", old);
    let _empty = stage.s3tate.run(&workdir, &["remote-state"]).succeeds().says(&["(no state)"]);
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

#[test]
fn several_blocks_are_read_at_once() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Off));
    let _elsewhere = stage.applied(FIRST);
    let blocks: String =
        ["a", "b", "c"].map(|name| block(&stage, name, "config =", "", Terraform::V1_11)).concat();
    let workdir = Workdir::with(&blocks);
    let (proxied, recorder) = stage.endpoint.recorded();
    let client = s3tate(&proxied);
    let run = || client.run(&workdir, &["remote-state"]).succeeds();
    let _finished = recorder.sends_together(3, run);
    assert_eq!(recorder.take().len(), 3);
    let one = client.run(&workdir, &["remote-state", "data.terraform_remote_state.b"]).succeeds();
    assert_eq!(one.stdout_text().matches("# data").count(), 1);
    let _unknown = client.run(&workdir, &["remote-state", "d"]).exits(1).says(&["no block `d`"]);
}

#[test]
fn what_is_no_state_in_s3_is_told() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Off));
    let workdir = Workdir::with("data \"terraform_remote_state\" \"g\" {\n  backend = \"gcs\"\n}\n");
    let _refused = stage.s3tate.run(&workdir, &["remote-state"]).exits(2).says(&["\"gcs\"", "main.tf:1"]);
    workdir.write(
        "main.tf",
        "data \"terraform_remote_state\" \"g\" {\n  backend = \"s3\"\n  config = { secret_key = \"hush\", buckt = \"b\" }\n}\n",
    );
    let refused =
        stage.s3tate.run(&workdir, &["remote-state"]).exits(2).says(&["buckt", "bucket", "main.tf:3"]);
    assert!(!refused.stderr_text().contains("hush"), "{refused}");
    let _none = stage.s3tate.run(&Workdir::new(), &["remote-state"]).exits(1).says(&["no `data"]);
}

/// Terraform 0.11 writes a state to S3, reads it from another configuration and shows it; so does s3tate.
#[test]
fn flat_lines_are_those_of_the_release_that_printed_them() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Off));
    let old = require!(Client::terraform(Terraform::V0_11, &stage.endpoint));
    let backend = Backend::new(&stage.endpoint, KEY, Locking::Off);
    let outputs = "output \"public_subnet_id\" {\n  value = \"subnet-1e05dd33\"\n}\noutput \"addresses\" {\n  value = [\"52.207.220.222\", \"54.196.78.166\"]\n}\n\
        output \"tags\" {\n  value = {\n    b = \"2\"\n    a = \"1\"\n  }\n}\noutput \"hush\" {\n  sensitive = true\n  value = \"s\"\n}\n";
    let elsewhere = Workdir::with(&(backend.block(Terraform::V0_11) + outputs));
    let _initialised = old.run(&elsewhere, &["init", "-input=false"]).succeeds();
    let _applied = old.run(&elsewhere, &["apply", "-auto-approve"]).succeeds();

    let defaults = "  defaults {\n    extra = true\n    tags  = \"text\"\n  }\n";
    let workdir = Workdir::with(&block(&stage, "network", "config", defaults, Terraform::V0_11));
    let _initialised = old.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = old.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let shown = old.run(&workdir, &["show", "-no-color"]).succeeds().stdout_text();
    let (before, rest) = shown.split_once("\n  id = ").expect("it has an id");
    let (time, after) = rest.split_once('\n').expect("lines follow");
    let time = time.replacen(' ', "T", 1).replace(" +0000 UTC", "Z");

    let args = ["remote-state", "-format=flat", "-compat=0.11.11", "-id", &time];
    let flat = stage.s3tate.run(&workdir, &args).succeeds();
    let id = time.replacen('T', " ", 1).replace('Z', " +0000 UTC");
    assert_eq!(flat.stdout_text(), format!("{before}\n  id = {id}\n{after}"));
}
