//! `lock run`: stock and s3tate stand before a lock that a command runs under, and the other way round.

use std::time::Duration;

use s3tate_testkit::{Endpoint, Gate, Hold, Kind, Locking, Running, Spoil, Workdir, wait_for};

use crate::stage::{FIRST, KEY, SECOND, Stage, everywhere, s3tate, with_greeting};

everywhere!(
    stock_meets_a_lock_that_s3tate_holds,
    s3tate_meets_a_lock_that_stock_holds,
    stock_breaks_the_lock_that_s3tate_holds,
);

const LIMIT: Duration = Duration::from_mins(1);

/// Holds the lock until its standard input is closed.
fn hold(stage: &Stage, workdir: &Workdir) -> Running {
    let mut running = stage.s3tate.command(workdir, &["lock", "run", "--", "cat"]).start();
    wait_for("s3tate to hold the lock", LIMIT, || {
        assert!(!running.has_ended(), "it ended: {}", running.stderr_so_far());
        stage.backend().is_locked().then_some(())
    });
    running
}

/// Check 18: stock shows the holder that s3tate is.
/// Check 28: and stops before its lock object.
fn stock_meets_a_lock_that_s3tate_holds(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let running = hold(stage, &workdir);
    let record = stage.backend().locks().pop().expect("the lock is held");
    let stopped = stage.stock.run(&workdir, &["plan"]).exits(1);
    let _stopped = stopped.says(&[
        "Lock Info:",
        &format!("ID: {}", record.id),
        &format!("Path: {}", record.path),
        "Operation: lock-run",
        &format!("Who: {}", record.who),
    ]);
    workdir.write("next.json", with_greeting(&stage.stored(), "too early"));
    let stopped = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
    let _stopped = stopped.says(&[&record.id, "lock-run"]);
    let _ended = running.finish().succeeds();
    stage.is_sound("default");
    let _free = stage.stock.run(&workdir, &["plan"]).succeeds();
}

/// Check 19: s3tate shows the holder that stock is.
/// Check 28: and stops before its lock object.
fn s3tate_meets_a_lock_that_stock_holds(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    workdir.write("main.tf", stage.configuration(SECOND));
    let hold = Hold::apply(&stage.stock, &workdir, &stage.backend());
    let stopped = stage.s3tate.run(&workdir, &["lock", "run", "--", "touch", "ran"]).exits(3);
    let record = hold.record();
    let _stopped = stopped.says(&[&record.id, &record.who, &record.operation, &record.created]);
    assert!(!workdir.path().join("ran").exists(), "the command ran without the lock");
    let _applied = hold.approve().succeeds();
    let _ran = stage.s3tate.run(&workdir, &["lock", "run", "--", "touch", "ran"]).succeeds();
    assert!(workdir.path().join("ran").exists());
    stage.is_sound("default");
}

/// Check 22: stock breaks the lock that s3tate holds.
/// Check 24: the lock that somebody took meanwhile survives.
fn stock_breaks_the_lock_that_s3tate_holds(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let running = hold(stage, &workdir);
    let record = stage.backend().locks().pop().expect("the lock is held");
    let _broken = stage.stock.run(&workdir, &["force-unlock", "-force", &record.id]).succeeds();
    let theirs = s3tate_testkit::LockRecord::of_a_dead_holder(&stage.backend().lock_path());
    stage.backend().put_lock(&theirs);
    let ended = running.finish().exits(4);
    let _ended = ended.says(&["was taken away while the command ran", &record.id]);
    let left = stage.backend().locks();
    assert!(!left.is_empty() && left.iter().all(|lock| *lock == theirs), "{left:?}");
}

/// An endpoint alone, and a directory whose state is locked in both ways.
fn alone() -> (Endpoint, Workdir) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let backend = s3tate_testkit::Backend::new(&endpoint, KEY, Locking::Both);
    let workdir = Workdir::with(&backend.block(s3tate_testkit::tools::Terraform::V1_11));
    (endpoint, workdir)
}

fn is_unlocked(endpoint: &Endpoint) {
    assert_eq!((endpoint.store().items(), endpoint.store().keys()), (Vec::new(), Vec::new()));
}

