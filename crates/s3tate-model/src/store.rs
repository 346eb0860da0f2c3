//! Bucket and table, as far as one state is concerned, and what is known of them that no client sees.

use s3tate::lock::LockKind;

use crate::ids::{Id, Ids};

/// A state object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its content, of which entity tag and digest are a function.
    pub content: Id,
    /// Whether s3tate's metadata is on it.
    pub described: bool,
    /// The content it replaced, as its metadata says.
    pub parent: Option<Id>,
    /// Every write that its writer had read; not stored anywhere, for the invariants only.
    pub built_on: Ids,
}

impl Object {
    /// The state at the start, from somebody unknown.
    pub(crate) fn first() -> Self {
        Self { content: Id::FIRST, described: false, parent: None, built_on: Ids::default().with(Id::FIRST) }
    }
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Store {
    /// The state object.
    pub object: Option<Object>,
    /// The digest item.
    pub digest: Option<Id>,
    /// The lock object: whose record it is.
    pub lock_object: Option<Id>,
    /// The lock item: whose record it is.
    pub lock_item: Option<Id>,
}

impl Store {
    /// The lock of one kind.
    pub fn lock(&self, kind: LockKind) -> Option<Id> {
        match kind {
            LockKind::LockFile => self.lock_object,
            // The model has no locks of the other kinds.
            LockKind::DynamoDb | LockKind::File | LockKind::Http => self.lock_item,
        }
    }

    pub(crate) fn lock_mut(&mut self, kind: LockKind) -> &mut Option<Id> {
        match kind {
            LockKind::LockFile => &mut self.lock_object,
            // The model has no locks of the other kinds.
            LockKind::DynamoDb | LockKind::File | LockKind::Http => &mut self.lock_item,
        }
    }

    /// The content that is stored.
    pub fn content(&self) -> Option<Id> {
        self.object.map(|object| object.content)
    }
}

/// What happened, whether or not anybody saw it: the invariants speak of this.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each happened or not by itself")]
pub struct Ledger {
    /// Writes of s3tate's that were acknowledged to their user.
    pub acknowledged: Ids,
    /// Writes that a stock client wrote over, or that were deleted with the workspace as it was read.
    pub excused: Ids,
    /// Writes of s3tate's whose user was told that nothing was written.
    pub refused: Ids,
    /// Writes that were given up and carried out later.
    pub landed: Ids,
    /// Runs of s3tate's that were killed, or ended without knowing what became of them.
    pub stopped: Ids,
    /// Whether an object was deleted by somebody who had lost the lock.
    pub deleted_unlocked: bool,
    /// Runs of s3tate's that ended without a word about a lock left behind.
    pub silent: Ids,
    /// Locks that somebody else than their holder removed.
    pub broken: Ids,
    /// Whether the digest was last put by a stock client.
    pub stock_digest: bool,
    /// Whether s3tate removed a lock that was not its own, or not the one named to it.
    pub stolen: bool,
    /// Whether s3tate wrote although what was pushed was stored already.
    pub rewritten: bool,
}
