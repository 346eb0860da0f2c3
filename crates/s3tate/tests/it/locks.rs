//! Locks of both kinds, looked at from the store.

use s3tate::ErrorKind;
use s3tate::lock::{LockInfo, LockKind, LockOptions, Operation};

use crate::stage::{KEY, Stage, run};

const BOTH: [&str; 1] = ["use_lockfile=true"];

/// Check 16: the item has exactly key and record.
/// Check 27: the lock object holds the same record.
/// Check 31: both carry the same ID.
#[test]
fn both_places_hold_the_same_record() {
    let stage = Stage::new(&BOTH);
    let workspace = stage.workspace("default");
    run(async {
        let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
        let (store, path) = (stage.endpoint.store().clone(), stage.lock_path());
        let (object, item) = tokio::task::spawn_blocking(move || {
            std::thread::spawn(move || (store.bytes(&format!("{KEY}.tflock")), store.item(&path).unwrap()))
                .join()
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!(item["Info"].as_bytes(), object);
        assert_eq!(item.len(), 2);
        assert_eq!(item["Info"], guard.info().encode());
        assert_eq!(guard.info().who, "dana@build-07");
        let released = guard.release().await.unwrap();
        assert_eq!(released.removed, [LockKind::LockFile, LockKind::DynamoDb]);
    });
    assert!(stage.endpoint.store().keys().is_empty());
    assert!(stage.endpoint.store().items().is_empty());
}

fn put_foreign_item(stage: &Stage) -> LockInfo {
    let info = LockInfo {
        id: "theirs".into(),
        operation: "OperationTypeApply".into(),
        who: "user@pc".into(),
        created: "2026-11-23T00:55:24.814093344Z".into(),
        path: stage.lock_path(),
        ..LockInfo::default()
    };
    let item = [("LockID".to_owned(), stage.lock_path()), ("Info".to_owned(), info.encode())];
    stage.endpoint.store().put_item(&item.into());
    info
}

/// Check 19: the holder is shown.
/// Check 31: the lock object is given back where the item is held.
#[test]
fn a_refused_second_lock_gives_the_first_back() {
    let stage = Stage::new(&BOTH);
    put_foreign_item(&stage);
    let before = stage.endpoint.store().snapshot();
    let error =
        run(stage.workspace("default").lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let facts: Vec<_> = error.facts().map(|(_, value)| value.to_owned()).collect();
    for word in ["user@pc", "OperationTypeApply", "theirs"] {
        assert!(facts.iter().any(|fact| fact.contains(word)), "{word}: {facts:?}");
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 23: a wrong ID removes nothing; the error names both.
/// Check 32: the missing half is named.
#[test]
fn only_the_right_id_unlocks_and_half_a_lock_is_named() {
    let stage = Stage::new(&BOTH);
    put_foreign_item(&stage);
    let before = stage.endpoint.store().snapshot();
    let workspace = stage.workspace("default");
    let error = run(workspace.force_unlock("wrong")).unwrap_err();
    assert!(error.to_string().contains("\"wrong\"") && error.to_string().contains("\"theirs\""), "{error}");
    assert_eq!(stage.endpoint.store().snapshot(), before);
    let released = run(workspace.force_unlock("theirs")).unwrap();
    assert_eq!((released.removed, released.missing), (vec![LockKind::DynamoDb], vec![LockKind::LockFile]));
    assert_eq!(run(workspace.force_unlock("theirs")).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Check 26: an item without a record is reported; `breaking_locks.rs` removes it.
#[test]
fn an_item_without_a_record_is_an_unreadable_lock() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put_item(&[("LockID".to_owned(), stage.lock_path())].into());
    let error =
        run(stage.workspace("default").lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let error = run(stage.workspace("default").force_unlock("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

/// Check 33: without locking no lock is taken.
#[test]
fn without_locking_no_lock_request_is_sent() {
    let stage = Stage::new(&BOTH);
    put_foreign_item(&stage);
    let options = LockOptions { lock: false, ..LockOptions::default() };
    let guard = run(stage.workspace("default").lock(Operation::StatePush, &options)).unwrap();
    assert!(guard.is_none());
}

#[test]
fn racing_lockers_have_exactly_one_winner() {
    let stage = Stage::new(&BOTH);
    let wins = run(async {
        let contenders = (0..16).map(|_| {
            let workspace = stage.workspace("default");
            async move { workspace.lock(Operation::StatePush, &LockOptions::default()).await }
        });
        let mut guards: Vec<_> =
            futures_of(contenders).await.into_iter().filter_map(Result::ok).flatten().collect();
        let wins = guards.len();
        if let Some(guard) = guards.pop() {
            guard.release().await.unwrap();
        }
        wins
    });
    assert_eq!(wins, 1);
}

async fn futures_of<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures::future::join_all(futures).await
}
