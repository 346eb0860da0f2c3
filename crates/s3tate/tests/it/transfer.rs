//! Moves between two states of a backend.

use s3tate::lock::{LockOptions, Operation};
use s3tate::state::Target;
use s3tate::{Error, ErrorKind, Transfer, TransferOptions, Transferred, Workspace};
use s3tate_testkit::{Deed, Fault, Faults, Refusal, md5_hex};

use crate::stage::{KEY, Stage, run};

const OTHER: &str = "env:/other/p/s";

/// A state of the default workspace with two resources, and another workspace of the same backend.
struct Scene {
    stage: Stage,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new(there: Option<&[(&str, &str)]>) -> Self {
        let scene = Self { stage: Stage::new(&[]), directory: tempfile::tempdir().expect("a directory") };
        scene.put(KEY, &state("a", &[("moved", "1"), ("stays", "2")]));
        if let Some(there) = there {
            scene.put(OTHER, &state("b", there));
        }
        scene
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        put(&self.stage, key, bytes);
    }

    fn transfer(&self, source: Workspace) -> Transfer {
        let destination = self.stage.workspace("other");
        Transfer { source, from: target("t.moved"), destination, to: target("t.moved") }
    }

    fn options(&self) -> TransferOptions {
        TransferOptions { lock: LockOptions::default(), journal: self.directory.path().join("journal") }
    }

    fn run(&self) -> Result<Transferred, Error> {
        run(self.transfer(self.stage.workspace("default")).run(&self.options()))
    }

    fn abort(&self) -> Result<(), Error> {
        run(self.transfer(self.stage.workspace("default")).abort(&self.options()))
    }

    /// The source's requests go wrong by these.
    fn run_with(&self, faults: impl FnOnce(&Faults, &str)) -> Result<Transferred, Error> {
        let (front, proxy) = Faults::before(&self.stage.endpoint);
        faults(&proxy, &format!("PUT /{}/{KEY}", self.stage.endpoint.store().bucket()));
        run(self.transfer(self.stage.workspace_through(&front)).run(&self.options()))
    }

    fn names(&self, key: &str) -> Vec<String> {
        let state = self.parsed(key);
        let names = state["resources"].as_array().expect("a list").iter();
        names.map(|resource| resource["name"].as_str().expect("a name").to_owned()).collect()
    }

    fn parsed(&self, key: &str) -> serde_json::Value {
        let bytes = self.stage.endpoint.store().bytes(key);
        assert_eq!(self.stage.endpoint.store().digest(key), Some(md5_hex(&bytes)), "{key}");
        serde_json::from_slice(&bytes).expect("a state")
    }

    fn locks(&self) -> usize {
        let items = self.stage.endpoint.store().items();
        items.iter().filter(|item| item.contains_key("Info")).count()
    }

    #[track_caller]
    fn is_done(&self) {
        assert_eq!(
            (self.names(KEY), self.names(OTHER)),
            (vec!["stays".to_owned()], vec!["moved".to_owned()])
        );
        assert_eq!(self.locks(), 0);
        assert!(!self.options().journal.exists());
    }
}

fn put(stage: &Stage, key: &str, bytes: &[u8]) {
    stage.endpoint.store().put(key, bytes);
    stage.endpoint.store().put_digest(key, &md5_hex(bytes));
}

fn target(text: &str) -> Target {
    Target::parse(text).expect("an address")
}

fn state(lineage: &str, resources: &[(&str, &str)]) -> Vec<u8> {
    let resource = |(name, id): &(&str, &str)| {
        serde_json::json!({
            "mode": "managed", "type": "t", "name": name, "provider": "provider[\"p/p/p\"]",
            "instances": [{ "schema_version": 0, "attributes": { "id": id } }],
        })
    };
    let resources: Vec<_> = resources.iter().map(resource).collect();
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 5, "lineage": lineage, "outputs": {},
        "resources": resources, "check_results": null,
    });
    serde_json::to_vec_pretty(&state).expect("a document")
}

#[test]
fn a_resource_moves_and_both_serials_go_up() {
    let scene = Scene::new(Some(&[]));
    let done = scene.run().expect("moved");
    assert_eq!(done.moves, [("t.moved".to_owned(), "t.moved".to_owned())]);
    assert!(!done.resumed && !done.lock_lost);
    scene.is_done();
    let (here, there) = (scene.parsed(KEY), scene.parsed(OTHER));
    assert_eq!((&here["serial"], &there["serial"]), (&6.into(), &serde_json::Value::from(6)));
    assert_eq!((&here["lineage"], &there["lineage"]), (&"a".into(), &serde_json::Value::from("b")));
}

#[test]
fn a_state_that_is_not_there_is_made_with_a_lineage_of_its_own() {
    let scene = Scene::new(None);
    scene.run().expect("moved");
    scene.is_done();
    let there = scene.parsed(OTHER);
    assert_eq!(there["serial"], 1);
    assert!(there["lineage"].as_str().is_some_and(|lineage| lineage.len() == 36));
}

