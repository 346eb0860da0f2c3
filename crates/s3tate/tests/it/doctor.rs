//! The repair: bound to what was seen, with a copy kept first.

use s3tate::doctor::Examination;
use s3tate::lock::LockOptions;
use s3tate::{Error, ErrorKind, PushOptions, Workspace};
use s3tate_testkit::md5_hex;

use crate::stage::{KEY, Stage, run, state};

/// A write that stopped before its digest.
fn stopped() -> (Stage, Workspace) {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    for (serial, value) in [(1, "a"), (3, "b")] {
        run(workspace.push(&state(serial, "l", value), &PushOptions::default())).expect("it is pushed");
    }
    put_digest(&stage, &state(2, "l", "a"));
    (stage, workspace)
}

fn put_digest(stage: &Stage, bytes: &[u8]) {
    let id = format!("{}-md5", stage.lock_path());
    let item = [("LockID".to_owned(), id), ("Digest".to_owned(), md5_hex(bytes))];
    stage.endpoint.store().put_item(&item.into());
}

/// What changed between looking and repairing is not overwritten.
#[test]
fn a_state_that_moved_since_it_was_looked_at_is_not_fixed() {
    for other in ["object", "digest"] {
        let (stage, workspace) = stopped();
        let mut diagnosis = run(workspace.examine(&Examination::default())).unwrap();
        assert!(diagnosis.is_fixable());
        if other == "object" {
            stage.endpoint.store().put(KEY, state(5, "l", "c"));
        } else {
            put_digest(&stage, b"another");
        }
        let before = stage.endpoint.store().snapshot();
        let keep = |_: &_| panic!("nothing is about to be changed");
        let error = run(workspace.fix(&mut diagnosis, &LockOptions::default(), keep)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{other}");
        assert_eq!(stage.endpoint.store().snapshot(), before, "{other}, and the lock is free");
    }
}

#[test]
fn without_a_copy_nothing_is_fixed() {
    let (stage, workspace) = stopped();
    let before = stage.endpoint.store().snapshot();
    let mut diagnosis = run(workspace.examine(&Examination { probe: false })).unwrap();
    let full = |_: &_| Err(Error::new(ErrorKind::Unavailable, "no space"));
    run(workspace.fix(&mut diagnosis, &LockOptions::default(), full)).unwrap_err();
    assert_eq!(stage.endpoint.store().snapshot(), before, "and the lock is free");
    assert!(!diagnosis.is_healthy());
}

/// The copy is of what is about to change, and the lock is held even where it is switched off.
#[test]
fn the_digest_is_recorded_under_lock() {
    let (stage, workspace) = stopped();
    let mut diagnosis = run(workspace.examine(&Examination::default())).unwrap();
    let options = LockOptions { lock: false, ..LockOptions::default() };
    let (proof, recorder) = stage.endpoint.recorded();
    let through = stage.backend_through(&proof).workspace(workspace.name().clone());
    let fixed = run(through.fix(&mut diagnosis, &options, |kept| {
        assert_eq!(kept.object, state(4, "l", "b"));
        assert!(kept.item.contains(&md5_hex(&state(2, "l", "a"))), "{}", kept.item);
        Ok(vec!["here".to_owned()])
    }));
    assert!(fixed.unwrap() && diagnosis.is_healthy());
    let asked: Vec<_> = recorder.take().into_iter().filter_map(|request| request.operation).collect();
    assert_eq!(asked, ["PutItem", "GetItem", "PutItem", "DeleteItem"]);
    assert_eq!(stage.endpoint.store().digest(KEY), Some(md5_hex(&state(4, "l", "b"))));
}
