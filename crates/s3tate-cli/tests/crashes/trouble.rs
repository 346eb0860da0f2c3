//! The faults of the suite.

use s3tate_testkit::{Deed, Endpoint, Fault, Faults, LockRecord, Locking, Refusal, Stall};

use crate::operation::{Target, state};

/// The lock of somebody who takes it while ours should be held.
pub(crate) const THIEF: &str = "11111111-2222-3333-4444-555555555555";

/// What happens to one request of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    CutBefore,
    /// The same with one more attempt.
    CutBeforeOnce,
    CutAfter,
    CutAfterOnce,
    Conflict,
    Precondition,
    Internal,
    InternalAfter,
    InternalAfterOnce,
    Unavailable,
    Throttled,
    Denied,
    Twice,
    ShortRequest,
    ShortAnswer,
    /// The request is let go only once all others that were under way have been answered.
    Delayed,
    /// Nothing is answered from this request on.
    Unreachable,
    /// The same, after this request's effect.
    UnreachableAfter,
    /// Somebody writes another state before this request has its effect.
    Swapped,
    /// Somebody breaks the lock and takes it.
    Stolen,
    KilledBefore,
    KilledAfter,
}

impl Trouble {
    pub(crate) const ALL: [Self; 22] = [
        Self::CutBefore,
        Self::CutBeforeOnce,
        Self::CutAfter,
        Self::CutAfterOnce,
        Self::Conflict,
        Self::Precondition,
        Self::Internal,
        Self::InternalAfter,
        Self::InternalAfterOnce,
        Self::Unavailable,
        Self::Throttled,
        Self::Denied,
        Self::Twice,
        Self::ShortRequest,
        Self::ShortAnswer,
        Self::Delayed,
        Self::Unreachable,
        Self::UnreachableAfter,
        Self::Swapped,
        Self::Stolen,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// How often each request is sent at most.
    pub(crate) fn attempts(self) -> u32 {
        match self {
            Self::CutBeforeOnce | Self::CutAfterOnce | Self::InternalAfterOnce => 2,
            _ => 1,
        }
    }

    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    /// Lets it happen to the `number`-th request. The returned place is where it waits, if it does.
    pub(crate) fn plan(self, faults: &Faults, number: usize, target: &Target<'_>) -> Option<Stall> {
        let stall = Stall::default();
        let fault = match self {
            Self::CutBefore | Self::CutBeforeOnce => Fault::CutBefore,
            Self::CutAfter | Self::CutAfterOnce => Fault::CutAfter,
            Self::Conflict => Fault::Refuse(Refusal::Conflict),
            Self::Precondition => Fault::Refuse(Refusal::Precondition),
            Self::Internal => Fault::Refuse(Refusal::Internal),
            Self::InternalAfter | Self::InternalAfterOnce => Fault::RefuseAfter(Refusal::Internal),
            Self::Unavailable => Fault::Refuse(Refusal::Unavailable),
            Self::Throttled => Fault::Refuse(Refusal::Throttled),
            Self::Denied => Fault::Refuse(Refusal::Denied),
            Self::Twice => Fault::Twice,
            Self::ShortRequest => Fault::ShortRequest,
            Self::ShortAnswer => Fault::ShortAnswer,
            Self::Swapped => Fault::Meanwhile(other_write(target)),
            Self::Stolen => Fault::Meanwhile(theft(target)),
            Self::Delayed | Self::KilledBefore => Fault::StallBefore(stall.clone()),
            Self::KilledAfter => Fault::StallAfter(stall.clone()),
            Self::Unreachable => {
                faults.since(None, number, Fault::CutBefore);
                return None;
            }
            Self::UnreachableAfter => {
                faults.nth(None, number, Fault::CutAfter);
                faults.since(None, number + 1, Fault::CutBefore);
                return None;
            }
        };
        faults.nth(None, number, fault);
        matches!(self, Self::Delayed | Self::KilledBefore | Self::KilledAfter).then_some(stall)
    }
}

/// The state that somebody else writes.
pub(crate) fn theirs() -> Vec<u8> {
    state(7, "lineage", Some("theirs"))
}

/// The record of somebody who takes the lock.
pub(crate) fn thief(path: &str) -> LockRecord {
    LockRecord { id: THIEF.into(), who: "thief@elsewhere".into(), ..LockRecord::of_a_dead_holder(path) }
}

fn other_write(target: &Target<'_>) -> Deed {
    let target = Owned::of(target);
    Deed::new(move || target.with(|target| target.put(theirs())))
}

fn theft(target: &Target<'_>) -> Deed {
    let target = Owned::of(target);
    Deed::new(move || target.with(|target| target.backend().put_lock(&thief(&target.lock_path()))))
}

/// A target to carry away.
struct Owned {
    endpoint: Endpoint,
    key: String,
    workspace: &'static str,
    locking: Locking,
}

impl Owned {
    fn of(target: &Target<'_>) -> Self {
        let store = target.store();
        let endpoint = target.endpoint.with_names(store.bucket(), store.table());
        Self { endpoint, key: target.key.clone(), workspace: target.workspace, locking: target.locking }
    }

    fn with(&self, deed: impl FnOnce(&Target<'_>)) {
        let (key, workspace, locking) = (self.key.clone(), self.workspace, self.locking);
        deed(&Target { endpoint: &self.endpoint, key, workspace, locking });
    }
}
