//! Locks found anywhere, readable or not, and removed exactly as they were found.

use s3tate::ErrorKind;
use s3tate::lock::{FoundLock, LockKind, LockOptions, Operation};

use crate::stage::{KEY, Stage, run, state};

const BOTH: [&str; 1] = ["use_lockfile=true"];

fn put_item(stage: &Stage, key: &str, members: &[(&str, &str)]) {
    let path = format!("{}/{key}", stage.endpoint.store().bucket());
    let mut item = vec![("LockID".to_owned(), path)];
    item.extend(members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    stage.endpoint.store().put_item(&item.into_iter().collect());
}

fn record(id: &str) -> String {
    let text = r#"{"ID":"#.to_owned();
    format!(
        r#"{text}"{id}","Operation":"OperationTypeApply","Info":"","Who":"user@pc","Version":"1.11.4","Created":"2026-11-23T00:55:24Z","Path":"b/k"}}"#
    )
}

fn below(stage: &Stage, prefix: &str) -> Vec<FoundLock> {
    run(stage.backend().locks_below(prefix)).expect("locks are listed")
}

fn ids(found: &[FoundLock]) -> Vec<(&str, LockKind, &str)> {
    let id = |lock: &'_ FoundLock| -> &'static str {
        if lock.is_unreadable() {
            "unreadable"
        } else if lock.has_id("one") {
            "one"
        } else {
            "two"
        }
    };
    let key = |lock: &'_ FoundLock| lock.url.splitn(4, '/').nth(3).map(str::to_owned).expect("a key");
    found.iter().map(|lock| (&*key(lock).leak(), lock.holder.kind, id(lock))).collect()
}

#[test]
fn every_lock_below_a_prefix_is_found_and_nothing_else() {
    let stage = Stage::new(&[]);
    let store = stage.endpoint.store();
    store.put("p/a", state(1, "l", "x"));
    store.put("p/a.tflock", record("one"));
    put_item(&stage, "p/a", &[("Info", &record("two"))]);
    put_item(&stage, "p/a-md5", &[("Digest", "0123456789abcdef0123456789abcdef")]);
    put_item(&stage, "p/b", &[]);
    store.put("p/c.tflock", "not json");
    // A state whose key ends like a lock object's.
    store.put("p/d.tflock", state(1, "l", "x"));
    store.put("q/a.tflock", record("one"));
    put_item(&stage, "q/a", &[("Info", &record("one"))]);
    store.put_item(
        &[("LockID".to_owned(), "other/p/a".to_owned()), ("Info".to_owned(), record("one"))].into(),
    );

    let found = below(&stage, "p/");
    let expected = [
        ("p/a", LockKind::LockFile, "one"),
        ("p/a", LockKind::DynamoDb, "two"),
        ("p/b", LockKind::DynamoDb, "unreadable"),
        ("p/c", LockKind::LockFile, "unreadable"),
    ];
    assert_eq!(ids(&found), expected);
    assert!(found[0].last_write.is_some() && found[2].last_write.is_none());
    assert_eq!(below(&stage, "").len(), 6);
    assert_eq!(below(&stage, "nothing").len(), 0);
}

/// Check 26: unreadable locks are removed on explicit request.
#[test]
fn unreadable_locks_are_removed_on_explicit_request() {
    let stage = Stage::new(&BOTH);
    put_item(&stage, KEY, &[]);
    stage.endpoint.store().put(&format!("{KEY}.tflock"), "not json");
    let workspace = stage.workspace("default");
    let error = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.hint_text().unwrap().contains("lock break -unreadable"), "{error:?}");
    let found = run(workspace.found_locks()).unwrap();
    assert_eq!(found.len(), 2);
    for lock in &found {
        assert!(lock.is_unreadable());
        assert!(run(stage.backend().remove_lock(lock)).unwrap());
        assert!(!run(stage.backend().remove_lock(lock)).unwrap(), "it is gone");
    }
    assert!(stage.endpoint.store().keys().is_empty());
    assert_eq!(stage.endpoint.store().items(), []);
}

#[test]
fn a_lock_that_changed_since_it_was_found_is_left_alone() {
    let stage = Stage::new(&BOTH);
    for (before, after) in
        [(record("one"), record("two")), ("not json".into(), record("one")), (record("one"), "x".into())]
    {
        stage.endpoint.store().put(&format!("{KEY}.tflock"), before.as_bytes());
        put_item(&stage, KEY, &[("Info", &before)]);
        let found = run(stage.workspace("default").found_locks()).unwrap();
        stage.endpoint.store().put(&format!("{KEY}.tflock"), after.as_bytes());
        put_item(&stage, KEY, &[("Info", &after)]);
        for lock in &found {
            assert!(!run(stage.backend().remove_lock(lock)).unwrap());
        }
        assert_eq!(stage.endpoint.store().bytes(&format!("{KEY}.tflock")), after.as_bytes());
        assert_eq!(stage.endpoint.store().item(&stage.lock_path()).unwrap()["Info"], after);
    }
}

#[test]
fn an_item_that_got_a_record_or_a_digest_is_left_alone() {
    let stage = Stage::new(&[]);
    for member in ["Info", "Digest"] {
        put_item(&stage, KEY, &[]);
        let found = run(stage.workspace("default").found_locks()).unwrap();
        put_item(&stage, KEY, &[(member, "x")]);
        assert!(!run(stage.backend().remove_lock(&found[0])).unwrap());
        assert!(stage.endpoint.store().item(&stage.lock_path()).is_some());
    }
}

/// The digest of another state is where the lock item of this one would be.
#[test]
fn a_digest_is_neither_a_lock_nor_overwritten() {
    let stage = Stage::new(&["key=p/s-md5"]);
    put_item(&stage, "p/s-md5", &[("Digest", "0123456789abcdef0123456789abcdef")]);
    let before = stage.endpoint.store().snapshot();
    let workspace = stage.workspace("default");
    let error = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.facts().any(|(_, fact)| fact.contains("digest of another state")), "{error:?}");
    assert_eq!(run(workspace.found_locks()).unwrap(), []);
    assert_eq!(run(workspace.force_unlock("x")).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

#[test]
fn a_state_in_the_place_of_a_lock_object_is_never_removed() {
    let stage = Stage::new(&BOTH);
    stage.endpoint.store().put(&format!("{KEY}.tflock"), state(1, "l", "x"));
    let found = run(stage.workspace("default").found_locks()).unwrap();
    let error = run(stage.backend().remove_lock(&found[0])).unwrap_err();
    assert!(error.to_string().contains("holds a state"), "{error}");
    assert_eq!(stage.endpoint.store().bytes(&format!("{KEY}.tflock")), state(1, "l", "x"));
}
