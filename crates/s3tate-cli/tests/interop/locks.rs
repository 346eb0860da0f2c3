//! A lock of one stops the other, names its holder, and is broken by either.

use std::time::Duration;

use s3tate_testkit::{Backend, Hold, Kind, LockRecord, Locking, Workdir, require, wait_for};

use crate::stage::{FIRST, KEY, SECOND, Stage, everywhere, s3tate, with_greeting};

everywhere!(
    stock_stops_stock,
    stock_stops_s3tate,
    lock_as_s3tate_writes_it_stops_stock,
    each_breaks_the_lock_of_the_other,
    locks_are_listed,
);

/// A directory where an apply has something to do, so that it asks and waits.
fn with_changes(stage: &Stage) -> Workdir {
    let workdir = stage.applied(FIRST);
    workdir.write("main.tf", stage.configuration(SECOND));
    workdir
}

fn stock_stops_stock(stage: &Stage) {
    let (workdir, backend) = (with_changes(stage), stage.backend());
    let hold = Hold::apply(&stage.stock, &workdir, &backend);
    let stopped = stage.stock.run(&workdir, &["plan"]).exits(1);
    let _stopped = stopped.says(&["Error acquiring the state lock", &hold.record().id]);
    let _applied = hold.approve().succeeds();
    stage.is_sound("default");

    let hold = Hold::apply(&stage.stock, &with_changes(stage), &backend);
    let left = hold.kill();
    assert!(backend.is_locked());
    let _broken = stage.stock.run(&workdir, &["force-unlock", "-force", &left.id]).succeeds();
    stage.is_sound("default");
}

fn stock_stops_s3tate(stage: &Stage) {
    let (workdir, backend) = (with_changes(stage), stage.backend());
    workdir.write("next.json", with_greeting(&stage.stored(), "too early"));
    let hold = Hold::apply(&stage.stock, &workdir, &backend);
    let before = stage.endpoint.store().snapshot();
    let stopped = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
    assert!(stopped.stderr_text().starts_with("error: "), "{stopped}");
    let record = hold.record();
    let _stopped = stopped.says(&[&record.id, &record.who, &record.operation, "hint: "]);
    assert_eq!(stage.endpoint.store().snapshot(), before, "the lock of stock is whole, the state unchanged");

    stage.is_read_alike(&workdir, "default");
    let _applied = hold.approve().succeeds();
    stage.is_sound("default");
    let _stale = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).fails();
    workdir.write("next.json", with_greeting(&stage.stored(), "now it may"));
    let _pushed = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    stage.is_sound("default");
}

fn lock_as_s3tate_writes_it_stops_stock(stage: &Stage) {
    let (workdir, backend) = (with_changes(stage), stage.backend());
    let record = LockRecord::of_a_dead_holder(&backend.lock_path());
    backend.put_lock(&record);
    let before = stage.endpoint.store().snapshot();

    let stopped = stage.stock.run(&workdir, &["plan"]).exits(1);
    let _stopped = stopped.says(&[
        "Lock Info:",
        &format!("ID: {}", record.id),
        &format!("Path: {}", record.path),
        &format!("Operation: {}", record.operation),
        &format!("Who: {}", record.who),
        "Created: 2026-11-23 09:41:07.25 +0000 UTC",
    ]);
    workdir.write("next.json", with_greeting(&stage.stored(), "too early"));
    let stopped = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
    let _stopped = stopped.says(&[&record.id, &record.who, &record.operation]);
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

fn each_breaks_the_lock_of_the_other(stage: &Stage) {
    let (workdir, backend) = (with_changes(stage), stage.backend());
    let left = Hold::apply(&stage.stock, &workdir, &backend).kill();
    assert!(backend.is_locked());
    let _broken = stage.s3tate.run(&workdir, &["force-unlock", "-force", &left.id]).succeeds();
    stage.is_sound("default");
    let _free = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();

    let record = LockRecord::of_a_dead_holder(&backend.lock_path());
    backend.put_lock(&record);
    let _broken = stage.stock.run(&workdir, &["force-unlock", "-force", &record.id]).succeeds();
    stage.is_sound("default");
    workdir.write("next.json", with_greeting(&stage.stored(), "free again"));
    let _free = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    stage.is_sound("default");
}

fn locks_are_listed(stage: &Stage) {
    let (workdir, backend) = (with_changes(stage), stage.backend());
    let none = stage.s3tate.run(&workdir, &["lock", "list", "-json"]).succeeds();
    assert_eq!(none.stdout_text(), "");

    let hold = Hold::apply(&stage.stock, &workdir, &backend);
    let listed = stage.s3tate.run(&workdir, &["lock", "list", "-json"]).succeeds().stdout_text();
    let lines: Vec<serde_json::Value> =
        listed.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().expect("a kind")).collect();
    let mut expected = Vec::new();
    expected.extend(stage.locking.has_table().then_some("dynamodb"));
    expected.extend(stage.locking.has_lockfile().then_some("lockfile"));
    assert!(expected.iter().all(|kind| kinds.contains(kind)) && kinds.len() == expected.len(), "{listed}");
    for line in &lines {
        assert_eq!(line["id"], hold.record().id.as_str());
        assert_eq!(line["who"], hold.record().who.as_str());
        assert_eq!(line["operation"], "OperationTypeApply");
        assert_eq!(line["created"], hold.record().created.as_str());
    }
    let shown = stage.s3tate.run(&workdir, &["lock", "show", "-json"]).succeeds();
    let _shown = shown.says(&[&hold.record().id, &hold.record().who]);
    let _declined = hold.decline().fails();
    let none = stage.s3tate.run(&workdir, &["lock", "list", "-json"]).succeeds();
    assert_eq!(none.stdout_text(), "");
}

