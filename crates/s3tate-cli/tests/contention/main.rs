//! Many processes on one state at once: nobody holds a lock twice, no update is lost, and every lost race is told.
//!
//! The size is 8 processes of 6 increments each. `S3TATE_CONTENTION=32x25` sets another one, as in
//! `S3TATE_CONTENTION=32x25 cargo test -p s3tate-cli --test contention`.

mod arena;
mod tally;

use s3tate_testkit::{Locking, require};

use crate::arena::{Arena, Size};

/// With locks, all increments arrive: those under `lock run`, those of `state push`, and stock's own `apply` runs.
fn nobody_is_lost(locking: Locking) {
    let arena = require!(Arena::new(locking, Size::asked_for()));
    arena.race(|process, number| match number % 3 {
        2 => process.increments_by_push(),
        _ => process.increments_under_lock(),
    });
    arena.is_consistent();
}

#[test]
fn nobody_is_lost_with_a_table() {
    nobody_is_lost(Locking::Table);
}

#[test]
fn nobody_is_lost_with_a_lock_object() {
    nobody_is_lost(Locking::Lockfile);
}

#[test]
fn nobody_is_lost_with_both() {
    nobody_is_lost(Locking::Both);
}

/// Without locks, what was acknowledged is there, and everything else was a conflict whose bytes are kept.
///
/// Stock has no part in this: it stores over whatever is there.
fn lost_races_are_conflicts(locking: Locking) {
    let arena = require!(Arena::new(locking, Size { applies: 0, ..Size::asked_for() }));
    arena.race(|process, _| process.tries_without_lock());
    arena.is_consistent();
}

#[test]
fn lost_races_are_conflicts_with_nothing_to_lock_with() {
    lost_races_are_conflicts(Locking::Off);
}

#[test]
fn lost_races_are_conflicts_although_digests_follow_the_objects() {
    lost_races_are_conflicts(Locking::Table);
}
