//! Futures and guards that are dropped halfway: what has begun comes to its end, and no lock stays.

use s3tate::ErrorKind;
use s3tate::lock::{LockOptions, Operation};
use s3tate_testkit::{Gate, Spoil};

use crate::stage::{KEY, Stage, run, state};

const BOTH: [&str; 1] = ["use_lockfile=true"];

/// Polls a future until the gate holds one of its requests, then drops it.
async fn dropped_at_the_gate(gate: &Gate, future: impl Future) {
    let held = async {
        while !gate.is_holding() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = future => panic!("it came to its end before it was dropped"),
        () = held => {}
    }
}

#[test]
fn a_dropped_guard_is_released_and_noted() {
    let stage = Stage::new(&BOTH);
    let workspace = stage.workspace("default");
    run(async {
        let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
        let keeper = workspace.backend().keeper();
        assert_eq!(keeper.held().iter().map(|lock| lock.places.len()).collect::<Vec<_>>(), [2]);
        let id = guard.info().id.clone();
        drop(guard);
        keeper.settled().await;
        let notes = keeper.take_notes();
        assert_eq!((notes.len(), &notes[0].lock.id), (1, &id));
        assert!(notes[0].failure.is_none(), "{notes:?}");
        assert_eq!(keeper.held(), []);
    });
    assert_eq!(stage.endpoint.store().items(), []);
    assert!(stage.endpoint.store().keys().is_empty());
}

#[test]
fn a_guard_dropped_without_a_runtime_is_noted() {
    let stage = Stage::new(&[]);
    let workspace = stage.workspace("default");
    let guard = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap().unwrap();
    drop(guard);
    let notes = workspace.backend().keeper().take_notes();
    assert!(notes[0].failure.is_some(), "{notes:?}");
}

#[test]
fn a_release_in_the_background_that_fails_is_noted() {
    let stage = Stage::new(&["max_retries=1"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    let workspace = stage.workspace_through(&behind);
    run(async {
        let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
        gate.spoil("DeleteItem", Spoil::Refuse(400, "AccessDeniedException"), 1);
        drop(guard);
        workspace.backend().keeper().settled().await;
        let notes = workspace.backend().keeper().take_notes();
        let failure = notes[0].failure.as_ref().expect("it failed");
        assert_eq!(failure.kind(), ErrorKind::Denied);
        assert!(failure.facts().any(|(label, _)| label.contains("locked")), "{failure:?}");
    });
    assert_eq!(stage.endpoint.store().items().len(), 1);
}

#[test]
fn a_dropped_acquisition_is_given_back() {
    for (request, options) in [("PutItem".to_owned(), &BOTH[..0]), (format!("PUT /{{}}/{KEY}.tflock"), &BOTH)]
    {
        let stage = Stage::new(options);
        let request = request.replace("{}", stage.endpoint.store().bucket());
        let (behind, gate) = Gate::before(&stage.endpoint);
        let workspace = stage.workspace_through(&behind);
        run(async {
            gate.spoil(&request, Spoil::Hold, 1);
            let options = LockOptions::default();
            dropped_at_the_gate(&gate, workspace.lock(Operation::StatePush, &options)).await;
            let keeper = workspace.backend().keeper();
            assert_eq!(keeper.held().len(), 1, "it may be held, so it is known");
            gate.open();
            keeper.settled().await;
            assert!(keeper.take_notes().iter().all(|note| note.failure.is_none()));
        });
        assert_eq!(stage.endpoint.store().items(), []);
        assert!(stage.endpoint.store().keys().is_empty());
    }
}

#[test]
fn a_dropped_push_comes_to_its_end() {
    for options in [&BOTH[..0], &BOTH] {
        let stage = Stage::new(options);
        let (behind, gate) = Gate::before(&stage.endpoint);
        let workspace = stage.workspace_through(&behind);
        let source = state(1, "l", "pushed");
        run(async {
            gate.spoil(&format!("PUT /{}/{KEY}", stage.endpoint.store().bucket()), Spoil::Hold, 1);
            let options = s3tate::PushOptions::default();
            dropped_at_the_gate(&gate, workspace.push(&source, &options)).await;
            assert_eq!(workspace.backend().keeper().writing(), [workspace.url()]);
            gate.open();
            workspace.backend().keeper().settled().await;
        });
        let store = stage.endpoint.store();
        assert!(String::from_utf8_lossy(&store.bytes(KEY)).contains("pushed"));
        assert_eq!(store.digest(KEY), Some(s3tate_testkit::md5_hex(&store.bytes(KEY))));
        assert_eq!(store.item(&stage.lock_path()), None);
        assert_eq!(store.get(&format!("{KEY}.tflock")), None);
    }
}

#[test]
fn after_a_stop_nothing_begins() {
    let stage = Stage::new(&BOTH);
    let workspace = stage.workspace("default");
    run(async {
        let (guard, snapshot) =
            workspace.lock_and_read(Operation::StatePush, &LockOptions::default()).await.unwrap();
        assert!(!workspace.backend().keeper().stop(), "a lock is held");
        let written = workspace.write_and_release(&snapshot, state(1, "l", "late"), guard).await;
        assert_eq!(written.unwrap_err().kind(), ErrorKind::Interrupted);
        let lock = workspace.lock(Operation::StatePush, &LockOptions::default()).await;
        assert_eq!(lock.unwrap_err().kind(), ErrorKind::Interrupted);
        workspace.backend().keeper().settled().await;
        assert!(workspace.backend().keeper().stop(), "nothing is held any more");
    });
    assert!(stage.endpoint.store().keys().is_empty());
    assert_eq!(stage.endpoint.store().items(), []);
}
