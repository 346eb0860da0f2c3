//! Objects that are no plain states, or not there at all.

use s3tate::lock::{LockOptions, Operation};
use s3tate::{Copied, ErrorKind, PushOptions, Pushed};
use s3tate_testkit::{Gate, Spoil, md5_hex};

use crate::stage::{KEY, Stage, run, state};

const ENCRYPTED: &str =
    r#"{"serial":3,"lineage":"l","meta":{"key":"x"},"encrypted_data":"AAAA","encryption_version":"v0"}"#;

/// Check 6: what is no state is an error, and nothing is written over it unasked.
#[test]
fn what_is_no_state_is_told_and_left_alone() {
    for bytes in ["no state", "{}", r#"{"version":4"#] {
        let stage = Stage::new(&[]);
        stage.endpoint.store().put(KEY, bytes);
        let (workspace, before) = (stage.workspace("default"), stage.endpoint.store().snapshot());
        assert_eq!(run(workspace.outputs()).expect_err("no state").kind(), ErrorKind::Corrupt, "{bytes}");
        assert_eq!(
            run(workspace.instances(None)).expect_err("no state").kind(),
            ErrorKind::Corrupt,
            "{bytes}"
        );
        let pushed = run(workspace.push(&state(9, "l", "a"), &PushOptions::default()));
        assert_eq!(pushed.expect_err("not forced").kind(), ErrorKind::Corrupt, "{bytes}");
        assert_eq!(stage.endpoint.store().snapshot(), before, "{bytes}");
    }
}

/// Check 7: a state that OpenTofu encrypted is locked and copied byte for byte.
#[test]
fn encrypted_states_are_kept_as_they_are() {
    let stage = Stage::new(&["use_lockfile=true"]);
    stage.endpoint.store().put(KEY, ENCRYPTED);
    stage.endpoint.store().put_digest(KEY, &md5_hex(ENCRYPTED.as_bytes()));
    let (from, to) = (stage.workspace("default"), stage.workspace("dev"));
    run(async {
        let guard = from.lock(Operation::StatePush, &LockOptions::default()).await.expect("locked");
        guard.expect("a guard").release().await.expect("released");
    });
    assert_eq!(run(from.copy_to(&to, false, &LockOptions::default())).expect("copied"), Copied::Written);
    for key in [KEY, to.key().as_str()] {
        assert_eq!(stage.endpoint.store().bytes(key), ENCRYPTED.as_bytes());
        assert_eq!(stage.endpoint.store().digest(key), Some(md5_hex(ENCRYPTED.as_bytes())));
    }
    let refused = run(from.outputs()).expect_err("it can't be read");
    assert!(std::error::Error::source(&refused).is_some_and(|cause| cause.to_string().contains("encrypted")));
}

/// Check 55: where nothing is stored, a push keeps its lineage; the serial goes up as everywhere.
#[test]
fn a_first_push_keeps_its_lineage() {
    let stage = Stage::new(&[]);
    let pushed = run(stage.workspace("default").push(&state(7, "mine", "a"), &PushOptions::default()));
    let Pushed::Written { serial, lineage, .. } = pushed.expect("pushed") else {
        panic!("nothing was there")
    };
    assert_eq!((serial, lineage.as_str()), (8, "mine"));
    assert_eq!(stage.endpoint.store().bytes(KEY), state(8, "mine", "a"));
}

/// Check 53, forced: even then a push replaces only what it has read.
#[test]
fn a_forced_push_replaces_only_what_it_has_read() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    let (behind, gate) = Gate::before(&stage.endpoint);
    gate.spoil(&format!("PUT /{}/{KEY}", stage.endpoint.store().bucket()), Spoil::Hold, 1);
    let workspace = stage.workspace_through(&behind);
    let pushing = std::thread::spawn(move || {
        let options = PushOptions { force: true, ..PushOptions::default() };
        run(workspace.push(&state(5, "other", "b"), &options))
    });
    gate.wait();
    stage.endpoint.store().put(KEY, state(2, "l", "by somebody without a lock"));
    gate.open();
    let refused = pushing.join().expect("it ends").expect_err("something else is stored");
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(stage.endpoint.store().bytes(KEY), state(2, "l", "by somebody without a lock"));
}

/// Check 10: a digest that becomes right while it is read again ends the wait.
#[test]
fn a_digest_that_comes_late_is_waited_for() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(2, "l", "a"));
    stage.endpoint.store().put_digest(KEY, &md5_hex(b"the one before"));
    let (behind, gate) = Gate::before(&stage.endpoint);
    gate.spoil("GetItem", Spoil::Pass, 1);
    gate.spoil("GetItem", Spoil::Hold, 1);
    let backend = stage.backend_with(&behind, &[("S3TATE_DIGEST_TIMEOUT", "30s")]);
    let workspace = backend.workspace(s3tate::WorkspaceName::default_name());
    let reading = std::thread::spawn(move || run(workspace.read()));
    gate.wait();
    stage.endpoint.store().put_digest(KEY, &md5_hex(&state(2, "l", "a")));
    gate.open();
    let read = reading.join().expect("it ends").expect("the digest is right by now");
    assert_eq!(read.bytes.as_deref(), Some(&*state(2, "l", "a")));
}

#[test]
fn a_refusal_may_stand_for_a_state_that_is_not_there() {
    let stage = Stage::new(&["max_retries=1"]);
    let (behind, gate) = Gate::before(&stage.endpoint);
    gate.spoil(
        &format!("GET /{}/{KEY}", stage.endpoint.store().bucket()),
        Spoil::Refuse(403, "AccessDenied"),
        2,
    );
    let workspace = stage.workspace_through(&behind);
    for error in [run(workspace.read()).map(drop), run(workspace.outputs()).map(drop)].map(Result::unwrap_err)
    {
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.facts().any(|(_, fact)| fact.contains("s3:ListBucket")), "{error:?}");
    }
    assert!(run(workspace.read()).expect("it is allowed").bytes.is_none(), "absent, and known to be");
}
