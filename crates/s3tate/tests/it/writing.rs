//! Writing: compare-and-swap, digest, and what becomes of a write that stopped halfway.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use s3tate::lock::{LockOptions, Operation, Waiting};
use s3tate::{ErrorKind, PushOptions, Pushed};
use s3tate_testkit::md5_hex;

use crate::stage::{KEY, Stage, run, state};

fn push(stage: &Stage, bytes: &[u8]) -> s3tate::Result<Pushed> {
    run(stage.workspace("default").push(bytes, &PushOptions::default()))
}

/// Checks 1, 8 and 56.
#[test]
fn a_push_stores_bytes_digest_and_metadata_and_leaves_no_lock() {
    let stage = Stage::new(&[]);
    let store = stage.endpoint.store();
    push(&stage, &state(7, "l", "a")).unwrap();
    let object = store.get(KEY).unwrap();
    assert_eq!(object.bytes, state(8, "l", "a"));
    assert_eq!(object.content_type, "application/json");
    assert_eq!(object.metadata["s3tate-md5"], md5_hex(&object.bytes));
    assert_eq!(object.metadata["s3tate-serial"], "8");
    let items = store.items();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0]["LockID"], format!("{}-md5", stage.lock_path()));
    assert_eq!(items[0]["Digest"], md5_hex(&object.bytes));
    assert_eq!(items[0].len(), 2);
}

