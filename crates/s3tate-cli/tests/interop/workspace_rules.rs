//! Names, listing, creation, selection and deletion of workspaces, rule by rule.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Endpoint, Gate, Kind, Locking, Spoil, Workdir, require};

use crate::stage::{FIRST, KEY, Stage, lineage_and_serial, s3tate};

fn stage() -> Result<Stage, s3tate_testkit::tools::Missing> {
    Stage::new(Kind::Embedded, Locking::Both)
}

/// Listing is denied from now on, whatever the address of the bucket looks like.
fn without_listing(endpoint: &Endpoint) -> (Endpoint, Gate) {
    let (behind, gate) = Gate::before(endpoint);
    for path in ["", "/"] {
        let list = format!("GET /{}{path}", endpoint.store().bucket());
        gate.spoil(&list, Spoil::Refuse(403, "AccessDenied"), usize::MAX);
    }
    (behind, gate)
}

/// Check 36: a denied listing means "only the default workspace" with the prefix `env:`, and an error with another.
#[test]
fn a_denied_listing_is_forgiven_with_the_usual_prefix_only() {
    let stage = require!(stage());
    let workdir = stage.applied(FIRST);
    let (behind, _gate) = without_listing(&stage.endpoint);
    let client = s3tate(&behind);
    let listed = client.run(&workdir, &["workspace", "list"]).succeeds();
    assert_eq!(listed.stdout_text().trim_end(), "* default");
    assert_eq!(client.run(&workdir, &["output", "-raw", "greeting"]).succeeds().stdout_text(), "hello");

    let block = stage.backend().block(Terraform::V1_11);
    let elsewhere =
        Workdir::with(&block.replacen("bucket =", "workspace_key_prefix = \"teams\"\nbucket =", 1));
    let _refused =
        client.run(&elsewhere, &["workspace", "list"]).exits(1).says(&["can't list the workspaces"]);
}

/// Check 37: what Terraform allows names a workspace, except `.` and `..`, with a word on why not.
#[test]
fn names_are_checked_before_anything_is_sent() {
    let stage = require!(stage());
    let workdir = stage.workdir("");
    let (recorded, recorder) = stage.endpoint.recorded();
    let client = s3tate(&recorded);
    for name in ["a b", "a/b", "ü", "a%20b", "", ".", ".."] {
        for verb in ["new", "select", "delete"] {
            let _refused =
                client.run(&workdir, &["workspace", verb, name]).exits(2).says(&["can't name a workspace"]);
        }
        let elsewhere = client.clone().env("TF_WORKSPACE", name);
        if !name.is_empty() {
            let _refused = elsewhere.run(&workdir, &["output"]).exits(2).says(&["variable TF_WORKSPACE"]);
        }
    }
    let _why = client.run(&workdir, &["workspace", "new", ".."]).says(&["another workspace's state"]);
    assert!(recorder.take().is_empty());
    let _made = client.run(&workdir, &["workspace", "new", "A.B-c_d~$&+=:@1"]).succeeds();
    assert_eq!(stage.endpoint.store().keys(), [format!("env:/A.B-c_d~$&+=:@1/{KEY}")]);
}

