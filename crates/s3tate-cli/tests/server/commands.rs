//! Whole commands of stock clients.

use std::time::Duration;

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Workdir, require, wait_for};

use crate::stage::{Stage, document};

const FIRST: &str = "terraform {\n  backend \"http\" {}\n}\noutput \"v\" {\n  value = \"one\"\n}\n";
/// A resource that needs no provider to be installed, in versions that know it.
const RESOURCE: &str = "resource \"terraform_data\" \"a\" {\n  input = \"one\"\n}\n";

/// Check C52: serials rise, the lineage stays, nothing is left locked.
/// Check C9: no state is no error.
#[test]
fn init_apply_change_destroy() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = Stage::new();
        let stock = require!(stage.stock(version, "writer", "app/one"));
        let resource = if version == Terraform::V1_11 { RESOURCE } else { "" };
        let workdir = Workdir::with(&format!("{FIRST}{resource}"));
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _planned = stock.run(&workdir, &["plan"]).succeeds();
        let _pulled = stock.run(&workdir, &["state", "pull"]).succeeds();
        let (mut serials, mut lineages) = (Vec::new(), Vec::new());
        for value in ["one", "two"] {
            workdir
                .write("main.tf", format!("{FIRST}{resource}").replace("\"one\"", &format!("\"{value}\"")));
            let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
            let state: serde_json::Value =
                serde_json::from_slice(&stage.endpoint.store().bytes("app/one")).expect("a state");
            serials.push(state["serial"].as_u64().expect("a serial"));
            lineages.push(state["lineage"].clone());
            stage.is_sound("app/one");
        }
        assert_eq!(serials[0] + 1, serials[1]);
        assert_eq!(lineages[0], lineages[1]);
        let output = stock.run(&workdir, &["output", "-json"]).succeeds();
        assert_eq!(output.json()["v"]["value"], "two");
        let _destroyed = stock.run(&workdir, &["destroy", "-auto-approve"]).succeeds();
        stage.is_sound("app/one");
    }
}

/// Check C56: editing commands, and a lower serial with the right alone.
#[test]
fn editing_commands_and_forced_pushes() {
    let stage = Stage::new();
    let stock = require!(stage.stock(Terraform::V1_11, "writer", "app/edit"));
    let workdir = Workdir::with(&format!("{FIRST}{RESOURCE}"));
    let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let first = stock.run(&workdir, &["state", "pull"]).succeeds();
    for command in [
        &["state", "mv", "terraform_data.a", "terraform_data.b"][..],
        &["taint", "terraform_data.b"],
        &["untaint", "terraform_data.b"],
        &["state", "rm", "terraform_data.b"],
        &["import", "terraform_data.a", "an-id"],
    ] {
        let _done = stock.run(&workdir, command).succeeds();
        stage.is_sound("app/edit");
    }
    workdir.write("first.tfstate", first.stdout());
    let before = stage.endpoint.store().bytes("app/edit");
    let _refused =
        stock.run(&workdir, &["state", "push", "-force", "first.tfstate"]).fails().says(&["HTTP error: 409"]);
    assert_eq!(stage.endpoint.store().bytes("app/edit"), before);
    let admin = require!(stage.stock(Terraform::V1_11, "admin", "app/edit"));
    let _forced = admin.run(&workdir, &["state", "push", "-force", "first.tfstate"]).succeeds();
    assert_ne!(stage.endpoint.store().bytes("app/edit"), before);
    stage.is_sound("app/edit");
}

/// Check C54: a lock that a killed run left is broken by Terraform's command, which names no ID on the wire.
#[test]
fn a_lock_that_was_left_behind_is_broken() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = Stage::new();
        let stock = require!(stage.stock(version, "admin", "app/left"));
        let workdir = Workdir::with(FIRST);
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let id = "0b5f0a3e-1111-2222-3333-444455556666";
        let _locked = stage.ask("writer", "LOCK", "app/left", crate::stage::lock_info(id)).is(200);
        let _refused = stock.run(&workdir, &["plan"]).fails().says(&["already locked", id]);
        let _broken = stock.run(&workdir, &["force-unlock", "-force", id]).succeeds();
        let _planned = stock.run(&workdir, &["plan"]).succeeds();
    }
}

