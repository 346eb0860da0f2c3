//! What must hold, always; and what must be possible, or the model would show nothing.

use s3tate::lock::LockKind;
use s3tate::protocol::Reading;
use stateright::Property;

use crate::client::{At, Client};
use crate::explore::Exploration;
use crate::ids::Id;
use crate::real;
use crate::recovery;
use crate::setup::{Role, Setup};
use crate::world::World;

/// Names of the invariants.
pub mod name {
    /// Unless somebody broke the lock, a kind of lock has one holder, among s3tate's clients.
    pub const ONE_HOLDER: &str = "one holder, unless the lock was broken";
    /// s3tate removes only its own lock, or exactly the one that a user named.
    pub const OWN_LOCKS: &str = "no lock is removed but one's own";
    /// What was acknowledged is in what is stored.
    pub const ACKNOWLEDGED: &str = "an acknowledged write stays";
    /// Object and digest agree, or the object proves what it replaced, or a stock client was at it.
    pub const AGREEMENT: &str = "digest and object agree, or it can be proven why not";
    /// A write whose user was told that nothing was written is neither stored nor built on.
    pub const TRUTH: &str = "what is reported as not written is not stored";
    /// A lock that is left behind was named to its user.
    pub const NO_SILENT_LOCK: &str = "no lock is left behind without a word";
    /// Whenever everybody stops, the next writer brings object and digest together, and loses nothing.
    pub const RECOVERABLE: &str = "the next writer recovers";
    /// Pushing what is stored writes nothing.
    pub const UNCHANGED: &str = "what is stored already is not written again";
    /// Whoever has not ended has a next step.
    pub const NOT_STUCK: &str = "nobody is stuck";
}

/// Whether something holds in a state.
pub type Holds = fn(&Exploration, &World) -> bool;

const INVARIANTS: [(&str, Holds); 9] = [
    (name::ONE_HOLDER, |model, world| one_holder(&model.setup, world)),
    (name::OWN_LOCKS, |_, world| !world.ledger.stolen),
    (name::ACKNOWLEDGED, |_, world| acknowledged_writes_stay(world)),
    (name::AGREEMENT, |model, world| explained(&model.setup, world)),
    (name::TRUTH, |_, world| told_the_truth(world)),
    (name::NO_SILENT_LOCK, |_, world| no_silent_lock(world)),
    (name::RECOVERABLE, |model, world| recovery::recovers(&model.setup, world)),
    (name::UNCHANGED, |_, world| !world.ledger.rewritten),
    (name::NOT_STUCK, |_, world| world.clients.iter().all(Client::can_go_on)),
];

pub(crate) fn invariants() -> Vec<Property<Exploration>> {
    INVARIANTS.into_iter().map(|(name, holds)| Property::always(name, holds)).collect()
}

fn is_s3tate(setup: &Setup, index: usize) -> bool {
    matches!(setup.roles.get(index), Some(Role::S3tate { .. }))
}

fn one_holder(setup: &Setup, world: &World) -> bool {
    [LockKind::LockFile, LockKind::DynamoDb].into_iter().all(|kind| {
        let holds = |(index, client): (usize, &Client)| {
            let unbroken = !world.ledger.broken.contains(Id::of(index, client.round));
            is_s3tate(setup, index) && client.relies_on(kind) && unbroken
        };
        world.clients.iter().enumerate().filter(|&client| holds(client)).count() <= 1
    })
}

fn acknowledged_writes_stay(world: &World) -> bool {
    let owed = world.ledger.acknowledged.without(world.ledger.excused);
    owed.without(world.store.object.map(|object| object.built_on).unwrap_or_default()).is_empty()
}

/// Whether a stock client wrote the object or the digest that is stored.
fn by_stock(world: &World) -> bool {
    let wrote = world.store.object.is_some_and(|object| !object.described && object.content != Id::FIRST);
    wrote || world.ledger.stock_digest
}

