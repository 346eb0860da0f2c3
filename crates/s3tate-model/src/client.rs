//! What a client knows, and which requests it can send next.

use s3tate::lock::LockKind;

use crate::ids::Id;
use crate::request::Request;
use crate::setup::{Role, Setup, Task};
use crate::store::Object;

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// Locking and reading at once.
    Opening(Locking),
    /// Giving back the lock object, as the lock item was refused.
    BackingOut(Outcome),
    /// Recording the digest that an earlier writer did not.
    Completing,
    /// Reading object and digest once more, as they disagreed.
    Rereading,
    /// Writing the object.
    Putting,
    /// Finding out what became of the write.
    ReadingBack {
        /// Whether the store refused it; otherwise there was no answer.
        refused: bool,
    },
    /// Recording the digest together with the release.
    Recording,
    /// Recording the digest by itself.
    PuttingDigest,
    /// Reading the digest that is recorded instead.
    DigestAgain,
    /// Looking whose object is stored.
    OwnAgain,
    /// Removing the digest of a workspace that is deleted.
    DeletingDigest,
    /// Removing the object of a workspace that is deleted.
    DeletingState,
    /// Finding out whether it is removed.
    LookingAfterDelete {
        /// Whether the store refused it; otherwise there was no answer.
        refused: bool,
    },
    /// Removing what is still locked, then ending.
    Releasing(Outcome),
    /// A force-unlocker that has not looked yet.
    Choosing,
    /// A stock client.
    Stock(StockAt),
    /// Ended or dead.
    Ended,
}

/// How far the lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locking {
    /// Before the lock object.
    Object,
    /// Looking up the lock object.
    ObjectHolder {
        /// Whether there was no answer; otherwise it was refused.
        lost: bool,
    },
    /// Before the lock item.
    Item,
    /// Looking up the lock item, after no answer came.
    ItemHolder,
    /// Held everywhere, or locking is off.
    Done,
}

/// How far a stock client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "named by their requests, in order")]
pub enum StockAt {
    LockObject,
    LockItem,
    Get,
    GetDigest,
    Put,
    PutDigest,
    CompareObject,
    UnlockObject,
    CompareItem,
    UnlockItem,
}

/// What a client of s3tate's tells its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// `Written`, or a workspace deleted, or completed, or unlocked.
    Done,
    /// The same is stored already.
    Unchanged,
    /// Refused; nothing was written (`Locked`, `Conflict`, `Unavailable`, `Corrupt`, `NotFound`).
    Refused,
    /// A write may have happened, or only in part (`Unknown`).
    Unknown,
}

/// A client's own state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is known or not by itself")]
pub struct Client {
    /// Which task it is at.
    pub round: u8,
    /// How far it is.
    pub at: At,
    /// Whether it counts on holding the lock object.
    pub held_object: bool,
    /// Whether it counts on holding the lock item.
    pub held_item: bool,
    /// Whether it waited for the lock, so that what it read before is of no use.
    pub waited: bool,
    /// Whether its write was sent again after a lost answer.
    pub repeated: bool,
    /// Whether an error of its named a lock that may be left behind.
    pub said: bool,
    /// The object it read.
    pub seen: Option<Option<Object>>,
    /// The digest it read.
    pub recorded: Option<Option<Id>>,
    /// The lock it was told to remove.
    pub target: Option<Id>,
}

impl Client {
    /// A client before its first request.
    pub(crate) fn new(setup: &Setup, role: &Role, round: u8) -> Self {
        let at = match role {
            Role::S3tate { lock, .. } => At::Opening(first_lock(setup, *lock)),
            Role::Stock { lock } => At::Stock(first_stock(setup, *lock)),
            Role::Unlocker => At::Choosing,
        };
        Self {
            round,
            at,
            held_object: false,
            held_item: false,
            waited: false,
            repeated: false,
            said: false,
            seen: None,
            recorded: (!setup.place.table).then_some(None),
            target: None,
        }
    }

    /// What was read; meaningful after opening.
    pub(crate) fn base(&self) -> Option<Object> {
        self.seen.flatten()
    }

