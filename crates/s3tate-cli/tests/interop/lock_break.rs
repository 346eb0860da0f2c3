//! `lock break`: exactly what was shown is removed, wherever it is, and nothing else.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Endpoint, Finished, Kind, LockRecord, Locking, Workdir};

use crate::stage::{KEY, s3tate};

/// An endpoint alone, and a directory whose state is locked in both ways.
struct Scene {
    endpoint: Endpoint,
    workdir: Workdir,
}

impl Scene {
    fn new() -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let workdir = Workdir::with(&Backend::new(&endpoint, KEY, Locking::Both).block(Terraform::V1_11));
        Self { endpoint, workdir }
    }

    fn backend(&self, locking: Locking) -> Backend<'_> {
        Backend::new(&self.endpoint, KEY, locking)
    }

    fn left_behind(&self, id: &str, locking: Locking) -> LockRecord {
        let backend = self.backend(locking);
        let record = LockRecord { id: id.into(), ..LockRecord::of_a_dead_holder(&backend.lock_path()) };
        backend.put_lock(&record);
        record
    }

    fn run(&self, args: &[&str]) -> Finished {
        s3tate(&self.endpoint).run(&self.workdir, args)
    }
}

#[test]
fn a_lock_is_shown_and_removed_after_a_yes() {
    let scene = Scene::new();
    let record = scene.left_behind("one", Locking::Both);
    let lock_break = ["lock", "break", "one"];
    for answer in ["no\n", ""] {
        let command = s3tate(&scene.endpoint).command(&scene.workdir, &lock_break);
        let _refused = command.stdin(answer).finish().exits(2).says(&["dana@build-07", "nothing was"]);
        assert_eq!(scene.backend(Locking::Both).locks(), [record.clone(), record.clone()]);
    }
    let command = s3tate(&scene.endpoint).command(&scene.workdir, &lock_break).stdin("yes\n");
    let _removed =
        command.finish().succeeds().says(&["removed the dynamodb lock", "removed the lockfile lock"]);
    assert_eq!(scene.backend(Locking::Both).locks(), []);
}

#[test]
fn a_wrong_id_removes_nothing_and_names_what_is_there() {
    let scene = Scene::new();
    let record = scene.left_behind("one", Locking::Both);
    let _refused =
        scene.run(&["lock", "break", "-force", "other"]).exits(1).says(&["no lock with ID other", "one"]);
    assert_eq!(scene.backend(Locking::Both).locks(), [record.clone(), record]);
}

/// Check 32: the half with this ID is removed, and whoever holds the other is named.
#[test]
fn halves_of_different_holders_are_told_apart() {
    for (ours, theirs) in [(Locking::Table, Locking::Lockfile), (Locking::Lockfile, Locking::Table)] {
        let scene = Scene::new();
        scene.left_behind("one", ours);
        let other = scene.left_behind("two", theirs);
        let removed = scene.run(&["lock", "break", "-force", "one"]).succeeds();
        let _removed = removed.says(&["stays locked by another", "(two)"]);
        assert_eq!(scene.backend(Locking::Both).locks(), [other]);

        scene.left_behind("one", ours);
        let _removed = scene.run(&["force-unlock", "-force", "one"]).succeeds().says(&["lock show"]);
        assert_eq!(scene.backend(Locking::Both).locks().len(), 1);
    }
}

/// Check 26: only on explicit request, and then nothing that can be read.
#[test]
fn unreadable_locks_are_removed_by_their_option_alone() {
    let scene = Scene::new();
    let store = scene.endpoint.store();
    let other = scene.left_behind("one", Locking::Table);
    store.put(&format!("{KEY}.tflock"), "no record");
    let shown = scene.run(&["lock", "show"]).succeeds();
    let _shown = shown.says(&["Unreadable:", "no record", "lock break -unreadable"]);
    let _removed = scene.run(&["lock", "break", "-unreadable", "-force"]).succeeds();
    assert_eq!(scene.backend(Locking::Both).locks(), [other]);
    let _none = scene.run(&["lock", "break", "-unreadable", "-force"]).exits(1);
}

#[test]
fn locks_below_a_prefix_are_listed_and_broken_without_a_backend() {
    let scene = Scene::new();
    let _left = scene.left_behind("one", Locking::Lockfile);
    let url =
        format!("-state=s3://{}/?region=us-east-1&use_path_style=true", scene.endpoint.store().bucket());
    let elsewhere = Workdir::with("");
    let list = s3tate(&scene.endpoint).run(&elsewhere, &["lock", "list", "-json", &url]).succeeds();
    let line = list.json();
    assert_eq!((&line["id"], &line["kind"]), (&"one".into(), &"lockfile".into()));
    assert!(line["age_seconds"].as_i64().is_some_and(|age| age > 0), "{line}");
    let args = ["lock", "break", "-force", &url, "one"];
    let _removed = s3tate(&scene.endpoint).run(&elsewhere, &args).succeeds();
    assert_eq!(scene.backend(Locking::Both).locks(), []);
}