/// Check C58: `-lock=false` while free, and while somebody else holds the lock.
#[test]
fn writes_without_a_lock_are_taken_while_it_is_free() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = Stage::new();
        let stock = require!(stage.stock(version, "writer", "app/free"));
        let workdir = Workdir::with(FIRST);
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = stock.run(&workdir, &["apply", "-auto-approve", "-lock=false"]).succeeds();
        let _locked = stage.ask("writer", "LOCK", "app/free", crate::stage::lock_info("h")).is(200);
        workdir.write("main.tf", FIRST.replace("one", "two"));
        let _refused = stock
            .run(&workdir, &["apply", "-auto-approve", "-lock=false"])
            .fails()
            .says(&["HTTP error: 423", "errored.tfstate"]);
        let _unlocked = stage.ask("writer", "UNLOCK", "app/free", crate::stage::lock_info("h")).is(200);
        let _pushed = stock.run(&workdir, &["state", "push", "errored.tfstate"]).succeeds();
        assert_eq!(stock.run(&workdir, &["output", "-raw", "v"]).succeeds().stdout_text(), "two");
    }
}

/// Check C61: `terraform_remote_state` reads a whole state, and a redacted one where only that is granted.
#[test]
fn remote_states_are_read_by_data_sources() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/source", document(1, "l", "seen")).is(200);
    let consumer = |path: &str| {
        format!(
            "data \"terraform_remote_state\" \"s\" {{\n  backend = \"http\"\n  config = {{\n    address = \"http://{}/{path}/app/source\"\n  }}\n}}\n\
             output \"v\" {{\n  value = data.terraform_remote_state.s.outputs.v\n}}\n\
             output \"names\" {{\n  value = keys(data.terraform_remote_state.s.outputs)\n}}\n",
            stage.server.addr
        )
    };
    for (who, path, names) in
        [("reader", "state", "big, password, v"), ("onlooker", "remote-state", "big, v")]
    {
        for version in [Terraform::V1_11, Terraform::V1_0] {
            let stock = require!(stage.stock(version, who, "app/source"));
            let workdir = Workdir::with(&consumer(path));
            let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
            let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
            let outputs = stock.run(&workdir, &["output", "-json"]).succeeds().json();
            assert_eq!(outputs["v"]["value"], "seen");
            let found: Vec<_> = outputs["names"]["value"]
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(|it| it.as_str())
                .collect();
            assert_eq!(found.join(", "), names, "{who} {version:?}");
        }
    }
    let stock = require!(stage.stock(Terraform::V1_11, "onlooker", "app/source"));
    let workdir = Workdir::with(&consumer("state"));
    let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let _refused = stock.run(&workdir, &["apply", "-auto-approve"]).fails().says(&["invalid auth"]);
}

/// Check C53: a second run waits for the lock, and goes on once it is free.
#[test]
fn a_second_run_waits_for_the_lock() {
    let stage = Stage::new();
    let stock = require!(stage.stock(Terraform::V1_11, "writer", "app/wait"));
    let workdir = Workdir::with(FIRST);
    let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let _locked = stage.ask("writer", "LOCK", "app/wait", crate::stage::lock_info("h")).is(200);
    let waiting = stock.command(&workdir, &["apply", "-auto-approve", "-lock-timeout=60s"]).start();
    wait_for("its refusal", Duration::from_mins(1), || {
        stage.server.running.stderr_so_far().contains("status=423").then_some(())
    });
    let _unlocked = stage.ask("writer", "UNLOCK", "app/wait", crate::stage::lock_info("h")).is(200);
    let _applied = waiting.finish().succeeds();
    stage.is_sound("app/wait");
}

/// Check C57: a local state moves to the server by Terraform's own migration.
#[test]
fn a_local_state_is_migrated() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = Stage::new();
        let stock = require!(stage.stock(version, "writer", "app/moved"));
        let workdir = Workdir::with("output \"v\" {\n  value = \"one\"\n}\n");
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        workdir.write("main.tf", FIRST);
        let _moved =
            stock.run(&workdir, &["init", "-input=false", "-migrate-state", "-force-copy"]).succeeds();
        assert_eq!(stock.run(&workdir, &["output", "-raw", "v"]).succeeds().stdout_text(), "one");
        stage.is_sound("app/moved");
    }
}

/// Check C77: where only declared states may be begun, a mistyped address is refused, and no empty state.
#[test]
fn a_mistyped_address_is_no_empty_state() {
    for version in [Terraform::V1_11, Terraform::V1_0] {
        let stage = Stage::with("new_states = [\"app/known/*\"]");
        let stock = require!(stage.stock(version, "writer", "app/knwon/web"));
        let workdir = Workdir::with(FIRST);
        let _refused = stock.run(&workdir, &["init", "-input=false"]).fails().says(&["invalid auth"]);
        let right = require!(stage.stock(version, "writer", "app/known/web"));
        let _initialised = right.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = right.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        stage.is_sound("app/known/web");
    }
}
