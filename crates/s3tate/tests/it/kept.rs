//! Buckets without versions: the states that s3tate keeps itself, and bringing one back.

use s3tate::history::{StateVersion, VersionSpec};
use s3tate::lock::LockOptions;
use s3tate::{ErrorKind, PushOptions, Workspace};
use s3tate_testkit::{Endpoint, Fault, Faults, Kind, Refusal, md5_hex};

use crate::stage::{KEY, Stage, run, state};

const COPIES: &str = ".s3tate/snapshots/";

fn stage() -> Stage {
    let endpoint = Endpoint::start_unversioned(Kind::Embedded).expect("the embedded endpoint needs no tool");
    Stage::on(endpoint, &[])
}

/// The default workspace, of whose states two are kept.
fn keeping(stage: &Stage) -> Workspace {
    keeping_through(stage, &stage.endpoint)
}

fn keeping_through(stage: &Stage, endpoint: &Endpoint) -> Workspace {
    let variables = [("S3TATE_DIGEST_TIMEOUT", "0s"), ("S3TATE_KEEP", "2")];
    stage.backend_with(endpoint, &variables).workspace(s3tate::WorkspaceName::default_name())
}

fn push(workspace: &Workspace, serial: u64, value: &str) {
    run(workspace.push(&state(serial, "l", value), &PushOptions::default())).expect("pushed");
}

fn history(workspace: &Workspace) -> Vec<StateVersion> {
    run(workspace.history(None)).expect("history")
}

fn serials(versions: &[StateVersion]) -> Vec<Option<u64>> {
    versions.iter().map(|version| version.header.as_ref().map(|header| header.serial)).collect()
}

fn copies(stage: &Stage) -> Vec<String> {
    stage.endpoint.store().keys().into_iter().filter(|key| key.starts_with(COPIES)).collect()
}

/// The name of requests about copies.
fn copying(method: &str, stage: &Stage) -> String {
    format!("{method} /{}/{COPIES}*", stage.endpoint.store().bucket())
}

/// Restores the newest state with a serial.
#[track_caller]
fn restored(stage: &Stage, workspace: &Workspace, serial: u64) -> Vec<u8> {
    let restoration = run(workspace.restore(&VersionSpec::Serial(serial), &LockOptions::default()));
    run(restoration.expect("prepared").write()).expect("restored");
    let bytes = stage.endpoint.store().bytes(workspace.key().as_str());
    assert_eq!(stage.endpoint.store().digest(workspace.key().as_str()), Some(md5_hex(&bytes)));
    assert_eq!(run(workspace.read()).expect("read").bytes.as_deref(), Some(&*bytes));
    bytes
}

