//! Answers that get lost, and what others do meanwhile: paths that the model of the protocol found worth a look.

use s3tate::lock::{LockKind, LockOptions, Operation};
use s3tate::{ErrorKind, PushOptions, Pushed, Workspace};
use s3tate_testkit::{Endpoint, Gate, Spoil, md5_hex};

use crate::stage::{KEY, Stage, run, state};

const BOTH: [&str; 1] = ["use_lockfile=true"];
/// One attempt: whatever is lost stays lost.
const ONCE: [&str; 2] = ["use_lockfile=true", "max_retries=1"];

/// A stage with a state of serial 2, and a workspace behind a gate.
fn behind_a_gate(options: &[&str]) -> (Stage, Endpoint, Gate, Workspace) {
    let stage = Stage::new(options);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let workspace = stage.workspace_through(&behind);
    // The first lock also finds out whether the store can be trusted with lock objects.
    push(&workspace, &state(1, "l", "a")).expect("nobody is in the way");
    drop(gate.recorder().take());
    (stage, behind, gate, workspace)
}

fn push(workspace: &Workspace, bytes: &[u8]) -> s3tate::Result<Pushed> {
    run(workspace.push(bytes, &PushOptions::default()))
}

fn object_request(stage: &Stage, method: &str, suffix: &str) -> String {
    format!("{method} /{}/{KEY}{suffix}", stage.endpoint.store().bucket())
}

/// Otherwise a test would show nothing.
fn assert_spoiled(gate: &Gate) {
    assert!(gate.recorder().take().iter().any(|request| request.status >= 400), "no answer was spoiled");
}

/// Object and digest agree, and nothing is locked.
fn assert_settled(stage: &Stage, bytes: &[u8]) {
    let store = stage.endpoint.store();
    assert_eq!(store.bytes(KEY), bytes);
    assert_eq!(store.digest(KEY), Some(md5_hex(bytes)));
    assert_eq!((store.items().len(), store.keys().len()), (1, 1), "no lock is left");
}

/// Check 25: the SDK asks again, is refused, and finds our own record.
#[test]
fn a_lock_whose_reply_was_lost_is_ours() {
    for options in [&BOTH[..], &ONCE] {
        for suffix in [None, Some(".tflock")] {
            let (stage, _behind, gate, workspace) = behind_a_gate(options);
            let request = suffix.map_or("PutItem".into(), |suffix| object_request(&stage, "PUT", suffix));
            gate.spoil(&request, Spoil::LoseReply, 1);
            push(&workspace, &state(3, "l", "b")).unwrap();
            assert_spoiled(&gate);
            assert_settled(&stage, &state(4, "l", "b"));
        }
    }
}

#[test]
fn a_lock_that_may_be_ours_is_named() {
    for suffix in [None, Some(".tflock")] {
        let (stage, _behind, gate, workspace) = behind_a_gate(&ONCE);
        let (put, look) = match suffix {
            None => ("PutItem".to_owned(), "GetItem".to_owned()),
            Some(suffix) => (object_request(&stage, "PUT", suffix), object_request(&stage, "GET", suffix)),
        };
        gate.spoil(&put, Spoil::LoseReply, 1);
        gate.spoil(&look, Spoil::Refuse(503, "ServiceUnavailable"), 1);
        let error = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
        let holders = run(stage.workspace("default").lock_holders()).unwrap();
        assert_eq!(holders.len(), 1, "the lock object is given back where the item was refused");
        let id = &holders[0].info.as_ref().unwrap().id;
        assert!(error.facts().any(|(_, fact)| fact.contains(id)), "{error:?}");
    }
}

#[test]
fn a_write_whose_reply_was_lost_is_found() {
    for options in [&BOTH[..], &ONCE] {
        let (stage, _behind, gate, workspace) = behind_a_gate(options);
        gate.spoil(&object_request(&stage, "PUT", ""), Spoil::LoseReply, 1);
        push(&workspace, &state(3, "l", "b")).unwrap();
        assert_spoiled(&gate);
        assert_settled(&stage, &state(4, "l", "b"));
    }
}