#[test]
fn a_preview_locks_and_writes_nothing() {
    let scene = Scene::new(Some(&[]));
    let before = scene.stage.endpoint.store().snapshot();
    let preview = run(scene.transfer(scene.stage.workspace("default")).preview()).expect("a preview");
    assert_eq!(preview.moves.len(), 1);
    assert_eq!(scene.stage.endpoint.store().snapshot(), before);
}

#[test]
fn what_is_in_the_way_stays_and_nothing_is_written() {
    let scene = Scene::new(Some(&[("moved", "another")]));
    let before = scene.stage.endpoint.store().snapshot();
    let error = scene.run().expect_err("it is taken");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(scene.stage.endpoint.store().snapshot(), before);
    assert!(!scene.options().journal.exists());
}

#[test]
fn what_both_hold_already_leaves_the_source() {
    let scene = Scene::new(Some(&[("moved", "1")]));
    scene.run().expect("moved");
    scene.is_done();
    assert_eq!(scene.parsed(OTHER)["serial"], 5, "it was not written again");
}

#[test]
fn a_locked_state_is_not_touched_and_the_other_is_unlocked_again() {
    for locked in ["default", "other"] {
        let scene = Scene::new(Some(&[]));
        let guard = run(scene.stage.workspace(locked).lock(Operation::StatePush, &LockOptions::default()));
        let guard = guard.expect("locked").expect("a guard");
        let error = scene.run().expect_err("it is locked");
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        assert_eq!(scene.locks(), 1);
        assert!(!scene.options().journal.exists());
        run(guard.release()).expect("released");
    }
}

#[test]
fn a_source_that_changed_meanwhile_keeps_its_change_and_the_move_is_gone_on_with() {
    let scene = Scene::new(Some(&[]));
    let (bucket, table) = (scene.stage.endpoint.store().bucket(), scene.stage.endpoint.store().table());
    let endpoint = scene.stage.endpoint.with_names(bucket, table);
    let unlocked_write = Deed::new(move || {
        let bytes = state("a", &[("moved", "1"), ("stays", "2"), ("new", "3")]);
        endpoint.store().put(KEY, bytes.clone());
        endpoint.store().put_digest(KEY, &md5_hex(&bytes));
    });
    let half = scene.run_with(|faults, put| faults.nth(Some(put), 0, Fault::Meanwhile(unlocked_write)));
    let half = half.expect_err("the source changed");
    assert_eq!(half.kind(), ErrorKind::Unknown, "{half}");
    assert_eq!(scene.names(OTHER), ["moved"]);
    assert_eq!(scene.locks(), 2, "nobody works on half a move");
    let done = scene.run().expect("gone on with");
    assert!(done.resumed);
    assert_eq!(
        (scene.names(KEY), scene.names(OTHER)),
        (vec!["new".into(), "stays".into()], vec!["moved".into()])
    );
    assert_eq!(scene.locks(), 0);
}

#[test]
fn half_a_move_is_taken_back() {
    let scene = Scene::new(Some(&[]));
    let half = scene.run_with(|faults, put| faults.since(Some(put), 0, Fault::Refuse(Refusal::Denied)));
    half.expect_err("the source can't be written");
    scene.abort().expect("taken back");
    assert_eq!((scene.names(KEY).len(), scene.names(OTHER).len(), scene.locks()), (2, 0, 0));
    assert!(!scene.options().journal.exists());
    let nothing = scene.abort().expect_err("there is nothing to take back");
    assert_eq!(nothing.kind(), ErrorKind::NotFound);
}

#[test]
fn half_a_move_that_was_changed_since_is_not_taken_back() {
    let scene = Scene::new(Some(&[]));
    let half = scene.run_with(|faults, put| faults.since(Some(put), 0, Fault::Refuse(Refusal::Denied)));
    half.expect_err("the source can't be written");
    scene.put(OTHER, &state("b", &[("moved", "changed")]));
    for refused in [scene.abort().map(|()| None), scene.run().map(Some)] {
        let error = refused.expect_err("they differ");
        assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Invalid), "{error}");
    }
    assert_eq!((scene.names(KEY).len(), scene.names(OTHER).len()), (2, 1));
    assert_eq!(scene.locks(), 0, "what can't be gone on with is for people to look at");
}

#[test]
fn a_journal_is_of_one_move() {
    let scene = Scene::new(Some(&[]));
    let half = scene.run_with(|faults, put| faults.since(Some(put), 0, Fault::Refuse(Refusal::Denied)));
    half.expect_err("the source can't be written");
    let other = Transfer { to: target("t.elsewhere"), ..scene.transfer(scene.stage.workspace("default")) };
    let error = run(other.run(&scene.options())).expect_err("another move's journal");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let directory = scene.directory.path();
    let same = scene.transfer(scene.stage.workspace("default"));
    assert_ne!(other.journal_in(directory), same.journal_in(directory));
    assert_eq!(same.journal_in(directory), same.clone().journal_in(directory));
    scene.run().expect("gone on with");
    scene.is_done();
}