#[test]
fn the_last_states_are_kept_and_told() {
    let stage = stage();
    let workspace = keeping(&stage);
    for (serial, value) in [(1, "a"), (3, "b"), (5, "c"), (7, "d")] {
        push(&workspace, serial, value);
    }
    let versions = history(&workspace);
    assert_eq!(serials(&versions), [Some(8), Some(6), Some(4)]);
    assert_eq!(versions.iter().map(|version| version.latest).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(versions[1].who.as_deref(), Some("dana@build-07"));
    assert!(versions.iter().all(|version| version.modified.is_some() && version.resources == Some(0)));
    assert_eq!(copies(&stage).len(), 2);
    for (version, bytes) in [(1, state(6, "l", "c")), (2, state(4, "l", "b"))] {
        let spec = VersionSpec::Id(versions[version].id.clone());
        assert_eq!(run(workspace.version(&spec)).expect("by id"), bytes);
    }
    let gone = run(workspace.version(&VersionSpec::Serial(2))).expect_err("it was dropped");
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

#[test]
fn a_state_comes_back_whatever_became_of_it() {
    for damage in [None, Some(state(1, "l", "older")), Some(state(4, "l", "b")[..40].to_vec())] {
        let stage = stage();
        let workspace = keeping(&stage);
        push(&workspace, 1, "a");
        push(&workspace, 3, "b");
        match damage {
            Some(bytes) => stage.endpoint.store().put(KEY, bytes),
            None => stage.endpoint.store().delete(KEY),
        }
        assert_eq!(serials(&history(&workspace)).last(), Some(&Some(2)));
        let bytes = restored(&stage, &workspace, 2);
        assert!(String::from_utf8_lossy(&bytes).contains("\"a\""));
    }
}

#[test]
fn a_deleted_workspace_comes_back() {
    let stage = stage();
    let other = keeping(&stage).backend().workspace(s3tate::WorkspaceName::new("dev").expect("a name"));
    run(other.create_from(&state(4, "l", "a"), &LockOptions::default())).expect("created");
    run(other.delete(true, &LockOptions::default())).expect("deleted");
    assert_eq!(serials(&history(&other)), [Some(5)]);
    assert_eq!(restored(&stage, &other, 5), state(6, "l", "a"));
    let names = run(keeping(&stage).backend().workspaces()).expect("listed");
    assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["default", "dev"]);
}

#[test]
fn what_a_restoration_replaces_is_kept_though_nothing_is_configured() {
    let stage = stage();
    push(&keeping(&stage), 1, "a");
    push(&keeping(&stage), 3, "b");
    let workspace = stage.workspace("default");
    restored(&stage, &workspace, 2);
    assert_eq!(serials(&history(&workspace)), [Some(5), Some(4), Some(2)]);
    assert_eq!(restored(&stage, &workspace, 4), state(6, "l", "b"));
}

#[test]
fn nothing_is_kept_unasked_or_twice() {
    let stage = stage();
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    push(&workspace, 3, "b");
    assert_eq!(copies(&stage), Vec::<String>::new());
    let (front, faults) = Faults::before(&stage.endpoint);
    faults.nth(
        Some(&format!("PUT /{}/{KEY}", stage.endpoint.store().bucket())),
        0,
        Fault::Refuse(Refusal::Denied),
    );
    let refused = keeping_through(&stage, &front);
    run(refused.push(&state(5, "l", "c"), &PushOptions::default())).expect_err("the write is refused");
    push(&refused, 5, "c");
    assert_eq!(copies(&stage).len(), 1, "the same state is kept once");
}

#[test]
fn what_can_not_be_kept_is_not_replaced() {
    let stage = stage();
    push(&stage.workspace("default"), 1, "a");
    let before = stage.endpoint.store().snapshot();
    let (front, faults) = Faults::before(&stage.endpoint);
    let workspace = keeping_through(&stage, &front);
    for fault in [Fault::Refuse(Refusal::Denied), Fault::CutBefore] {
        faults.since(Some(&copying("PUT", &stage)), 0, fault);
        let error = run(workspace.push(&state(5, "l", "c"), &PushOptions::default())).expect_err("no copy");
        assert!(error.to_string().contains("so nothing was written over it"), "{error}");
        faults.clear();
        assert_eq!(stage.endpoint.store().snapshot(), before, "{error}");
    }
}

#[test]
fn copies_that_can_not_be_dropped_stay_until_the_next_time() {
    let stage = stage();
    push(&keeping(&stage), 1, "a");
    push(&keeping(&stage), 3, "b");
    push(&keeping(&stage), 5, "c");
    let (front, faults) = Faults::before(&stage.endpoint);
    faults.since(Some(&copying("DELETE", &stage)), 0, Fault::Refuse(Refusal::Denied));
    push(&keeping_through(&stage, &front), 7, "d");
    assert_eq!(copies(&stage).len(), 3);
    push(&keeping(&stage), 9, "e");
    assert_eq!(copies(&stage).len(), 2);
}

#[test]
fn a_store_that_can_not_list_versions_has_those_that_were_kept() {
    let stage = stage();
    push(&keeping(&stage), 1, "a");
    push(&keeping(&stage), 3, "b");
    let (front, faults) = Faults::before(&stage.endpoint);
    faults.since(Some("ListObjectVersions"), 0, Fault::Refuse(Refusal::Unsupported));
    let workspace = keeping_through(&stage, &front);
    assert_eq!(serials(&history(&workspace)), [Some(4), Some(2)]);
    assert_eq!(restored(&stage, &workspace, 2), state(5, "l", "a"));
    stage.endpoint.store().delete(KEY);
    assert_eq!(serials(&history(&workspace)), [Some(4), Some(2)]);
}
