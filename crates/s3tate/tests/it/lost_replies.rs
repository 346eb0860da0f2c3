//! Requests of locks whose replies are lost, refused by chance, or throttled: what is stored decides.

use s3tate::lock::{LockGuard, LockKind, LockOptions, Operation};
use s3tate::{Error, ErrorKind, Workspace};
use s3tate_testkit::{Endpoint, Gate, Spoil};

use crate::stage::{KEY, Stage, run};

/// A stage whose workspace is reached through a gate, and the names of the requests that lock and unlock there.
struct Scene {
    stage: Stage,
    gate: Gate,
    behind: Endpoint,
    kind: LockKind,
}

impl Scene {
    fn new(kind: LockKind) -> Self {
        let stage = match kind {
            LockKind::DynamoDb | LockKind::File | LockKind::Http => Stage::new(&["max_retries=2"]),
            LockKind::LockFile => Stage::new(&["use_lockfile=true", "dynamodb_table=", "max_retries=2"]),
        };
        let (behind, gate) = Gate::before(&stage.endpoint);
        Self { stage, gate, behind, kind }
    }

    /// One for each kind of lock.
    fn each() -> [Self; 2] {
        [Self::new(LockKind::DynamoDb), Self::new(LockKind::LockFile)]
    }

    fn workspace(&self) -> Workspace {
        self.stage.workspace_through(&self.behind)
    }

    fn name(&self, item: &str, method: &str) -> String {
        match self.kind {
            LockKind::DynamoDb | LockKind::File | LockKind::Http => item.to_owned(),
            LockKind::LockFile => format!("{method} /{}/{KEY}.tflock", self.stage.endpoint.store().bucket()),
        }
    }

    fn acquires(&self) -> String {
        self.name("PutItem", "PUT")
    }

    fn looks_up(&self) -> String {
        self.name("GetItem", "GET")
    }

    fn removes(&self) -> String {
        self.name("DeleteItem", "DELETE")
    }

    fn is_free(&self) -> bool {
        let store = self.stage.endpoint.store();
        store.item(&self.stage.lock_path()).is_none() && store.get(&format!("{KEY}.tflock")).is_none()
    }

    fn lock(&self) -> Result<LockGuard, Error> {
        run(async {
            let lock = self.workspace().lock(Operation::StatePush, &LockOptions::default()).await;
            lock.map(|guard| guard.expect("a lock is configured"))
        })
    }
}

/// How often the SDK sends a request here.
const ALL_ATTEMPTS: usize = 2;

/// Check 25: a lock whose reply was lost is ours.
#[test]
fn a_lock_whose_reply_was_lost_is_ours() {
    for times in [1, ALL_ATTEMPTS] {
        for scene in Scene::each() {
            scene.gate.spoil(&scene.acquires(), Spoil::LoseReply, times);
            let guard = scene.lock().unwrap();
            assert_eq!(run(guard.lost()).unwrap(), []);
            run(guard.release()).unwrap();
            assert!(scene.is_free());
        }
    }
}

#[test]
fn a_lock_that_may_be_held_is_named_with_its_id() {
    for scene in Scene::each() {
        scene.gate.spoil(&scene.acquires(), Spoil::LoseReply, ALL_ATTEMPTS);
        if scene.kind == LockKind::LockFile {
            // The store is looked at before it is trusted.
            run(async { scene.gate.spoil(&scene.looks_up(), Spoil::Pass, 1) });
        }
        scene.gate.spoil(&scene.looks_up(), Spoil::Refuse(403, "AccessDenied"), 9);
        let error = scene.lock().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown, "{error:?}");
        let (_, id) = error.facts().find(|(label, _)| *label == "lock id").expect("the id is named");
        assert!(error.hint_text().unwrap().contains(&format!("force-unlock -force {id}")));
        assert!(!scene.is_free());
        run(scene.stage.workspace("default").force_unlock(id)).unwrap();
        assert!(scene.is_free());
    }
}

