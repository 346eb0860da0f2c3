//! What locking and writing decide, apart from the requests they send. Not part of the stable interface.
//!
//! The code asks these functions what to do with an answer, and so does the model of it in `s3tate-model`: what is
//! explored there is what is carried out here.

use crate::digest::StateDigest;
use crate::names::ETag;
use crate::object::Metadata;
use crate::read::Snapshot;

/// Whose lock it is that was found after ours was refused, or after the reply to it was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Ours: an earlier attempt of the same request had its effect.
    Ours,
    /// Somebody else's, or one that can't be read.
    Others,
    /// Nobody's: it was released meanwhile.
    Nobodys,
}

/// Whose lock it is, by the record that is stored (`Some(None)`: a lock without a record) and our own.
pub fn claim(stored: Option<Option<&str>>, ours: &str) -> Claim {
    match stored {
        Some(Some(record)) if record == ours => Claim::Ours,
        Some(_) => Claim::Others,
        None => Claim::Nobodys,
    }
}

/// What a state that was read under a lock, or without one, is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The digest proves it, or none is recorded.
    Proven,
    /// A write that stopped before its digest, which we may record: nothing else can be under way.
    Completable(StateDigest),
    /// Object and digest disagree: a writer may be between the two.
    Disagreeing,
}

impl Reading {
    /// Judges a state by the digest that was recorded for it.
    pub fn of(snapshot: &Snapshot, recorded: Option<StateDigest>, locked: bool) -> Self {
        match recorded {
            Some(recorded) if !snapshot.fits(Some(recorded)) => {
                if locked && snapshot.succeeds(recorded) {
                    Self::Completable(recorded)
                } else {
                    Self::Disagreeing
                }
            }
            _ => Self::Proven,
        }
    }
}

/// What became of a write that was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutFate {
    /// It happened.
    Written(ETag),
    /// Something else is stored.
    Conflict,
    /// What was read is still stored.
    NotWritten,
}

/// What became of a write, by the object that is stored now: its entity tag and the id of the write that stored it.
///
/// A refusal may be the answer to the SDK's second attempt, after the first one's reply was lost.
pub fn fate_of_put(
    write_id: &str,
    base: Option<&ETag>,
    refused: bool,
    stored: Option<(&ETag, Option<&str>)>,
) -> PutFate {
    match stored {
        Some((etag, Some(stored_by))) if stored_by == write_id => PutFate::Written(etag.clone()),
        stored if refused || stored.map(|(etag, _)| etag) != base => PutFate::Conflict,
        _ => PutFate::NotWritten,
    }
}

/// How a digest was put together with a release of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// Both happened in one transaction.
    Both,
    /// The lock was not ours any more; the digest was not put.
    LockLost,
    /// The caller or the store doesn't have transactions; nothing happened.
    NoTransactions,
}

/// What became of the lock item while the digest was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recorded {
    /// It was removed.
    Released,
    /// It is still there, and ours.
    StillHeld,
    /// It was not ours any more.
    Lost,
}

/// How the digest is recorded after the transaction, and what becomes of the lock item by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Record {
    /// It is recorded.
    Done(Recorded),
    /// By a put of its own.
    Put(Recorded),
    /// By a put of its own, only over our parent's: whoever took the lock may have written by now.
    PutAfterParent(Recorded),
}

impl Settled {
    /// What is left to do.
    pub fn then(self) -> Record {
        match self {
            Self::Both => Record::Done(Recorded::Released),
            Self::NoTransactions => Record::Put(Recorded::StillHeld),
            Self::LockLost => Record::PutAfterParent(Recorded::Lost),
        }
    }
}

impl Snapshot {
    /// A state as it would be read: its bytes, and what its metadata says of itself and of the one it replaced.
    pub fn assemble(
        bytes: bytes::Bytes,
        etag: ETag,
        written: Option<StateDigest>,
        parent: Option<StateDigest>,
    ) -> Self {
        Self {
            digest: Some(StateDigest::of(&bytes)),
            bytes: Some(bytes),
            etag: Some(etag),
            version_id: None,
            metadata: Metadata { digest: written, parent, write_id: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_differs_in_one_byte_is_not_ours() {
        assert_eq!(claim(Some(Some("a")), "a"), Claim::Ours);
        assert_eq!(claim(Some(Some("a ")), "a"), Claim::Others);
        assert_eq!(claim(Some(None), "a"), Claim::Others);
        assert_eq!(claim(None, "a"), Claim::Nobodys);
    }

    #[test]
    fn only_the_own_write_id_says_written() {
        let (old, new) = (ETag::from("old".to_owned()), ETag::from("new".to_owned()));
        let fate = |refused, stored| fate_of_put("w", Some(&old), refused, stored);
        assert_eq!(fate(true, Some((&new, Some("w")))), PutFate::Written(new.clone()));
        assert_eq!(fate(true, Some((&old, Some("v")))), PutFate::Conflict);
        assert_eq!(fate(false, Some((&new, None))), PutFate::Conflict);
        assert_eq!(fate(false, None), PutFate::Conflict);
        assert_eq!(fate(false, Some((&old, Some("v")))), PutFate::NotWritten);
    }
}
