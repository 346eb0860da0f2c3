//! States looked through page by page, by little more than a listing.

use s3tate::Backend;
use s3tate::lock::{LockOptions, Operation};

use crate::stage::{KEY, Stage, run, state};

fn keys(backend: &Backend, after: Option<&str>, most: usize) -> (Vec<String>, Option<String>) {
    let page = run(backend.browse(after, most, |key| !key.starts_with("hidden/"))).expect("a page");
    (page.states.into_iter().map(|state| state.key).collect(), page.next)
}

#[test]
fn pages_follow_each_other_and_hold_only_what_is_wanted() {
    let stage = Stage::new(&[]);
    let store = stage.endpoint.store();
    for key in ["a", "b", "c", "d", "hidden/x", ".s3tate/why/1.json", "b.tflock"] {
        store.put(key, state(1, "l", key));
    }
    let workspace = stage.workspace("default");
    let backend = workspace.backend();
    let (first, next) = keys(backend, None, 3);
    assert_eq!(
        (first.as_slice(), next.as_deref()),
        (["a", "b", "c"].map(str::to_owned).as_slice(), Some("c"))
    );
    assert_eq!(keys(backend, next.as_deref(), 3), (vec!["d".to_owned()], None));
    assert_eq!(keys(backend, None, 4).1, None, "nothing wanted is behind the last");
}

#[test]
fn a_state_is_told_by_its_beginning_with_who_holds_its_lock() {
    let stage = Stage::new(&[]);
    let store = stage.endpoint.store();
    store.put(KEY, state(7, "l", &"long ".repeat(100_000)));
    store.put("other", "no state at all");
    let workspace = stage.workspace("default");
    let guard = run(workspace.lock(Operation::Init, &LockOptions::default())).expect("free").expect("on");
    let page = run(workspace.backend().browse(None, 10, |_| true)).expect("a page");
    let found = page.states.iter().find(|state| state.key == KEY).expect("it is there");
    assert_eq!(found.header.as_ref().map(|header| header.serial), Some(7));
    assert_eq!(found.size_bytes, store.bytes(KEY).len() as u64);
    let held: Vec<_> =
        found.locks.iter().filter_map(|lock| lock.info.as_ref()).map(|info| &info.id).collect();
    assert_eq!(held, [&guard.info().id]);
    let other = page.states.iter().find(|state| state.key == "other").expect("it is there");
    assert!(other.header.is_none() && other.locks.is_empty());
    run(guard.release()).expect("released");
    let info = run(workspace.info()).expect("read").expect("there");
    assert_eq!(info.size_bytes, Some(store.bytes(KEY).len() as u64), "of the whole, not of what was read");
}