/// Whether what is stored may be apart without proof, so that only a person can judge: a stock client was at it; its
/// writer had no lock and is not through; or a workspace was deleted under a broken lock while another wrote.
pub(crate) fn unprovable(setup: &Setup, world: &World) -> bool {
    by_stock(world) || without_lock(setup, world) || deleted_unlocked(world)
}

fn without_lock(setup: &Setup, world: &World) -> bool {
    let lockless = |id: Id| {
        let role = id.client().and_then(|client| setup.roles.get(client));
        matches!(role, Some(Role::S3tate { lock: false, .. }))
    };
    world.store.content().is_some_and(|id| lockless(id) && unfinished(world, id))
}

/// Its digest can come after the deletion: bucket and table have no transaction in common.
fn deleted_unlocked(world: &World) -> bool {
    world.ledger.deleted_unlocked && world.store.object.is_none()
}

/// Whether a run is under way, or stopped before it was through.
fn unfinished(world: &World, id: Id) -> bool {
    let runs =
        |(index, client): (usize, &Client)| Id::of(index, client.round) == id && client.at != At::Ended;
    world.ledger.stopped.contains(id) || world.clients.iter().enumerate().any(runs)
}

fn explained(setup: &Setup, world: &World) -> bool {
    let reading = real::reading(world.store.object, world.store.digest, true);
    reading != Reading::Disagreeing || unprovable(setup, world)
}

fn told_the_truth(world: &World) -> bool {
    let stored = world.store.object.map(|object| object.built_on).unwrap_or_default();
    let refused = world.ledger.refused.without(world.ledger.landed);
    stored.without(refused) == stored
}

fn no_silent_lock(world: &World) -> bool {
    world.locks().into_iter().all(|id| !world.ledger.silent.contains(id))
}

/// Something that must be reachable in a setup, with its name.
pub type Reachable = (&'static str, Holds);

/// Moments that a setup must reach, or it would not show what it is meant to.
pub mod reach {
    use super::{At, Reachable, Reading, World, by_stock, deleted_unlocked, without_lock};
    use crate::ids::Id;
    use crate::real;

    /// A write that stopped is completed.
    pub const COMPLETES: Reachable =
        ("a write that stopped is completed", |_, world| at(world, At::Completing));
    /// A lock turns out to be lost at its release.
    pub const LOCK_LOST: Reachable = ("a lock turns out to be lost", |_, world| {
        world.clients.iter().any(|client| client.at == At::PuttingDigest && !client.held_item)
    });
    /// A write is refused as somebody else's is stored.
    pub const CONFLICT: Reachable = ("a write is refused", |_, world| !world.ledger.refused.is_empty());
    /// A write without an acknowledgement is looked for.
    pub const READ_BACK: Reachable =
        ("a write without an answer is looked for", |_, world| at(world, At::ReadingBack { refused: false }));
    /// Two writes are acknowledged, one upon the other.
    pub const TWO_WRITES: Reachable = ("two writes are acknowledged", |_, world| {
        Id::all().filter(|id| world.ledger.acknowledged.contains(*id)).count() > 1
    });
    /// A stock client leaves object and digest apart.
    pub const STOCK_APART: Reachable = ("a stock client leaves object and digest apart", |_, world| {
        let reading = real::reading(world.store.object, world.store.digest, true);
        by_stock(world) && reading == Reading::Disagreeing
    });
    /// A writer without a lock stopped before its digest, and an older one is recorded.
    pub const LOCKLESS_APART: Reachable =
        ("writers without locks leave object and digest apart", |model, world| {
            let reading = real::reading(world.store.object, world.store.digest, true);
            without_lock(&model.setup, world) && reading == Reading::Disagreeing
        });
    /// A digest came after the deletion of its object, under a broken lock.
    pub const DELETED_APART: Reachable = ("a digest without an object is left", |_, world| {
        deleted_unlocked(world) && world.store.digest.is_some()
    });
    /// A write that was given up lands after all.
    pub const LANDS: Reachable = ("a write that was given up is carried out", |_, world| {
        world.store.content().is_some_and(|id| world.ledger.landed.contains(id))
    });

    fn at(world: &World, at: At) -> bool {
        world.clients.iter().any(|client| client.at == at)
    }
}