/// Check 38: stock selects a workspace that s3tate made, whose empty state has serial 1 and a lineage.
#[test]
fn stock_selects_what_s3tate_created() {
    let stage = require!(stage());
    let workdir = stage.applied(FIRST);
    let created = ["new", "by-new"];
    let selected = ["select", "-or-create"];
    let _created = stage.s3tate.run(&workdir, &["workspace", created[0], created[1]]).succeeds();
    let _selected =
        stage.s3tate.run(&workdir, &["workspace", selected[0], selected[1], "by-select"]).succeeds();
    for name in ["by-new", "by-select"] {
        let _selected = stage.stock.run(&workdir, &["workspace", "select", name]).succeeds();
        let pulled = stage.stock.run(&workdir, &["state", "pull"]).succeeds();
        let (lineage, serial) = lineage_and_serial(pulled.stdout());
        assert_eq!((lineage.len(), serial), (36, 1), "{lineage}");
        stage.is_sound(name);
    }
    let before = stage.endpoint.store().snapshot();
    let _again = stage.s3tate.run(&workdir, &["workspace", "select", "-or-create", "by-new"]).succeeds();
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 39: reading a workspace that doesn't exist is answered with "not found", and creates nothing.
#[test]
fn reading_a_missing_workspace_creates_nothing() {
    let stage = require!(stage());
    let workdir = stage.applied(FIRST);
    let before = stage.endpoint.store().snapshot();
    let client = stage.s3tate.clone().env("TF_WORKSPACE", "ghost");
    for args in [&["output"][..], &["state", "pull"], &["state", "list"]] {
        let _missing = client.run(&workdir, args).exits(1).says(&["there is no state", "ghost"]);
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 40: a workspace with a resource is deleted only by force, with its digest, and leaves no lock.
#[test]
fn a_workspace_with_resources_is_deleted_by_force_only() {
    let stage = require!(stage());
    let workdir = stage.workdir(FIRST);
    let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let before = stage.endpoint.store().snapshot();
    let _created = stage.s3tate.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let _selected = stage.s3tate.run(&workdir, &["workspace", "select", "default"]).succeeds();
    let applied = stage.endpoint.store().snapshot();
    let refused = stage.s3tate.run(&workdir, &["workspace", "delete", "dev"]).exits(2);
    let _refused = refused.says(&["not empty", "terraform_data.first"]);
    assert_eq!(stage.endpoint.store().snapshot(), applied);
    let _deleted = stage.s3tate.run(&workdir, &["workspace", "delete", "-force", "dev"]).succeeds();
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 41: neither the current workspace nor the default one is deleted; nothing at all is sent.
#[test]
fn current_and_default_workspace_are_not_deleted() {
    let stage = require!(stage());
    let workdir = stage.applied(FIRST);
    let _created = stage.s3tate.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    let (recorded, recorder) = stage.endpoint.recorded();
    for name in ["dev", "default"] {
        let _refused = s3tate(&recorded).run(&workdir, &["workspace", "delete", "-force", name]).exits(2);
    }
    assert!(recorder.take().is_empty());
}

/// Check 42: `TF_WORKSPACE` counts more than the environment file, and then no other workspace can be selected.
#[test]
fn the_variable_overrides_the_selection() {
    let stage = require!(stage());
    let workdir = stage.workdir("");
    for name in ["x", "y"] {
        let _created = stage.s3tate.run(&workdir, &["workspace", "new", name]).succeeds();
    }
    let client = stage.s3tate.clone().env("TF_WORKSPACE", "x");
    assert_eq!(client.run(&workdir, &["workspace", "show"]).succeeds().stdout_text(), "x\n");
    let listed = client.run(&workdir, &["workspace", "list"]).succeeds().says(&["TF_WORKSPACE overrides"]);
    assert_eq!(listed.stdout_text().trim_end(), "  default\n* x\n  y");
    let _refused = client.run(&workdir, &["workspace", "select", "default"]).exits(2).says(&["TF_WORKSPACE"]);
    let _refused = client.run(&workdir, &["workspace", "new", "z"]).exits(2).says(&["TF_WORKSPACE"]);
    assert_eq!(workdir.read(".terraform/environment").as_deref(), Some(&b"y"[..]));
}

#[test]
fn the_lock_is_held_until_the_deletion_is_done() {
    let stage = require!(stage());
    let workdir = stage.workdir("");
    let _created = stage.s3tate.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    let _selected = stage.s3tate.run(&workdir, &["workspace", "select", "default"]).succeeds();
    let (behind, gate) = Gate::before(&stage.endpoint);
    let (store, key) = (stage.endpoint.store(), stage.backend().state_key("dev"));
    for key in [key.clone(), key.replace(':', "%3A")] {
        gate.spoil(&format!("DELETE /{}/{key}", store.bucket()), Spoil::Hold, 1);
    }
    let deleting = s3tate(&behind).command(&workdir, &["workspace", "delete", "dev"]).start();
    gate.wait();
    assert!(store.get(&format!("{key}.tflock")).is_some(), "the lock object is there");
    let next = stage.s3tate.clone().env("TF_WORKSPACE", "dev");
    let _stopped = next.run(&workdir, &["lock", "run", "--", "true"]).exits(3).says(&["is locked"]);
    gate.open();
    let _deleted = deleting.finish().succeeds();
    assert_eq!((store.keys(), store.items()), (Vec::new(), Vec::new()));
}

#[test]
fn a_workspace_is_created_from_a_state_file() {
    let stage = require!(stage());
    let workdir = stage.applied(FIRST);
    let source = stage.stored();
    let (lineage, serial) = lineage_and_serial(&source);
    workdir.write("old.tfstate", &source);
    workdir.write("broken.tfstate", "{}");
    let before = stage.endpoint.store().snapshot();
    for (file, why) in
        [("broken.tfstate", "not a state"), ("missing.tfstate", "can't read `missing.tfstate`")]
    {
        let option = format!("-state={file}");
        let _refused =
            stage.s3tate.run(&workdir, &["workspace", "new", &option, "dev"]).exits(2).says(&[why]);
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
    let _created = stage.s3tate.run(&workdir, &["workspace", "new", "-state=old.tfstate", "dev"]).succeeds();
    stage.is_sound("dev");
    let stored = stage.endpoint.store().bytes(&stage.backend().state_key("dev"));
    assert_eq!(lineage_and_serial(&stored), (lineage, serial + 1));
    let _unchanged = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).succeeds();
    let again = ["workspace", "new", "-state=old.tfstate", "dev"];
    let _refused = stage.s3tate.run(&workdir, &again).exits(4).says(&["already exists"]);
}