#[test]
fn push_waits_until_stock_lets_go() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Table));
    let workdir = with_changes(&stage);
    workdir.write("next.json", with_greeting(&stage.stored(), "patient"));
    let hold = Hold::apply(&stage.stock, &workdir, &stage.backend());

    let (proxied, recorder) = stage.endpoint.recorded();
    let push = ["state", "push", "-lock-timeout=60s", "next.json"];
    let mut waiting = s3tate(&proxied).command(&workdir, &push).start();
    wait_for("the first attempt to be refused", Duration::from_mins(1), || {
        assert!(!waiting.has_ended(), "the push gave up");
        recorder.take().iter().any(|request| request.to_string() == "PutItem 400").then_some(())
    });
    let _declined = hold.decline().fails();
    let _pushed = waiting.finish().succeeds();
    stage.is_sound("default");
    let greeting = stage.stock.run(&workdir, &["output", "-raw", "greeting"]).succeeds();
    assert_eq!(greeting.stdout_text(), "patient");
}

/// Check 33: the lock is left alone, the digest written.
#[test]
fn push_without_lock_ignores_the_holder_but_keeps_the_digest() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.applied(FIRST);
    let record = LockRecord::of_a_dead_holder(&stage.backend().lock_path());
    stage.backend().put_lock(&record);
    let stored = with_greeting(&stage.stored(), "unlocked");
    let push = stage.s3tate.command(&workdir, &["state", "push", "-lock=false", "-"]).stdin(stored);
    let _pushed = push.finish().succeeds();
    assert_eq!(stage.backend().locks(), [record.clone(), record], "both halves are still there");
    assert_eq!(stage.endpoint.store().digest(KEY), Some(s3tate_testkit::md5_hex(&stage.stored())));
}

#[test]
fn half_of_a_double_lock_stops_the_push_and_survives_it() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.applied(FIRST);
    workdir.write("next.json", with_greeting(&stage.stored(), "too early"));
    let record = LockRecord::of_a_dead_holder(&stage.backend().lock_path());
    for half in [Locking::Table, Locking::Lockfile] {
        let backend = Backend::new(&stage.endpoint, KEY, half);
        backend.put_lock(&record);
        let before = stage.endpoint.store().snapshot();
        let stopped = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).exits(3);
        let _stopped = stopped.says(&[&record.id]);
        assert_eq!(stage.endpoint.store().snapshot(), before, "no half of its own is left behind");
        let _broken = stage.s3tate.run(&workdir, &["force-unlock", "-force", &record.id]);
        assert_eq!(stage.backend().locks(), []);
    }
}