#[test]
fn exit_code_and_lock_id_are_passed_on() {
    let (endpoint, workdir) = alone();
    let client = s3tate(&endpoint);
    let script = "[ -n \"$S3TATE_LOCK_ID\" ] && exit 7";
    let _ended = client.run(&workdir, &["lock", "run", "--", "sh", "-c", script]).exits(7);
    is_unlocked(&endpoint);
    let _ended = client.run(&workdir, &["lock", "run", "--", "sh", "-c", "kill -KILL $$"]).exits(137);
    is_unlocked(&endpoint);
    let refused = client.run(&workdir, &["lock", "run", "--", "no-such-command"]).exits(2);
    let _refused = refused.says(&["can't run `no-such-command`", "released"]);
    is_unlocked(&endpoint);
    let _refused = client.run(&workdir, &["lock", "run"]).exits(2);
}

#[test]
fn without_a_lock_the_command_does_not_run() {
    let (endpoint, _) = alone();
    let backend = s3tate_testkit::Backend::new(&endpoint, KEY, Locking::Off);
    let workdir = Workdir::with(&backend.block(s3tate_testkit::tools::Terraform::V1_11));
    let refused = s3tate(&endpoint).run(&workdir, &["lock", "run", "--", "touch", "ran"]).exits(2);
    let _refused = refused.says(&["nothing locks", "dynamodb_table", "was not run"]);
    assert!(!workdir.path().join("ran").exists());
}

#[test]
fn signals_go_to_the_command_and_the_lock_is_released_after_it() {
    for (signal, code) in [("INT", 8), ("TERM", 9)] {
        let (endpoint, workdir) = alone();
        // It is still busy for a while after the signal, with the lock held.
        let script = "trap 'touch told; while [ ! -e go ]; do sleep 0.01; done; exit 8' INT
                      trap 'touch told; while [ ! -e go ]; do sleep 0.01; done; exit 9' TERM
                      touch up; while :; do sleep 0.01; done";
        let running = s3tate(&endpoint).command(&workdir, &["lock", "run", "--", "sh", "-c", script]).start();
        let there = |name: &str| wait_for(name, LIMIT, || workdir.path().join(name).exists().then_some(()));
        there("up");
        running.signal(signal);
        there("told");
        assert_eq!(endpoint.store().items().len(), 1, "the lock is held while the command runs");
        workdir.write("go", "");
        let _ended = running.finish().exits(code);
        is_unlocked(&endpoint);
    }
}

#[test]
fn a_lock_taken_away_meanwhile_is_reported_while_the_command_runs() {
    let (endpoint, workdir) = alone();
    let client = s3tate(&endpoint).env("S3TATE_LOCK_CHECK", "50ms");
    let running = client.command(&workdir, &["lock", "run", "--", "cat"]).start();
    wait_for("the lock", LIMIT, || (endpoint.store().items().len() == 1).then_some(()));
    endpoint.store().delete_item(&format!("{}/{KEY}", endpoint.store().bucket()));
    wait_for("the warning", LIMIT, || {
        running.stderr_so_far().contains("the dynamodb lock of `s3://").then_some(())
    });
    let _ended = running.finish().exits(4).says(&["was taken away; the command goes on"]);
    is_unlocked(&endpoint);
}

#[test]
fn a_store_that_fails_meanwhile_is_reported_and_the_command_goes_on() {
    let (endpoint, workdir) = alone();
    let (behind, gate) = Gate::before(&endpoint);
    gate.spoil("GetItem", Spoil::Refuse(400, "AccessDeniedException"), 2);
    let client = s3tate(&behind).env("S3TATE_LOCK_CHECK", "50ms");
    let running = client.command(&workdir, &["lock", "run", "--", "cat"]).start();
    wait_for("the warning", LIMIT, || {
        running.stderr_so_far().contains("can't tell whether the lock is still held").then_some(())
    });
    let _ended = running.finish().succeeds();
    is_unlocked(&endpoint);
}

#[test]
fn a_release_that_fails_says_what_is_left() {
    let (endpoint, workdir) = alone();
    let (behind, gate) = Gate::before(&endpoint);
    gate.spoil("DeleteItem", Spoil::Refuse(400, "AccessDeniedException"), 1);
    let ended = s3tate(&behind).run(&workdir, &["lock", "run", "--", "true"]).fails();
    let (left, _) = (endpoint.store().items(), ended.says(&["still locked", "force-unlock -force"]));
    assert_eq!(left.len(), 1);
    assert!(endpoint.store().keys().is_empty(), "the other half is released");
}
