//! The versions of a state, and bringing one back.

use s3tate::history::{StateVersion, VersionSpec};
use s3tate::lock::{LockOptions, Operation};
use s3tate::{ErrorKind, PushOptions, Workspace};
use s3tate_testkit::md5_hex;

use crate::stage::{KEY, Stage, run, state};

fn push(workspace: &Workspace, serial: u64, value: &str) {
    run(workspace.push(&state(serial, "l", value), &PushOptions::default())).expect("pushed");
}

fn history(workspace: &Workspace) -> Vec<StateVersion> {
    run(workspace.history(None)).expect("history")
}

fn serials(versions: &[StateVersion]) -> Vec<Option<u64>> {
    versions.iter().map(|version| version.header.as_ref().map(|header| header.serial)).collect()
}

fn spec(text: &str) -> VersionSpec {
    VersionSpec::parse(text, s3tate::Env::new([], "", "").now()).expect("a version")
}

/// Restores, and checks what must hold after every restoration.
#[track_caller]
fn restored(stage: &Stage, which: &str) -> Vec<u8> {
    let workspace = stage.workspace("default");
    let restoration = run(workspace.restore(&spec(which), &LockOptions::default())).expect("prepared");
    let (serial, highest) = (restoration.serial, serials(&history(&workspace)).into_iter().flatten().max());
    assert_eq!(Some(serial), highest.map(|highest| highest + 1), "above every serial before");
    let written = run(restoration.write()).expect("restored");
    let bytes = stage.endpoint.store().bytes(KEY);
    assert_eq!(stage.endpoint.store().digest(KEY), Some(md5_hex(&bytes)));
    assert_eq!(written.digest.to_string(), md5_hex(&bytes));
    assert_eq!(stage.endpoint.store().item(&stage.lock_path()), None, "the lock is free");
    assert_eq!(run(workspace.read()).expect("read").bytes.as_deref(), Some(&*bytes));
    bytes
}

#[test]
fn every_version_is_told_with_what_it_says_of_itself() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    stage.endpoint.store().put(KEY, state(7, "l", "by somebody else"));
    stage.endpoint.store().delete(KEY);
    let versions = history(&workspace);
    assert_eq!(serials(&versions), [None, Some(7), Some(2)]);
    let told =
        |version: &StateVersion| (version.latest, version.deleted, version.resources, version.who.clone());
    assert_eq!(told(&versions[0]), (true, true, None, None));
    assert_eq!(told(&versions[1]), (false, false, Some(0), None));
    assert_eq!(told(&versions[2]), (false, false, Some(0), Some("dana@build-07".to_owned())));
    assert!(versions.iter().all(|version| version.modified.is_some()));
    assert_eq!(run(workspace.history(Some(2))).expect("history").len(), 2);
}

#[test]
fn large_versions_are_known_by_their_beginning() {
    let stage = Stage::new(&[]);
    let value = "x".repeat(100 << 10);
    stage.endpoint.store().put(KEY, state(4, "l", &value));
    let workspace = stage.workspace("default");
    push(&workspace, 5, &value);
    let versions = history(&workspace);
    assert_eq!(serials(&versions), [Some(6), Some(4)]);
    assert_eq!(versions[0].header.as_ref().map(|header| header.lineage.as_str()), Some("l"));
    assert_eq!(versions[0].resources, Some(0), "its metadata says so");
    assert_eq!(versions[1].resources, None, "that would take all of it");
}

#[test]
fn what_is_no_state_has_no_serial() {
    let stage = Stage::new(&[]);
    for bytes in ["", "{\"version\":", "no state"] {
        stage.endpoint.store().put(KEY, bytes);
    }
    assert_eq!(serials(&history(&stage.workspace("default"))), [None, None, None]);
}

#[test]
fn versions_are_found_by_id_serial_and_time() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    push(&workspace, 3, "b");
    let first = history(&workspace).pop().expect("two versions");
    let of = |spec: &VersionSpec| run(workspace.version(spec));
    let is_first = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("\"a\"");
    assert!(is_first(&of(&VersionSpec::Id(first.id)).expect("by id")));
    assert!(is_first(&of(&spec("serial:2")).expect("by serial")));
    assert!(!is_first(&of(&spec("@{0s ago}")).expect("by time")));
    for missing in ["serial:99", "@{2020-01-01}", "none"] {
        let error = of(&spec(missing)).expect_err("there is no such version");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{missing}: {error}");
    }
    stage.endpoint.store().delete(KEY);
    let marker = history(&workspace).remove(0);
    for deletion in [VersionSpec::Id(marker.id), spec("@{0s ago}")] {
        assert_eq!(of(&deletion).expect_err("a deletion holds nothing").kind(), ErrorKind::NotFound);
    }
}

#[test]
fn a_deleted_state_comes_back() {
    let stage = Stage::new(&[]);
    push(&stage.workspace("default"), 5, "a");
    stage.endpoint.store().delete(KEY);
    assert_eq!(restored(&stage, "serial:6"), state(7, "l", "a"));
}

#[test]
fn a_state_comes_back_over_an_older_one_and_over_half_a_one() {
    for damage in [state(2, "l", "older"), state(9, "l", "a")[..40].to_vec(), b"{}".to_vec(), Vec::new()] {
        let stage = Stage::new(&[]);
        push(&stage.workspace("default"), 5, "a");
        stage.endpoint.store().put(KEY, damage);
        assert_eq!(restored(&stage, "serial:6"), state(7, "l", "a"));
    }
}

#[test]
fn a_newer_state_is_passed_in_serial_and_stays_as_a_version() {
    let stage = Stage::new(&["use_lockfile=true"]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    push(&workspace, 30, "b");
    assert_eq!(restored(&stage, "serial:2"), state(32, "l", "a"));
    assert_eq!(serials(&history(&workspace)), [Some(32), Some(31), Some(2)]);
}

#[test]
fn nothing_happens_before_it_is_confirmed() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    push(&workspace, 3, "b");
    let before = stage.endpoint.store().snapshot();
    let restoration = run(workspace.restore(&spec("serial:2"), &LockOptions::default())).expect("prepared");
    assert!(!restoration.is_needless());
    run(restoration.cancel()).expect("released");
    let current = run(workspace.restore(&spec("serial:4"), &LockOptions::default())).expect("prepared");
    assert!(current.is_needless());
    run(current.cancel()).expect("released");
    for refused in ["serial:99", "none"] {
        run(workspace.restore(&spec(refused), &LockOptions::default())).expect_err("no such version");
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

#[test]
fn a_locked_state_is_not_restored() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    run(async {
        let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.expect("locked");
        let refused = workspace.restore(&spec("serial:2"), &LockOptions::default()).await;
        assert_eq!(refused.expect_err("it is locked").kind(), ErrorKind::Locked);
        guard.expect("a guard").release().await.expect("released");
    });
}

#[test]
fn a_write_that_comes_between_is_not_lost() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    push(&workspace, 1, "a");
    stage.endpoint.store().put(KEY, state(8, "l", "b"));
    let restoration = run(workspace.restore(&spec("serial:2"), &LockOptions::default())).expect("prepared");
    stage.endpoint.store().put(KEY, state(9, "l", "unlocked"));
    assert_eq!(run(restoration.write()).expect_err("something else is stored").kind(), ErrorKind::Conflict);
    assert_eq!(stage.endpoint.store().bytes(KEY), state(9, "l", "unlocked"));
}
