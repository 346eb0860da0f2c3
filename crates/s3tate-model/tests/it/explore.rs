//! Every order and every fault of small setups: the invariants hold.

use s3tate_model::properties::{Reachable, reach};
use s3tate_model::{Budget, Exploration, Place, Report, Request, Role, Setup, Task};

pub(crate) const TABLE: Place = Place { table: true, use_lockfile: false };
pub(crate) const OBJECT: Place = Place { table: false, use_lockfile: true };
pub(crate) const BOTH: Place = Place { table: true, use_lockfile: true };

/// Two of everything, one of the locks broken.
const TWO: Budget = Budget { crashes: 2, losses: 2, breaks: 2, late: false };
/// One of everything.
pub(crate) const ONE: Budget = Budget { crashes: 1, losses: 1, breaks: 1, late: false };

/// Explores all of a setup, and says how much that was.
#[expect(clippy::print_stderr, reason = "the size of what was explored belongs into the output of a test")]
fn explore(what: &str, setup: Setup, reaching: &[Reachable]) -> Report {
    let report = Exploration::of(setup).reaching(reaching).run();
    eprintln!("{what}: {} states, up to {} steps deep", report.states, report.depth);
    report
}

#[track_caller]
fn assert_safe(what: &str, setup: Setup, reaching: &[Reachable]) -> Report {
    let report = explore(what, setup, reaching);
    assert!(report.broken.is_empty(), "{what}: {:#?}", report.broken);
    assert!(report.unreached.is_empty(), "{what} does not show: {:?}", report.unreached);
    report
}

pub(crate) fn pushers(count: usize) -> Vec<Role> {
    vec![Role::s3tate(&[Task::Push]); count]
}

#[test]
fn two_writers_with_any_kind_of_lock() {
    let all = [reach::COMPLETES, reach::LOCK_LOST, reach::CONFLICT, reach::READ_BACK, reach::TWO_WRITES];
    assert_safe("two writers, lock items", Setup::new(TABLE, &pushers(2)).with(TWO), &all);
    assert_safe(
        "two writers, lock items, no state",
        Setup::new(TABLE, &pushers(2)).with(TWO).empty(),
        &all[2..],
    );
    assert_safe("two writers, lock objects", Setup::new(OBJECT, &pushers(2)).with(TWO), &all[2..]);
    assert_safe("two writers, both locks", Setup::new(BOTH, &pushers(2)).with(TWO), &all);
}

#[test]
fn three_writers() {
    let all = [reach::COMPLETES, reach::LOCK_LOST, reach::CONFLICT, reach::TWO_WRITES];
    assert_safe("three writers, lock items", Setup::new(TABLE, &pushers(3)).with(ONE), &all);
    assert_safe("three writers, both locks", Setup::new(BOTH, &pushers(3)).with(ONE), &all);
}

#[test]
fn writers_that_come_again() {
    let roles = vec![Role::s3tate(&[Task::Push, Task::Push]); 2];
    assert_safe("two writers twice, lock items", Setup::new(TABLE, &roles).with(TWO), &[reach::TWO_WRITES]);
}

#[test]
fn writers_that_wait() {
    let waits = Role::S3tate { tasks: vec![Task::Push], lock: true, waits: true };
    let roles = [waits.clone(), waits];
    assert_safe("two that wait, lock items", Setup::new(TABLE, &roles).with(TWO), &[reach::COMPLETES]);
    assert_safe("two that wait, both locks", Setup::new(BOTH, &roles).with(ONE), &[reach::COMPLETES]);
}

#[test]
fn writers_without_transactions() {
    let setup = Setup::new(TABLE, &pushers(2)).without_transactions();
    assert_safe("no transactions", setup.with(TWO), &[reach::COMPLETES, reach::TWO_WRITES]);
}

#[test]
fn writers_without_locks() {
    let roles = vec![Role::lockless(&[Task::Push]); 3];
    let shown = [reach::CONFLICT, reach::TWO_WRITES];
    assert_safe("three without locks", Setup::new(TABLE, &roles).with(TWO), &shown);
    let apart = [reach::CONFLICT, reach::TWO_WRITES, reach::LOCKLESS_APART];
    assert_safe("three without locks, no state", Setup::new(TABLE, &roles).with(TWO).empty(), &apart);
    assert_safe("three without locks or table", Setup::new(OBJECT, &roles).with(TWO), &shown);
    let mixed = [Role::s3tate(&[Task::Push]), Role::lockless(&[Task::Push]), Role::lockless(&[Task::Push])];
    assert_safe("one with a lock, two without", Setup::new(TABLE, &mixed).with(ONE), &shown);
}

#[test]
fn writes_that_are_carried_out_late() {
    let late = Budget { late: true, ..ONE };
    assert_safe("late writes, lock items", Setup::new(TABLE, &pushers(2)).with(late), &[reach::LANDS]);
}

#[test]
fn workspaces_that_come_and_go() {
    let roles = [Role::s3tate(&[Task::Delete, Task::Create]), Role::s3tate(&[Task::Push])];
    assert_safe("delete, create and push", Setup::new(TABLE, &roles).with(TWO), &[]);
    let roles = [Role::s3tate(&[Task::Create, Task::Delete]), Role::s3tate(&[Task::Create])];
    let shown = [reach::DELETED_APART];
    assert_safe("create twice, delete", Setup::new(BOTH, &roles).with(ONE).empty(), &shown);
}

#[test]
fn locks_broken_by_s3tate() {
    let roles = [Role::s3tate(&[Task::Push]), Role::s3tate(&[Task::Push]), Role::Unlocker];
    let faults = Budget { breaks: 0, ..ONE };
    assert_safe("force-unlock, lock items", Setup::new(TABLE, &roles).with(faults), &[reach::LOCK_LOST]);
    assert_safe("force-unlock, both locks", Setup::new(BOTH, &roles).with(faults), &[reach::LOCK_LOST]);
}

#[test]
fn repair_and_unchanged_pushes() {
    let roles = [Role::s3tate(&[Task::Push]), Role::s3tate(&[Task::Fix, Task::PushUnchanged])];
    assert_safe("repair, unchanged push", Setup::new(TABLE, &roles).with(TWO), &[reach::COMPLETES]);
}

#[test]
fn stock_clients_among_them() {
    for (what, lock) in [("stock client", true), ("stock client without locks", false)] {
        let roles = [Role::s3tate(&[Task::Push, Task::Push]), Role::Stock { lock }];
        let shown = [reach::STOCK_APART, reach::TWO_WRITES];
        assert_safe(what, Setup::new(TABLE, &roles).with(TWO), &shown);
        assert_safe(what, Setup::new(BOTH, &roles).with(ONE), &shown);
    }
}

/// Otherwise a step would be in the model and never taken.
#[test]
fn every_request_is_sent_somewhere() {
    let tasks = [Role::s3tate(&[Task::Delete]), Role::lockless(&[Task::Push]), Role::Unlocker];
    let faults = Budget { losses: 1, breaks: 1, ..Budget::default() };
    let setups = [
        Setup::new(BOTH, &pushers(2)).with(ONE),
        Setup::new(TABLE, &tasks).with(faults),
        Setup::new(TABLE, &vec![Role::lockless(&[Task::Push]); 3]).empty(),
    ];
    let reports: Vec<_> = setups.into_iter().map(|setup| Exploration::of(setup).run()).collect();
    let sent = |request: &Request| reports.iter().any(|report| report.sent.contains(request));
    let unsent: Vec<_> = Request::S3TATE.into_iter().filter(|request| !sent(request)).collect();
    assert!(unsent.is_empty(), "{unsent:?}");
}
