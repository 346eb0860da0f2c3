//! Locks: who may write a state. One record, kept in a DynamoDB item, in an S3 object, or in both.

mod dynamodb;
mod found;
mod guard;
mod info;
mod keeper;
mod lockfile;
mod locks;
mod settle;
mod trust;
mod verified;
mod wait;

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::BoxFuture;

use crate::error::{Error, Result};
use crate::protocol::{Claim, claim};

pub(crate) use dynamodb::{INFO, ItemLock, LOCK_ID, table_error};
pub use found::FoundLock;
pub use guard::LockGuard;
pub(crate) use info::LockRecord;
pub use info::{LockInfo, Operation};
pub use keeper::{HeldLock, Keeper, Note};
pub(crate) use lockfile::ObjectLock;
pub(crate) use locks::Locks;
pub use locks::Released;
pub(crate) use trust::{Trust, unproven_store};
pub(crate) use verified::VerifiedLock;
pub use wait::{LockOptions, Waiting};
pub(crate) use wait::{acquire, attempt_once};

/// Where a lock is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockKind {
    /// An object beside the state (`use_lockfile`).
    LockFile,
    /// An item in the table (`dynamodb_table`).
    DynamoDb,
    /// A lock of the operating system on a state file, as Terraform's local backend takes it.
    File,
    /// A lock of a state server, as Terraform's `http` backend takes it.
    Http,
}

impl LockKind {
    /// The word used in JSON: `lockfile`, `dynamodb`, `file` or `http`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LockFile => "lockfile",
            Self::DynamoDb => "dynamodb",
            Self::File => "file",
            Self::Http => "http",
        }
    }
}

/// A lock as it is stored: exactly what a conditional release must find again.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Where it is kept.
    pub kind: LockKind,
    /// Where exactly, in words.
    pub place: String,
    /// The record as stored; `None` for an item that has none.
    pub record: Option<String>,
    /// The record read; `None` where it is unreadable.
    pub info: Option<LockInfo>,
    /// What a conditional removal compares.
    pub(crate) stamp: Stamp,
}

/// What tells one stored lock from another.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stamp {
    /// The lock object's entity tag.
    Tag(Option<String>),
    /// The lock item's `Info`, whatever it is; `None` where the item has none.
    Info(Option<AttributeValue>),
}

impl Holder {
    /// The same place, as if it held another record.
    pub(crate) fn with_record(self, record: &LockRecord) -> Self {
        let stamp = match self.stamp {
            Stamp::Tag(tag) => Stamp::Tag(tag),
            Stamp::Info(_) => Stamp::Info(Some(AttributeValue::S(record.text.clone()))),
        };
        Self { record: Some(record.text.clone()), info: Some(record.info.clone()), stamp, ..self }
    }

    /// Whether this is the very lock that was seen before.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && self.record == other.record && self.stamp == other.stamp
    }

    /// Lays out who holds the lock, as facts of an error.
    pub(crate) fn explain(&self, mut error: Error, now: jiff::Timestamp) -> Error {
        match &self.info {
            Some(info) => {
                error = error
                    .fact("held by", info.describe(now))
                    .fact("operation", info.operation.clone())
                    .fact("lock id", info.id.clone());
            }
            None => error = error.fact("held by", "unknown: the lock record can't be read"),
        }
        error.fact("kept in", self.place.clone())
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.info {
            Some(info) => write!(f, "{} ({})", info.who, info.id),
            None => write!(f, "an unreadable record in {}", self.place),
        }
    }
}

/// Why a lock was not acquired.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Somebody holds it.
    Held(Box<Holder>),
    /// Somebody held it a moment ago, or was just acquiring it: trying again is right.
    Contended(String),
    /// The store failed; whether the lock is held is said by the error's kind.
    Failed(Error),
}

/// What a refused acquisition comes to, by the lock that is found now.
pub(crate) fn judge(found: Option<Holder>, record: &LockRecord) -> Result<Holder, Refusal> {
    let claimed = claim(found.as_ref().map(|holder| holder.record.as_deref()), &record.text);
    match (claimed, found) {
        (Claim::Ours, Some(holder)) => Ok(holder),
        (Claim::Others, Some(holder)) => Err(Refusal::Held(Box::new(holder))),
        _ => Err(Refusal::Contended("the lock was released while its holder was looked up".into())),
    }
}

/// One place that locks are kept in.
pub(crate) trait LockStore: fmt::Debug + Send + Sync {
    /// Acquires the lock if nobody holds it; a holder with this record's own id is us, after a lost reply.
    fn acquire<'a>(&'a self, record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>>;

    /// Who holds the lock.
    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>>;

    /// Removes exactly this holder's lock; `false` where it is not there any more or somebody else's is.
    fn release<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<bool>>;
}