/// Check 53.
#[test]
fn older_unrelated_and_rivalling_states_are_refused() {
    let stage = Stage::new(&[]);
    push(&stage, &state(4, "l", "a")).unwrap();
    let before = stage.endpoint.store().snapshot();
    for (bytes, words) in [
        (state(4, "l", "a"), "over newer state with serial 5"),
        (state(5, "l", "b"), "different state that has the same serial"),
        (state(9, "other", "a"), "unrelated state"),
    ] {
        let error = push(&stage, &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.facts().any(|(_, value)| value.contains(words)), "{error}");
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
    let forced = PushOptions { force: true, ..PushOptions::default() };
    run(stage.workspace("default").push(&state(1, "other", "c"), &forced)).unwrap();
    assert_eq!(stage.endpoint.store().bytes(KEY), state(2, "other", "c"));
}

/// Check 54.
#[test]
fn an_identical_push_writes_nothing() {
    let stage = Stage::new(&[]);
    push(&stage, &state(4, "l", "a")).unwrap();
    let before = stage.endpoint.store().snapshot();
    assert!(matches!(push(&stage, &state(5, "l", "a")).unwrap(), Pushed::Unchanged));
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 15.
#[test]
fn the_second_writer_gets_a_conflict_and_nothing_is_lost() {
    let stage = Stage::new(&[]);
    push(&stage, &state(1, "l", "a")).unwrap();
    let workspace = stage.workspace("default");
    let base = run(workspace.read()).unwrap();
    run(workspace.write_and_release(&base, state(3, "l", "first"), None)).unwrap();
    let before = stage.endpoint.store().snapshot();
    let error = run(workspace.write_and_release(&base, state(3, "l", "second"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.facts().any(|(label, value)| label == "stored" && value.contains("serial 3")), "{error:?}");
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

#[test]
fn two_first_writers_do_not_overwrite_each_other() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    let base = run(workspace.read()).unwrap();
    run(workspace.write_and_release(&base, state(1, "a", "a"), None)).unwrap();
    let error = run(workspace.write_and_release(&base, state(1, "b", "b"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(stage.endpoint.store().bytes(KEY), state(1, "a", "a"));
}

/// Check 59: a writer that was killed between object and digest.
#[test]
fn a_write_that_stopped_before_its_digest_is_completed_under_lock() {
    let stage = Stage::new(&[]);
    push(&stage, &state(1, "l", "a")).unwrap();
    let digest = format!("{}-md5", stage.lock_path());
    let parent = stage.endpoint.store().item(&digest).unwrap();
    push(&stage, &state(3, "l", "b")).unwrap();
    stage.endpoint.store().put_item(&parent);

    let error = run(stage.workspace("default").read()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.facts().any(|(_, value)| value.contains("a writer stopped")), "{error:?}");
    push(&stage, &state(5, "l", "c")).unwrap();
    assert_eq!(stage.endpoint.store().bytes(KEY), state(6, "l", "c"));
    assert!(run(stage.workspace("default").read()).is_ok());
}

/// Whoever waited for the lock of a writer that is dead completes its write, too.
#[test]
fn a_write_that_stopped_is_completed_after_a_wait() {
    static WAITING: AtomicBool = AtomicBool::new(false);
    let stage = Stage::new(&[]);
    push(&stage, &state(1, "l", "a")).unwrap();
    let first = stage.endpoint.store().item(&format!("{}-md5", stage.lock_path())).unwrap();
    push(&stage, &state(3, "l", "b")).unwrap();
    stage.endpoint.store().put_item(&first);
    let (dead, waiting) = (stage.workspace("default"), stage.workspace("default"));
    let (guard, snapshot) = run(async {
        let theirs = dead.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
        let progress = |_: &Waiting<'_>| WAITING.store(true, Ordering::Relaxed);
        let options = LockOptions { timeout: Duration::from_secs(30), progress, ..LockOptions::default() };
        let released = async {
            while !WAITING.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            theirs.release().await.unwrap();
        };
        let locked = waiting.lock_and_read(Operation::StatePush, &options);
        let (locked, ()) = futures::future::join(locked, released).await;
        let (guard, snapshot) = locked.unwrap();
        (guard.unwrap().release().await.unwrap(), snapshot)
    });
    assert_eq!(guard.removed.len(), 1);
    assert_eq!(snapshot.bytes.unwrap(), state(4, "l", "b"));
    assert!(run(waiting.read()).is_ok(), "the digest was recorded");
}

/// Check 59, the other half: what can't be proven is not blessed.
#[test]
fn an_object_that_does_not_prove_its_parent_is_not_completed() {
    let stage = Stage::new(&[]);
    push(&stage, &state(1, "l", "a")).unwrap();
    stage.endpoint.store().put(KEY, state(9, "l", "copied back"));
    let before = stage.endpoint.store().snapshot();
    let error = push(&stage, &state(10, "l", "c")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(stage.endpoint.store().snapshot(), before, "and the lock is free");
}

/// Check 24: a lock that was broken and retaken while we wrote.
#[test]
fn a_lock_taken_away_meanwhile_is_reported_and_left_to_its_new_holder() {
    let stage = Stage::new(&[]);
    push(&stage, &state(1, "l", "a")).unwrap();
    let workspace = stage.workspace("default");
    // Guard and write belong to one runtime.
    let (written, theirs) = run(async {
        let options = LockOptions::default();
        let (guard, base) = workspace.lock_and_read(Operation::StatePush, &options).await.unwrap();
        let id = guard.as_ref().unwrap().info().id.clone();
        workspace.force_unlock(&id).await.unwrap();
        let theirs = workspace.lock(Operation::StatePush, &options).await.unwrap().unwrap();
        let written = workspace.write_and_release(&base, state(3, "l", "b"), guard).await.unwrap();
        let holders = workspace.lock_holders().await.unwrap();
        assert_eq!(holders[0].info.as_ref().unwrap().id, theirs.info().id);
        (written, theirs.release().await.unwrap())
    });
    assert!(written.lock_lost);
    assert_eq!(theirs.removed.len(), 1);
    assert!(run(workspace.read()).is_ok(), "the digest was recorded");
}

/// Checks 40 and 41.
#[test]
fn a_workspace_with_resources_is_not_deleted_unasked() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("dev");
    run(workspace.create(&LockOptions::default())).unwrap();
    let resource = r#"[{"mode":"managed","type":"terraform_data","name":"x","provider":"provider[\"terraform.io/builtin/terraform\"]","instances":[{"schema_version":0,"attributes":{"id":"1"}}]}]"#;
    let text = String::from_utf8(state(5, "", "a"))
        .unwrap()
        .replace("\"resources\": []", &format!("\"resources\": {resource}"));
    run(workspace.push(text.as_bytes(), &PushOptions::default())).unwrap();
    let before = stage.endpoint.store().snapshot();
    let error = run(workspace.delete(false, &LockOptions::default())).unwrap_err();
    assert!(error.facts().any(|(_, value)| value == "terraform_data.x"), "{error:?}");
    assert_eq!(stage.endpoint.store().snapshot(), before);
    run(workspace.delete(true, &LockOptions::default())).unwrap();
    assert!(stage.endpoint.store().keys().is_empty());
    assert!(stage.endpoint.store().items().is_empty());
    assert!(run(stage.workspace("default").delete(true, &LockOptions::default())).is_err());
}

#[test]
fn a_copy_keeps_every_byte_and_replaces_nothing_unasked() {
    let stage = Stage::new(&[]);
    let (from, to) = (stage.workspace("a"), stage.workspace("b"));
    run(from.push(&state(6, "l", "a"), &PushOptions::default())).unwrap();
    for (source, target) in [(&from, &to), (&to, &from)] {
        run(source.copy_to(target, false, &LockOptions::default())).unwrap();
    }
    assert_eq!(stage.endpoint.store().bytes("env:/b/p/s"), state(7, "l", "a"));
    run(to.push(&state(8, "l", "b"), &PushOptions::default())).unwrap();
    let before = stage.endpoint.store().snapshot();
    let error = run(from.copy_to(&to, false, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(stage.endpoint.store().snapshot(), before);
}
