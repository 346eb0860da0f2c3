//! What becomes of a state that could not be stored.

use s3tate_testkit::{Kind, LockRecord, Locking, require};

use crate::stage::{FIRST, Stage, with_greeting};

#[test]
fn a_piped_state_that_is_not_stored_is_kept_beside_those_kept_before() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.applied(FIRST);
    let stored = stage.stored();
    let push = |bytes: &[u8]| stage.s3tate.command(&workdir, &["state", "push", "-"]).stdin(bytes).finish();
    workdir.write("errored.tfstate", "of an earlier failure");

    let older = String::from_utf8_lossy(&stored).replace("\"serial\": 1", "\"serial\": 0");
    let _conflict =
        push(older.as_bytes()).exits(4).says(&["`errored.tfstate.1`", "state push errored.tfstate.1"]);
    assert_eq!(workdir.read("errored.tfstate.1").as_deref(), Some(older.as_bytes()));

    let newer = with_greeting(&stored, "kept");
    stage.backend().put_lock(&LockRecord::of_a_dead_holder(&stage.backend().lock_path()));
    let _locked = push(&newer).exits(3).says(&["`errored.tfstate.2`"]);
    assert_eq!(workdir.read("errored.tfstate.2"), Some(newer.clone()));
    assert_eq!(workdir.read("errored.tfstate").as_deref(), Some(&b"of an earlier failure"[..]));
    assert_eq!(stage.stored(), stored);

    workdir.write("next.json", &newer);
    let refused = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
    assert!(!refused.stderr_text().contains("errored.tfstate"), "the file is there still: {refused}");
}

#[cfg(unix)]
#[test]
fn kept_states_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.applied(FIRST);
    stage.backend().put_lock(&LockRecord::of_a_dead_holder(&stage.backend().lock_path()));
    let piped = with_greeting(&stage.stored(), "secret");
    let _locked = stage.s3tate.command(&workdir, &["state", "push", "-"]).stdin(piped).finish().exits(3);
    let kept = std::fs::metadata(workdir.path().join("errored.tfstate")).expect("it was kept");
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);
}
