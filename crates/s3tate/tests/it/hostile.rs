//! Stores that treat conditions otherwise than S3 does: nothing is trusted that excludes nobody, and nothing is lost.

use s3tate::lock::{LockInfo, LockOptions, Operation};
use s3tate::{ErrorKind, PushOptions, Pushed, Workspace, WorkspaceName};
use s3tate_testkit::{Endpoint, Gate, Kind, Recorder, Spoil, Vice, md5_hex};

use crate::stage::{KEY, Stage, run, state};

/// The lock object of the default workspace.
const LOCK: &str = "p/s.tflock";

/// A workspace on a store with a vice, with a state in it that was written before the vice.
struct Scene {
    real: Stage,
    seen: Stage,
    recorder: Recorder,
}

impl Scene {
    /// Locks by `use_lockfile` alone, so that nothing else hides what becomes of the lock object.
    fn new(vice: Vice) -> Self {
        let base = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let (hostile, recorder) = base.hostile(vice);
        let options = ["use_lockfile=true", "dynamodb_table="];
        let scene = Self { seen: Stage::on(hostile, &options), real: Stage::on(base, &options), recorder };
        let first = scene.real.workspace("default");
        run(first.push(&state(1, "l", "a"), &PushOptions::default())).expect("the real store is written");
        scene.recorder.take();
        scene
    }

    fn workspace(&self) -> Workspace {
        self.seen.workspace("default")
    }

    fn push(&self, bytes: &[u8]) -> s3tate::Result<Pushed> {
        run(self.workspace().push(bytes, &PushOptions::default()))
    }

    /// Fails the test unless the state is whole and nobody holds its lock.
    #[track_caller]
    fn holds(&self, bytes: &[u8]) {
        assert_eq!(self.real.endpoint.store().keys(), [KEY]);
        assert_eq!(self.real.endpoint.store().bytes(KEY), bytes);
    }
}

