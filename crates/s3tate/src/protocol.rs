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
    /// It happened, and another write has replaced it since.
    Replaced,
    /// Something else is stored, over what was read or in its place.
    Conflict,
    /// Something else is stored, and whether it came over this write or instead of it can't be told.
    Unclear,
    /// What was read is still stored.
    NotWritten,
}

/// An object as it is found by a writer who looks for its write.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its entity tag.
    pub etag: &'a ETag,
    /// The id of the write that stored it.
    pub write_id: Option<&'a str>,
    /// The digest of what it replaced.
    pub parent: Option<StateDigest>,
}

/// A write whose fate is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Its id.
    pub write_id: &'a str,
    /// The digest of its bytes.
    pub digest: StateDigest,
    /// The entity tag that it was bound to.
    pub base: Option<&'a ETag>,
    /// The digest of what it was to replace.
    pub parent: Option<StateDigest>,
    /// Whether it was refused; otherwise there was no answer.
    pub refused: bool,
}

/// What became of a write, by the object that is stored now.
///
/// A refusal may be the answer to the SDK's second attempt, after the first one's reply was lost. Without an answer,
/// others may have written over this write and over each other; only a direct successor of what was read shows that it
/// never was stored.
pub fn fate_of_put(attempt: &Attempt<'_>, stored: Option<Stored<'_>>) -> PutFate {
    let instead = |stored: Stored<'_>| stored.write_id.is_some() && stored.parent == attempt.parent;
    match stored {
        Some(stored) if stored.write_id == Some(attempt.write_id) => PutFate::Written(stored.etag.clone()),
        Some(stored) if stored.parent == Some(attempt.digest) => PutFate::Replaced,
        _ if attempt.refused => PutFate::Conflict,
        stored if stored.map(|stored| stored.etag) == attempt.base => PutFate::NotWritten,
        Some(stored) if instead(stored) => PutFate::Conflict,
        _ => PutFate::Unclear,
    }
}

/// Whether a writer whose digest was refused, since another is recorded, has to record it over that one.
///
/// Decided by the object that is stored, looked at after that digest was read: where it is still the writer's, that
/// digest is of an earlier write, and nobody else will replace it. Otherwise it is for whoever wrote since. Where none
/// is recorded any more, the state is being deleted; a digest without an object would bar everybody.
pub fn digest_is_due(recorded: Option<StateDigest>, ours: &ETag, stored: Option<&ETag>) -> bool {
    recorded.is_some() && stored == Some(ours)
}

/// How a digest was put together with a release of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Settled {
    /// Both happened in one transaction.
    Both,
    /// The lock was not ours any more; the digest was not put.
    LockLost,
    /// The lock is ours, but another digest is recorded than the one that was read; neither happened.
    DigestMoved,
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
    /// Nothing is left to do: it is recorded, or better left alone.
    Done(Recorded),
    /// By a put of its own, only over the digest that was read: others may have written by now. Where another is
    /// recorded, [`digest_is_due`] decides.
    PutAfter(Recorded),
}

impl Settled {
    /// What is left to do after a state was read with this digest recorded.
    ///
    /// Whoever took the lock may have deleted the state. Where none was recorded, nothing would show that, and a
    /// digest without an object would bar everybody; no digest bars nobody.
    pub fn then(self, recorded: Option<StateDigest>) -> Record {
        match self {
            Self::Both => Record::Done(Recorded::Released),
            Self::NoTransactions | Self::DigestMoved => Record::PutAfter(Recorded::StillHeld),
            Self::LockLost if recorded.is_none() => Record::Done(Recorded::Lost),
            Self::LockLost => Record::PutAfter(Recorded::Lost),
        }
    }
}

/// Whether a push writes its source over a stored state; `None` where it is refused.
pub fn push_writes(source: &[u8], stored: &Snapshot, force: bool) -> Option<bool> {
    crate::push::writes(source, stored, force)
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
            spooled: None,
            etag: Some(etag),
            version_id: None,
            modified: None,
            must_be_kept: false,
            metadata: Metadata { digest: written, parent, ..Metadata::default() },
            recorded: None,
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
    fn only_the_last_writer_replaces_a_digest_that_came_late() {
        let (ours, theirs) = (ETag::from("ours".to_owned()), ETag::from("theirs".to_owned()));
        let late = Some(StateDigest::of(b"late"));
        assert!(digest_is_due(late, &ours, Some(&ours)));
        assert!(!digest_is_due(late, &ours, Some(&theirs)));
        assert!(!digest_is_due(late, &ours, None));
        assert!(!digest_is_due(None, &ours, Some(&ours)));
    }

    #[test]
    fn only_the_own_write_id_says_written() {
        let (old, new) = (ETag::from("old".to_owned()), ETag::from("new".to_owned()));
        let (ours, theirs) = (StateDigest::of(b"ours"), StateDigest::of(b"theirs"));
        let parent = Some(StateDigest::of(b"read"));
        let fate = |refused, stored| {
            fate_of_put(&Attempt { write_id: "w", digest: ours, base: Some(&old), parent, refused }, stored)
        };
        let by = |etag, write_id, parent| Some(Stored { etag, write_id, parent: Some(parent) });
        assert_eq!(fate(true, by(&new, Some("w"), theirs)), PutFate::Written(new.clone()));
        assert_eq!(fate(true, by(&new, Some("v"), ours)), PutFate::Replaced);
        assert_eq!(fate(true, by(&old, Some("v"), theirs)), PutFate::Conflict);
        assert_eq!(fate(true, by(&new, Some("v"), theirs)), PutFate::Conflict);
        assert_eq!(fate(false, by(&new, Some("v"), StateDigest::of(b"read"))), PutFate::Conflict);
        assert_eq!(fate(false, by(&new, Some("v"), theirs)), PutFate::Unclear);
        assert_eq!(fate(false, by(&new, None, theirs)), PutFate::Unclear);
        assert_eq!(fate(false, None), PutFate::Unclear);
        assert_eq!(fate(false, by(&old, Some("v"), theirs)), PutFate::NotWritten);
    }
}