#[test]
fn a_lock_request_that_had_no_effect_leaves_nothing() {
    for scene in Scene::each() {
        scene.gate.spoil(&scene.acquires(), Spoil::Refuse(500, "InternalError"), ALL_ATTEMPTS);
        assert_eq!(scene.lock().unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(scene.is_free());
    }
}

#[test]
fn a_release_whose_reply_was_lost_is_a_release() {
    for times in [1, ALL_ATTEMPTS] {
        for scene in Scene::each() {
            let guard = scene.lock().unwrap();
            scene.gate.spoil(&scene.removes(), Spoil::LoseReply, times);
            let released = run(guard.release()).unwrap();
            assert_eq!((released.removed, released.missing), (vec![scene.kind], vec![]));
            assert!(scene.is_free());
        }
    }
}

#[test]
fn a_release_that_failed_says_that_the_lock_is_still_there() {
    for scene in Scene::each() {
        let guard = scene.lock().unwrap();
        scene.gate.spoil(&scene.removes(), Spoil::Refuse(500, "InternalError"), ALL_ATTEMPTS);
        let id = guard.info().id.clone();
        let error = run(guard.release()).unwrap_err();
        assert!(error.facts().any(|(label, _)| label == "still locked"), "{error:?}");
        assert!(error.hint_text().unwrap().contains(&id), "{error:?}");
        assert!(!scene.is_free());
    }
}

#[test]
fn a_release_that_cannot_be_settled_says_so() {
    for scene in Scene::each() {
        let guard = scene.lock().unwrap();
        scene.gate.spoil(&scene.removes(), Spoil::LoseReply, ALL_ATTEMPTS);
        scene.gate.spoil(&scene.looks_up(), Spoil::Refuse(403, "AccessDenied"), 9);
        let error = run(guard.release()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert!(error.facts().any(|(label, _)| label == "may be locked"), "{error:?}");
    }
}

/// Check 24: the lock that somebody took meanwhile survives our release.
#[test]
fn a_release_leaves_the_lock_of_whoever_took_it_meanwhile() {
    for scene in Scene::each() {
        let guard = scene.lock().unwrap();
        let id = guard.info().id.clone();
        let other = scene.stage.workspace("default");
        run(other.force_unlock(&id)).unwrap();
        let theirs = run(other.lock(Operation::StatePush, &LockOptions::default())).unwrap().unwrap();
        assert_eq!(run(guard.lost()).unwrap(), [scene.kind]);
        let released = run(guard.release()).unwrap();
        assert_eq!((released.removed, released.missing), (vec![], vec![scene.kind]));
        assert_eq!(run(theirs.lost()).unwrap(), []);
        run(theirs.release()).unwrap();
    }
}

/// Check 29: a refusal whose holder has gone is tried again.
#[test]
fn a_holder_that_vanished_before_the_look_up_is_no_refusal() {
    let scene = Scene::new(LockKind::LockFile);
    scene.gate.spoil(&scene.acquires(), Spoil::Refuse(412, "PreconditionFailed"), 2);
    run(scene.lock().unwrap().release()).unwrap();
    let scene = Scene::new(LockKind::DynamoDb);
    scene.gate.spoil("PutItem", Spoil::Refuse(400, "ConditionalCheckFailedException"), 2);
    run(scene.lock().unwrap().release()).unwrap();
    assert!(scene.is_free());
}

/// Check 30: a conflict (409) is tried again.
#[test]
fn a_conflict_with_another_writer_is_tried_again() {
    let scene = Scene::new(LockKind::LockFile);
    scene.gate.spoil(&scene.acquires(), Spoil::Refuse(409, "ConditionalRequestConflict"), 3);
    run(scene.lock().unwrap().release()).unwrap();
    assert!(scene.is_free());
}

/// Check 30: but not for ever.
#[test]
fn a_conflict_without_end_is_reported() {
    let scene = Scene::new(LockKind::LockFile);
    scene.gate.spoil(&scene.acquires(), Spoil::Refuse(409, "ConditionalRequestConflict"), 1000);
    assert_eq!(scene.lock().unwrap_err().kind(), ErrorKind::Locked);
    assert!(scene.is_free());
}

/// Check 62: throttled requests are repeated, and no lock is lost.
#[test]
fn throttling_loses_no_lock() {
    for scene in Scene::each() {
        let slow = match scene.kind {
            LockKind::DynamoDb | LockKind::File | LockKind::Http => {
                Spoil::Refuse(400, "ProvisionedThroughputExceededException")
            }
            LockKind::LockFile => Spoil::Refuse(503, "SlowDown"),
        };
        scene.gate.spoil(&scene.acquires(), slow, ALL_ATTEMPTS - 1);
        let guard = scene.lock().unwrap();
        scene.gate.spoil(&scene.removes(), slow, ALL_ATTEMPTS - 1);
        let released = run(guard.release()).unwrap();
        assert_eq!(released.removed, [scene.kind]);
        assert!(scene.is_free());
    }
}

#[test]
fn a_store_without_conditional_deletes_is_compared_before_the_delete() {
    let scene = Scene::new(LockKind::LockFile);
    let guard = scene.lock().unwrap();
    scene.gate.spoil(&scene.removes(), Spoil::Refuse(501, "NotImplemented"), 1);
    assert_eq!(run(guard.release()).unwrap().removed, [LockKind::LockFile]);
    assert!(scene.is_free());

    let guard = scene.lock().unwrap();
    scene.stage.endpoint.store().put(&format!("{KEY}.tflock"), "somebody else's");
    scene.gate.spoil(&scene.removes(), Spoil::Refuse(501, "NotImplemented"), 9);
    assert_eq!(run(guard.release()).unwrap().missing, [LockKind::LockFile]);
    assert!(!scene.is_free());
}

/// Check 31: where even giving back fails, the message says what is left.
#[test]
fn half_a_lock_that_cannot_be_given_back_is_named() {
    let stage = Stage::new(&["use_lockfile=true"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let object = format!("/{}/{KEY}.tflock", stage.endpoint.store().bucket());
    gate.spoil("PutItem", Spoil::Refuse(400, "AccessDeniedException"), 1);
    gate.spoil(&format!("DELETE {object}"), Spoil::Refuse(403, "AccessDenied"), 1);
    let workspace = stage.workspace_through(&behind);
    let error = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    let facts: Vec<_> = error.facts().collect();
    assert!(
        facts.iter().any(|(label, fact)| *label == "left behind" && fact.contains(".tflock")),
        "{facts:?}"
    );
    let record = stage.endpoint.store().bytes(&format!("{KEY}.tflock"));
    let id = s3tate_testkit::LockRecord::parse(&record).id;
    assert!(error.hint_text().unwrap().contains(&id), "the hint names the id: {error:?}");
}

/// Check 32: a half that can't be looked at doesn't keep the other from being removed.
#[test]
fn one_half_is_unlocked_where_the_other_cannot_be_looked_at() {
    let stage = Stage::new(&["use_lockfile=true"]);
    let guard =
        run(stage.workspace("default").lock(Operation::StatePush, &LockOptions::default())).unwrap().unwrap();
    let id = guard.info().id.clone();
    std::mem::forget(guard);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let object = format!("GET /{}/{KEY}.tflock", stage.endpoint.store().bucket());
    gate.spoil(&object, Spoil::Refuse(403, "AccessDenied"), 1);
    let error = run(stage.workspace_through(&behind).force_unlock(&id)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.facts().any(|(label, fact)| label == "removed" && fact.contains("dynamodb")), "{error:?}");
    assert_eq!(stage.endpoint.store().items(), []);
    run(stage.workspace("default").force_unlock(&id)).unwrap();
    assert!(stage.endpoint.store().keys().is_empty());
}