#[test]
fn a_write_that_may_have_happened_keeps_the_lock_and_says_so() {
    let (stage, _behind, gate, workspace) = behind_a_gate(&ONCE);
    let (guard, base) = run(workspace.lock_and_read(Operation::StatePush, &LockOptions::default())).unwrap();
    let id = guard.as_ref().unwrap().info().id.clone();
    gate.spoil(&object_request(&stage, "PUT", ""), Spoil::LoseReply, 1);
    gate.spoil(&object_request(&stage, "GET", ""), Spoil::Refuse(503, "SlowDown"), 1);
    let error = run(workspace.write_and_release(&base, state(4, "l", "b"), guard)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert!(error.facts().any(|(_, fact)| fact.contains(&id)), "{error:?}");
    run(workspace.force_unlock(&id)).unwrap();
    push(&stage.workspace("default"), &state(5, "l", "c")).unwrap();
    assert_settled(&stage, &state(6, "l", "c"));
}

/// Told as a conflict, it would be done twice.
#[test]
fn a_write_that_was_built_upon_before_its_reply_is_not_called_a_conflict() {
    let stage = Stage::new(&["dynamodb_table=", "max_retries=1"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let (ours, theirs) = (stage.workspace_through(&behind), stage.workspace("default"));
    push(&theirs, &state(1, "l", "a")).unwrap();
    let base = run(ours.read()).unwrap();
    gate.spoil(&object_request(&stage, "PUT", ""), Spoil::LoseReply, 1);
    gate.spoil(&object_request(&stage, "GET", ""), Spoil::Hold, 1);
    let error = std::thread::scope(|scope| {
        let write = scope.spawn(|| run(ours.write_and_release(&base, state(3, "l", "b"), None)));
        gate.wait();
        push(&theirs, &state(4, "l", "c")).unwrap();
        gate.open();
        write.join().unwrap().unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert!(error.to_string().contains("was written, and another write has replaced it"), "{error}");
}

#[test]
fn a_write_that_others_may_have_come_over_is_not_called_a_conflict() {
    let stage = Stage::new(&["dynamodb_table=", "max_retries=1"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let (ours, theirs) = (stage.workspace_through(&behind), stage.workspace("default"));
    push(&theirs, &state(1, "l", "a")).unwrap();
    for (spoil, written) in [(Spoil::LoseReply, true), (Spoil::Refuse(500, "InternalError"), false)] {
        let base = run(ours.read()).unwrap();
        gate.spoil(&object_request(&stage, "PUT", ""), spoil, 1);
        gate.spoil(&object_request(&stage, "GET", ""), Spoil::Hold, 1);
        let error = std::thread::scope(|scope| {
            let write = scope.spawn(|| run(ours.write_and_release(&base, state(30, "l", "b"), None)));
            gate.wait();
            push(&theirs, &state(40, "l", "c")).unwrap();
            if written {
                push(&theirs, &state(50, "l", "d")).unwrap();
            }
            gate.open();
            write.join().unwrap().unwrap_err()
        });
        let kind = if written { ErrorKind::Unknown } else { ErrorKind::Conflict };
        assert_eq!(error.kind(), kind, "{error:?}");
        run(theirs.push(&state(1, "l", "a"), &PushOptions { force: true, ..PushOptions::default() }))
            .unwrap();
    }
}

#[test]
fn a_transaction_whose_reply_was_lost_records_and_releases() {
    let (stage, _behind, gate, workspace) = behind_a_gate(&BOTH);
    gate.spoil("TransactWriteItems", Spoil::LoseReply, 1);
    push(&workspace, &state(3, "l", "b")).unwrap();
    assert_spoiled(&gate);
    assert_settled(&stage, &state(4, "l", "b"));
}

#[test]
fn without_transactions_two_requests_do_the_same() {
    let (stage, _behind, gate, workspace) = behind_a_gate(&BOTH);
    gate.spoil("TransactWriteItems", Spoil::Refuse(400, "AccessDeniedException"), 1);
    push(&workspace, &state(3, "l", "b")).unwrap();
    assert_spoiled(&gate);
    assert_settled(&stage, &state(4, "l", "b"));
}

/// A writer without a lock that is late with its digest: whoever built on its state has recorded theirs.
#[test]
fn a_digest_that_comes_late_does_not_replace_a_newer_one() {
    let (stage, _behind, gate, workspace) = behind_a_gate(&[]);
    let theirs = stage.workspace("default");
    let base = run(workspace.read()).unwrap();
    gate.spoil("PutItem", Spoil::Hold, 1);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| run(workspace.write_and_release(&base, state(3, "l", "b"), None)));
        gate.wait();
        push(&theirs, &state(4, "l", "c")).unwrap();
        push(&theirs, &state(6, "l", "d")).unwrap();
        gate.open();
        late.join().unwrap().unwrap();
    });
    assert_settled(&stage, &state(7, "l", "d"));
}

/// The same with the lock held all the time, against writers that don't lock.
/// Three first writers without locks: the first one's digest comes when the others' objects are there already.
#[test]
fn a_digest_of_an_earlier_write_does_not_keep_the_last_one_out() {
    let stage = Stage::new(&[]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let (ours, theirs) = (stage.workspace_through(&behind), stage.workspace("default"));
    let base = run(theirs.read()).unwrap();
    run(theirs.write_and_release(&base, state(1, "l", "a"), None)).unwrap();
    let first = stage.endpoint.store().digest(KEY).unwrap();
    stage.endpoint.store().delete_item(&format!("{}-md5", stage.lock_path()));
    let base = run(ours.read()).unwrap();
    gate.spoil("PutItem", Spoil::Hold, 1);
    std::thread::scope(|scope| {
        let last = scope.spawn(|| run(ours.write_and_release(&base, state(2, "l", "b"), None)));
        gate.wait();
        stage.endpoint.store().put_digest(KEY, &first);
        gate.open();
        last.join().unwrap().unwrap();
    });
    assert_settled(&stage, &state(2, "l", "b"));
}

#[test]
fn a_transaction_that_comes_late_does_not_replace_a_newer_digest() {
    let (stage, _behind, gate, workspace) = behind_a_gate(&[]);
    let theirs = stage.workspace("default");
    let lockless = LockOptions { lock: false, ..LockOptions::default() };
    let options = PushOptions { lock: lockless, ..PushOptions::default() };
    gate.spoil("TransactWriteItems", Spoil::Hold, 1);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| push(&workspace, &state(3, "l", "b")));
        gate.wait();
        // Only a digest that is recorded, or none, can be built upon.
        let store = stage.endpoint.store();
        let digest = format!("{}-md5", stage.lock_path());
        store.delete_item(&digest);
        for (serial, value) in [(5, "c"), (7, "d")] {
            run(theirs.push(&state(serial, "l", value), &options)).unwrap();
        }
        gate.open();
        late.join().unwrap().unwrap();
    });
    assert_settled(&stage, &state(8, "l", "d"));
}

/// A digest without a state would bar everybody.
#[test]
fn a_workspace_deleted_under_a_broken_lock_stays_deleted() {
    let stage = Stage::new(&[]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let (ours, theirs) = (stage.workspace_through(&behind), stage.workspace("dev"));
    let ours = ours.backend().workspace(theirs.name().clone());
    run(theirs.create(&LockOptions::default())).unwrap();
    let forced = PushOptions { force: true, ..PushOptions::default() };
    gate.spoil("TransactWriteItems", Spoil::Hold, 1);
    std::thread::scope(|scope| {
        let late = scope.spawn(|| run(ours.push(&state(3, "l", "b"), &forced)));
        gate.wait();
        let held = run(theirs.lock_holders()).unwrap();
        run(theirs.force_unlock(&held[0].info.as_ref().unwrap().id)).unwrap();
        run(theirs.delete(true, &LockOptions::default())).unwrap();
        gate.open();
        let Pushed::Written { written, .. } = late.join().unwrap().unwrap() else { panic!("it was written") };
        assert!(written.lock_lost);
    });
    assert_eq!(stage.endpoint.store().items(), [], "neither lock nor digest");
    run(theirs.create(&LockOptions::default())).unwrap();
}

/// W27: what is left of a deletion that stopped halfway can be read, and deleted again.
#[test]
fn a_deletion_that_stopped_halfway_can_be_repeated() {
    let stage = Stage::new(&["max_retries=1", "workspace_key_prefix=w"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let whole = stage.workspace("dev");
    run(whole.create(&LockOptions::default())).unwrap();
    let bytes = run(whole.read()).unwrap().bytes;
    let cut = stage.workspace_through(&behind).backend().workspace(whole.name().clone());
    let request = format!("DELETE /{}/w/dev/{KEY}", stage.endpoint.store().bucket());
    gate.spoil(&request, Spoil::Refuse(503, "SlowDown"), 1);
    run(cut.delete(true, &LockOptions::default())).unwrap_err();
    assert_eq!(run(whole.read()).unwrap().bytes, bytes);
    run(whole.delete(true, &LockOptions::default())).unwrap();
    assert_eq!(stage.endpoint.store().items(), []);
}

#[test]
fn a_deletion_whose_reply_was_lost_is_found() {
    for options in [&BOTH[..], &ONCE] {
        let stage = Stage::new(&[options, &["workspace_key_prefix=w"]].concat());
        let (behind, gate) = Gate::before(&stage.endpoint);
        let name = stage.workspace("dev").name().clone();
        let workspace = stage.workspace_through(&behind).backend().workspace(name);
        run(workspace.create(&LockOptions::default())).unwrap();
        let request = format!("DELETE /{}/w/dev/{KEY}", stage.endpoint.store().bucket());
        gate.spoil(&request, Spoil::LoseReply, 1);
        run(workspace.delete(true, &LockOptions::default())).unwrap();
        assert_spoiled(&gate);
        assert_eq!(stage.endpoint.store().items(), []);
        assert!(stage.endpoint.store().keys().is_empty());
    }
}

/// W6: a lock object that was broken and retaken isn't removed.
#[test]
fn a_lock_object_that_was_retaken_stays() {
    let stage = Stage::new(&["dynamodb_table=", "use_lockfile=true"]);
    let workspace = stage.workspace("default");
    run(async {
        let options = LockOptions::default();
        let ours = workspace.lock(Operation::StatePush, &options).await.unwrap().unwrap();
        workspace.force_unlock(&ours.info().id.clone()).await.unwrap();
        let theirs = workspace.lock(Operation::StatePush, &options).await.unwrap().unwrap();
        assert_eq!(ours.release().await.unwrap().missing, [LockKind::LockFile]);
        assert_eq!(theirs.release().await.unwrap().removed, [LockKind::LockFile]);
    });
}