    /// Whether it counts on holding any lock: whether it has a guard.
    pub(crate) fn guarded(&self) -> bool {
        self.held_object || self.held_item
    }

    pub(crate) fn hold(&mut self, kind: LockKind, held: bool) {
        match kind {
            LockKind::LockFile => self.held_object = held,
            // The model has no locks of the other kinds.
            LockKind::DynamoDb | LockKind::File | LockKind::Http => self.held_item = held,
        }
    }

    /// Whether it relies on the lock of a kind: from acquisition to the request that releases it.
    pub fn relies_on(&self, kind: LockKind) -> bool {
        let held = match kind {
            LockKind::LockFile => self.held_object,
            // The model has no locks of the other kinds.
            LockKind::DynamoDb | LockKind::File | LockKind::Http => self.held_item,
        };
        held && !matches!(self.at, At::BackingOut(_) | At::Recording | At::Releasing(_) | At::Ended)
    }

    /// Whether it has ended, waits for a lock to be there, or has a next request.
    pub(crate) fn can_go_on(&self) -> bool {
        matches!(self.at, At::Ended | At::Choosing) || !self.requests(&[]).is_empty()
    }

    /// The requests it can send now; several where the code sends them at once.
    pub(crate) fn requests(&self, known: &[Id]) -> Vec<Request> {
        match self.at {
            At::Opening(locking) => self.opening(locking),
            At::Rereading => self.reads(),
            At::Completing => vec![Request::Complete],
            At::Putting => vec![Request::PutState],
            At::ReadingBack { .. } => vec![Request::ReadBack],
            At::Recording => vec![Request::RecordAndRelease],
            At::PuttingDigest => vec![Request::PutDigest],
            At::DigestAgain => vec![Request::GetDigestAgain],
            At::OwnAgain => vec![Request::LookAtObject],
            At::DeletingDigest => vec![Request::DeleteDigest],
            At::DeletingState => vec![Request::DeleteState],
            At::LookingAfterDelete { .. } => vec![Request::LookAfterDelete],
            At::BackingOut(_) => vec![Request::ReleaseObject],
            At::Releasing(_) if self.held_object => vec![Request::ReleaseObject],
            At::Releasing(_) => vec![Request::ReleaseItem],
            At::Choosing => known.iter().copied().map(Request::LookUpHolders).collect(),
            At::Stock(_) => vec![Request::Stock],
            At::Ended => Vec::new(),
        }
    }

    fn opening(&self, locking: Locking) -> Vec<Request> {
        let lock = match locking {
            Locking::Object => Some(Request::AcquireObject),
            Locking::ObjectHolder { .. } => Some(Request::LookUpObject),
            Locking::Item => Some(Request::AcquireItem),
            Locking::ItemHolder => Some(Request::LookUpItem),
            Locking::Done => None,
        };
        // What is read during a wait is read again after it.
        let reads = if self.waited && lock.is_some() { Vec::new() } else { self.reads() };
        lock.into_iter().chain(reads).collect()
    }

    fn reads(&self) -> Vec<Request> {
        let state = self.seen.is_none().then_some(Request::GetState);
        let digest = self.recorded.is_none().then_some(Request::GetDigest);
        state.into_iter().chain(digest).collect()
    }
}

pub(crate) fn first_lock(setup: &Setup, lock: bool) -> Locking {
    match setup.place {
        _ if !lock => Locking::Done,
        place if place.use_lockfile => Locking::Object,
        place if place.table => Locking::Item,
        _ => Locking::Done,
    }
}

fn first_stock(setup: &Setup, lock: bool) -> StockAt {
    match first_lock(setup, lock) {
        Locking::Object => StockAt::LockObject,
        Locking::Item => StockAt::LockItem,
        _ => StockAt::Get,
    }
}

/// The task of a role's round.
pub(crate) fn task(role: &Role, round: u8) -> Option<Task> {
    match role {
        Role::S3tate { tasks, .. } => tasks.get(usize::from(round)).copied(),
        _ => None,
    }
}
