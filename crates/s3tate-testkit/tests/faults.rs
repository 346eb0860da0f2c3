//! Each fault does what it says, seen from both ends.

use std::time::Duration;

use s3tate_testkit::{Deed, Endpoint, Fault, Faults, Kind, Recorder, Refusal, Stall};

const LIMIT: Duration = Duration::from_mins(1);

/// A store behind faults, with a record of what reaches it.
struct Scene {
    endpoint: Endpoint,
    behind: Recorder,
    front: Endpoint,
    faults: Faults,
}

impl Scene {
    fn new() -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let (recorded, behind) = endpoint.recorded();
        let (front, faults) = Faults::before(&recorded);
        Self { endpoint, behind, front, faults }
    }

    /// Whether a put succeeds, how often it was asked for, how often that reached the endpoint, and what is stored.
    fn put(&self, fault: Fault) -> (bool, usize, usize, Option<Vec<u8>>) {
        self.faults.nth(Some(&format!("PUT /{}/key", self.front.store().bucket())), 0, fault);
        let sent = self.front.store().try_put("key", "a body").is_ok();
        let (asked, reached) = (self.faults.recorder().take().len(), self.behind.take().len());
        (sent, asked, reached, self.endpoint.store().get("key").map(|object| object.bytes))
    }
}

const BODY: &[u8] = b"a body";

#[test]
fn a_refusal_has_no_effect_unless_it_comes_after_it() {
    for refusal in [Refusal::Denied, Refusal::Precondition] {
        assert_eq!(Scene::new().put(Fault::Refuse(refusal)), (false, 1, 0, None));
        assert_eq!(Scene::new().put(Fault::RefuseAfter(refusal)), (false, 1, 1, Some(BODY.to_vec())));
    }
    let scene = Scene::new();
    scene.faults.since(None, 1, Fault::Refuse(Refusal::Denied));
    assert!(scene.front.store().try_put("first", "").is_ok());
    assert!(scene.front.store().try_put("second", "").is_err());
    assert!(scene.front.store().try_put("third", "").is_err());
    scene.faults.clear();
    assert!(scene.front.store().try_put("fourth", "").is_ok());
}

#[test]
fn a_cut_connection_is_tried_again() {
    assert_eq!(Scene::new().put(Fault::CutBefore), (true, 2, 1, Some(BODY.to_vec())));
    assert_eq!(Scene::new().put(Fault::CutAfter), (true, 2, 2, Some(BODY.to_vec())));
    assert_eq!(Scene::new().put(Fault::ShortRequest), (true, 2, 1, Some(BODY.to_vec())));
    assert_eq!(Scene::new().put(Fault::Twice), (true, 1, 2, Some(BODY.to_vec())));
}

#[test]
fn a_table_refuses_in_its_own_words() {
    let scene = Scene::new();
    scene.faults.nth(Some("PutItem"), 0, Fault::Refuse(Refusal::Precondition));
    let item = [("LockID".to_owned(), "x".to_owned())].into();
    let refused = scene.front.store().try_put_item(&item).expect_err("it is refused");
    assert!(format!("{refused:?}").starts_with("ConditionalCheckFailedException"), "{refused:?}");
    assert_eq!(scene.endpoint.store().item("x"), None);
}

#[test]
fn something_happens_meanwhile() {
    let scene = Scene::new();
    let store = scene.endpoint.store().clone();
    let put = scene.put(Fault::Meanwhile(Deed::new(move || store.put("other", "there"))));
    assert_eq!(put, (true, 1, 1, Some(BODY.to_vec())));
    assert_eq!(scene.endpoint.store().bytes("other"), b"there");
}

#[test]
fn a_stalled_request_has_its_effect_only_when_it_should() {
    for (before, stored) in [(true, None), (false, Some(BODY.to_vec()))] {
        let scene = Scene::new();
        let stall = Stall::default();
        let fault = if before { Fault::StallBefore(stall.clone()) } else { Fault::StallAfter(stall.clone()) };
        std::thread::scope(|scope| {
            let put = scope.spawn(|| scene.put(fault));
            assert!(stall.is_reached_within(LIMIT));
            assert_eq!(scene.endpoint.store().get("key").map(|object| object.bytes), stored);
            stall.open();
            assert!(put.join().expect("it ends").0);
        });
    }
}
