//! Each protection is needed: without it there is a counterexample.

use s3tate_model::properties::name;
use s3tate_model::{Action, Budget, Exploration, Place, Protections, Role, Setup, Task};

use crate::explore::{BOTH, OBJECT, ONE, TABLE, pushers};

/// Further than any of the counterexamples.
const STEPS: usize = 24;

/// Switches a protection off, and expects these invariants among those that break.
#[track_caller]
#[expect(clippy::print_stderr, reason = "the counterexample belongs into the output of a test")]
fn breaks(what: &str, setup: Setup, off: fn(&mut Protections), expected: &str) -> Vec<Action> {
    let report = Exploration::of(setup.protected(off)).run_to_failure(STEPS);
    let Some(report) = report else { panic!("{what}: nothing breaks within {STEPS} steps") };
    let found = report.broken.into_iter().find(|(name, _)| *name == expected);
    let Some((name, steps)) = found else { panic!("{what}: `{expected}` still holds") };
    eprintln!("{what}: \"{name}\" breaks in {} steps", steps.len());
    steps
}

fn two(place: Place) -> Setup {
    Setup::new(place, &pushers(2))
}

#[test]
fn a_lock_that_is_put_over_another_is_caught() {
    breaks("locks put without condition", two(TABLE), |on| on.exclusive_lock = false, name::ONE_HOLDER);
}

#[test]
fn a_write_without_if_match_is_caught() {
    let setup = two(TABLE).with(Budget { breaks: 1, ..Budget::default() });
    breaks("states put without condition", setup, |on| on.compare_and_swap = false, name::ACKNOWLEDGED);
}

#[test]
fn an_unlock_without_condition_is_caught() {
    for place in [TABLE, OBJECT, BOTH] {
        let setup = two(place).with(Budget { breaks: 1, ..Budget::default() });
        breaks(
            "locks removed without condition",
            setup,
            |on| on.conditional_release = false,
            name::OWN_LOCKS,
        );
    }
}

#[test]
fn an_own_lock_that_is_not_recognised_is_caught() {
    let setup = two(TABLE).with(Budget { losses: 1, ..Budget::default() });
    breaks("own locks not recognised", setup, |on| on.own_record = false, name::NO_SILENT_LOCK);
}

#[test]
fn an_own_write_that_is_not_recognised_is_caught() {
    let setup = two(TABLE).with(Budget { losses: 1, ..Budget::default() });
    breaks("own writes not recognised", setup, |on| on.own_write = false, name::TRUTH);
}

#[test]
fn a_digest_without_condition_is_caught() {
    let roles = [Role::s3tate(&[Task::Push]), Role::s3tate(&[Task::Push, Task::Push])];
    let setup = Setup::new(TABLE, &roles).with(Budget { breaks: 1, ..Budget::default() });
    breaks("digests put without condition", setup, |on| on.conditional_digest = false, name::AGREEMENT);
}

#[test]
fn a_late_digest_that_is_left_alone_is_caught() {
    let roles = vec![Role::lockless(&[Task::Push]); 3];
    let setup = Setup::new(TABLE, &roles).empty();
    breaks("late digests left alone", setup, |on| on.late_digests = false, name::AGREEMENT);
}

#[test]
fn an_object_deleted_before_its_digest_is_caught() {
    let setup = Setup::new(TABLE, &[Role::s3tate(&[Task::Delete])]);
    breaks("objects deleted first", setup, |on| on.digest_deleted_first = false, name::AGREEMENT);
}

#[test]
fn a_digest_put_whoever_holds_the_lock_is_caught() {
    let roles = [Role::s3tate(&[Task::Push]), Role::s3tate(&[Task::Delete])];
    let setup = Setup::new(TABLE, &roles).empty().with(Budget { breaks: 1, ..Budget::default() });
    breaks("digests put whoever holds the lock", setup, |on| on.one_transaction = false, name::AGREEMENT);
}

#[test]
fn a_completion_without_proof_is_caught() {
    let roles = [Role::s3tate(&[Task::Push]), Role::Stock { lock: false }];
    breaks("completed without proof", Setup::new(TABLE, &roles), |on| on.proof = false, name::RECOVERABLE);
}

#[test]
fn an_unchanged_state_that_is_written_is_caught() {
    let setup = Setup::new(TABLE, &[Role::s3tate(&[Task::PushUnchanged])]);
    breaks("unchanged states written", setup, |on| on.unchanged = false, name::UNCHANGED);
}

/// The faults that need no protection to be off would break nothing, or these tests would show nothing.
#[test]
fn with_everything_on_nothing_breaks_within_as_many_steps() {
    let report = Exploration::of(two(TABLE).with(ONE)).run_to_failure(STEPS);
    assert!(report.is_none(), "{report:?}");
}