#[test]
fn lock_objects_are_refused_where_a_second_one_is_not() {
    let scene = Scene::new(Vice::IgnoresIfNoneMatch);
    let error = scene.push(&state(3, "l", "b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.facts().any(|(_, fact)| fact.contains("took a second lock object")), "{error:?}");
    assert!(error.hint_text().unwrap().contains("dynamodb_table"));
    scene.holds(&state(2, "l", "a"));
}

#[test]
fn a_lock_that_could_be_overwritten_is_seen_before_it_is() {
    let scene = Scene::new(Vice::IgnoresIfNoneMatch);
    let theirs = LockInfo { id: "theirs".into(), who: "user@pc".into(), ..LockInfo::default() };
    scene.real.endpoint.store().put(LOCK, theirs.encode());
    let error = scene.push(&state(3, "l", "b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(scene.real.endpoint.store().bytes(LOCK), theirs.encode().into_bytes());
}

/// The first lock in a directory takes a look and a second try; those after it take one request each.
#[test]
fn a_store_shows_once_that_it_refuses_a_second_lock() {
    let stage = Stage::new(&["use_lockfile=true", "dynamodb_table="]);
    let (proxied, recorder) = stage.endpoint.recorded();
    let directory = tempfile::tempdir().unwrap();
    let lock = || {
        let backend = stage.backend_through(&proxied).remembering_in(directory.path());
        let workspace = backend.workspace(WorkspaceName::default_name());
        run(async {
            let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
            guard.release().await.unwrap();
        });
        recorder.take().iter().map(|request| (request.method.clone(), request.status)).collect::<Vec<_>>()
    };
    let request = |method: &str, status| (method.to_owned(), status);
    assert_eq!(
        lock(),
        [
            request("GET", 404),
            request("PUT", 200),
            request("PUT", 412),
            request("GET", 200),
            request("DELETE", 204)
        ]
    );
    assert_eq!(lock(), [request("PUT", 200), request("DELETE", 204)]);
}

/// What can't be found out is not trusted, and the lock that was taken for it is given back, or named.
#[test]
fn a_store_that_fails_while_it_is_asked_is_left_unlocked() {
    let denied = Spoil::Refuse(403, "AccessDenied");
    for release_fails in [false, true] {
        let stage = Stage::new(&["use_lockfile=true", "dynamodb_table="]);
        let (behind, gate) = Gate::before(&stage.endpoint);
        let object = |method| format!("{method} /{}/{LOCK}", stage.endpoint.store().bucket());
        gate.spoil(&object("PUT"), Spoil::Pass, 1);
        gate.spoil(&object("PUT"), denied, 1);
        gate.spoil(&object("DELETE"), denied, usize::from(release_fails));
        let workspace = stage.backend_through(&behind).workspace(WorkspaceName::default_name());
        let error = run(workspace.push(&state(1, "l", "a"), &PushOptions::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(error.facts().any(|(label, _)| label == "left behind"), release_fails, "{error:?}");
        assert_eq!(stage.endpoint.store().get(LOCK).is_some(), release_fails);
        assert_eq!(stage.endpoint.store().get(KEY), None);
    }
}

/// The lock is kept in the table, and the write bound to what was read.
#[test]
fn a_table_locks_where_lock_objects_can_not() {
    let base = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (hostile, _recorder) = base.hostile(Vice::IgnoresIfNoneMatch);
    let (seen, real) = (Stage::on(hostile, &[]), Stage::on(base, &[]));
    for serial in [1, 3] {
        run(seen
            .workspace("default")
            .push(&state(serial, "l", "a"), &PushOptions { force: serial == 3, ..PushOptions::default() }))
        .unwrap();
        assert_eq!(real.endpoint.store().bytes(KEY), state(serial + 1, "l", "a"));
    }
    let both = Stage::on(seen.endpoint, &["use_lockfile=true"]);
    let error =
        run(both.workspace("default").push(&state(9, "l", "b"), &PushOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(real.endpoint.store().keys(), [KEY]);
    assert_eq!(real.endpoint.store().item(&real.lock_path()), None);
}

#[test]
fn a_store_without_conditions_is_not_written_to() {
    for status in [501, 400] {
        let scene = Scene::new(Vice::RefusesConditions(status));
        let error = scene.push(&state(3, "l", "b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{status}");
        scene.holds(&state(2, "l", "a"));
    }
}

#[test]
fn a_store_without_conditional_deletes_is_released_as_stock_does() {
    let scene = Scene::new(Vice::LacksConditionalDelete);
    scene.push(&state(3, "l", "b")).unwrap();
    scene.holds(&state(4, "l", "b"));
}

/// The lock excludes; only a writer without it could be overwritten.
#[test]
fn a_store_that_overwrites_anything_is_written_under_lock() {
    let scene = Scene::new(Vice::IgnoresIfMatch);
    scene.push(&state(3, "l", "b")).unwrap();
    scene.holds(&state(4, "l", "b"));
}

#[test]
fn a_delete_marker_that_counts_stands_in_the_way_and_nothing_is_lost() {
    let scene = Scene::new(Vice::CountsDeleteMarkers);
    scene.push(&state(3, "l", "b")).unwrap();
    let error = scene.push(&state(5, "l", "c")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.hint_text().unwrap().contains("s3tate doctor"), "{error:?}");
    scene.holds(&state(4, "l", "b"));
}

#[test]
fn entity_tags_that_are_no_md5_serve_as_well() {
    let scene = Scene::new(Vice::OpaqueETags);
    scene.push(&state(3, "l", "b")).unwrap();
    let read = run(scene.workspace().read()).unwrap();
    assert!(read.etag.unwrap().as_str().ends_with("-1\""));
    scene.push(&state(5, "l", "c")).unwrap();
    scene.holds(&state(6, "l", "c"));
}

/// What is read is old, so the write is bound to what is no more.
#[test]
fn a_write_on_a_stale_read_is_a_conflict() {
    let scene = Scene::new(Vice::StaleReads);
    let workspace = scene.workspace();
    let base = run(workspace.read()).unwrap();
    run(workspace.write_and_release(&base, state(3, "l", "b"), None)).unwrap();
    let stale = run(workspace.read()).unwrap();
    assert_eq!(stale.bytes.as_deref(), Some(&*state(2, "l", "a")), "the double does what it says");
    let error = run(workspace.write_and_release(&stale, state(3, "l", "c"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    scene.holds(&state(3, "l", "b"));
}

/// Nothing there tells that the table takes a second lock; what is written stays bound to what was read.
#[test]
fn a_table_without_conditions_still_loses_no_write() {
    let base = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (hostile, _recorder) = base.hostile(Vice::IgnoresTableConditions);
    let (seen, real) = (Stage::on(hostile, &[]), Stage::on(base, &[]));
    run(seen.workspace("default").push(&state(1, "l", "a"), &PushOptions::default())).unwrap();
    let bytes = real.endpoint.store().bytes(KEY);
    assert_eq!(bytes, state(2, "l", "a"));
    assert_eq!(real.endpoint.store().digest(KEY), Some(md5_hex(&bytes)));
}
