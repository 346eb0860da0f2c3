//! Writing a state: compare-and-swap of the object, then digest and release in one transaction.

use std::sync::Arc;
use std::time::Duration;

use crate::aws::{Failure, Service};
use crate::digest::StateDigest;
use crate::digest_item::DigestItem;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Holder, LockGuard, LockKind};
use crate::names::{ETag, VersionId};
use crate::object::{Body, Condition, Put, Receipt};
use crate::payload::Payload;
use crate::protocol::{Attempt, PutFate, Record, Recorded, Settled, Stored, digest_is_due, fate_of_put};
use crate::provenance::{self, Contents, Writer};
use crate::read::Snapshot;
use crate::state::Header;
use crate::workspace::Workspace;

/// How often a write is tried again that met another one under way (409).
const CONCURRENT_ATTEMPTS: u32 = 5;
/// The pause before the first of those, doubled each time.
const CONCURRENT_PAUSE: Duration = Duration::from_millis(100);

/// How often a digest is recorded over one that came in between; each time, somebody else's came late.
const DIGEST_ATTEMPTS: u32 = 8;

/// A write that happened.
#[derive(Debug, Clone)]
pub struct Written {
    /// MD5 of the stored bytes.
    pub digest: StateDigest,
    /// Entity tag of the stored object.
    pub etag: ETag,
    /// The version that it made, in a versioned bucket.
    pub version_id: Option<VersionId>,
    /// Whether the lock was no longer ours when it was to be released. The write stands all the same, since it
    /// replaced exactly the state that was read.
    pub lock_lost: bool,
}

impl Written {
    /// What the next write replaces, where nobody writes in between.
    pub fn as_base(&self) -> Snapshot {
        Snapshot {
            etag: Some(self.etag.clone()),
            digest: Some(self.digest),
            recorded: Some(self.digest),
            ..Snapshot::default()
        }
    }
}

impl Workspace {
    /// Replaces the state that was read by `bytes`, records the digest, and releases the lock.
    ///
    /// Sends `bytes` unchanged, on condition that what is stored is still `base`. The metadata that travels with the
    /// object makes it self-describing: its MD5, its parent's, serial, lineage, writer. A lost reply is settled by
    /// reading back. What has begun comes to its end even if the returned future is dropped.
    ///
    /// # Errors
    /// - [`ErrorKind::Interrupted`]: a stop was asked for; nothing was written; the lock is released.
    /// - [`ErrorKind::Conflict`]: something else is stored; nothing was written; the lock is released.
    /// - [`ErrorKind::Unknown`]: the reply was lost and reading back failed (the lock is kept), or the object was
    ///   written and its digest was not; the error says which.
    /// - [`ErrorKind::Denied`], [`ErrorKind::Unavailable`]: nothing was written; the lock is released.
    pub async fn write_and_release(
        &self,
        base: &Snapshot,
        bytes: impl Into<Payload>,
        guard: Option<LockGuard>,
    ) -> Result<Written> {
        let (base, bytes) = (base.clone(), bytes.into());
        let write = |workspace: Self, guard| async move { workspace.write_uncut(&base, bytes, guard).await };
        self.uncut(guard, write).await
    }

    /// The write itself; without a guard, a lock that is held stays held.
    pub(crate) async fn write_uncut(
        &self,
        base: &Snapshot,
        bytes: Payload,
        guard: Option<LockGuard>,
    ) -> Result<Written> {
        let digest = bytes.digest();
        if let Err(error) = self.keep_copy(base).await {
            return Err(self.give_up(guard, error).await);
        }
        let Receipt { etag, version_id } = match self.put_state(base, bytes, digest).await {
            Ok(receipt) => receipt,
            Err(Unacknowledged { error, under_way: true }) => return Err(keep_lock(guard, error)),
            Err(Unacknowledged { error, under_way: false }) => return Err(self.give_up(guard, error).await),
        };
        let lock_lost = self.settle(base, digest, &etag, guard).await?;
        self.drop_surplus().await;
        Ok(Written { digest, etag, version_id, lock_lost })
    }

    async fn put_state(
        &self,
        base: &Snapshot,
        bytes: Payload,
        digest: StateDigest,
    ) -> Result<Receipt, Unacknowledged> {
        let write_id = self.backend.env.random_id()?;
        let metadata = self.metadata(base, &bytes, digest, &write_id).await;
        let condition = base.etag.as_ref().map_or(Condition::Absent, Condition::Is);
        let bucket = self.bucket();
        let mut attempt = 0;
        loop {
            let put = Put {
                key: self.key.as_str(),
                bytes: bytes.clone(),
                condition,
                metadata: &metadata,
                tags: &self.backend.config.state_tags,
            };
            match bucket.put(put).await {
                Ok(receipt) => return Ok(receipt),
                Err(failure) if failure.concurrent_write() && attempt < CONCURRENT_ATTEMPTS => {
                    self.backend.env.sleep(CONCURRENT_PAUSE * 2_u32.pow(attempt)).await;
                    attempt += 1;
                }
                Err(failure) => return self.settle_put(base, &write_id, digest, failure).await,
            }
        }
    }

    /// Decides what became of a write that was not acknowledged.
    async fn settle_put(
        &self,
        base: &Snapshot,
        write_id: &str,
        digest: StateDigest,
        failure: Failure,
    ) -> Result<Receipt, Unacknowledged> {
        let refused = failure.precondition_failed() || failure.is("NoSuchKey") || failure.concurrent_write();
        if !refused && !failure.outcome_unknown() {
            let bucket = self.bucket();
            let message = format!("can't write `{}`; the stored state is as it was", self.url());
            return Err(bucket.error(failure, message).into());
        }
        // A refusal may be the answer to the SDK's second attempt, after the first one's reply was lost.
        let Ok(found) = self.bucket().get(self.key.as_str()).await else {
            let error = failure
                .into_error_of(ErrorKind::Unknown, format!("can't tell whether `{}` was written", self.url()))
                .hint("once S3 answers, compare with `s3tate state pull` before you push again");
            return Err(Unacknowledged { error, under_way: true });
        };
        let attempt = Attempt { write_id, digest, base: base.etag.as_ref(), parent: base.digest, refused };
        let error = match fate_of_put(&attempt, stored(found.as_ref())) {
            PutFate::Written(etag) => {
                let version_id = found.and_then(|body| body.facts.version_id);
                return Ok(Receipt { etag, version_id });
            }
            PutFate::Replaced => self.replaced(found.as_ref(), failure),
            PutFate::Conflict => self.conflict(base, found.as_ref(), failure).await,
            PutFate::Unclear => self.unclear(found.as_ref(), failure),
            PutFate::NotWritten => failure.into_error_of(
                ErrorKind::Unavailable,
                format!("can't write `{}`; the stored state is as it was", self.url()),
            ),
        };
        Err(error.into())
    }

    /// The error of a write that happened, unheard, and that somebody has built upon since.
    fn replaced(&self, found: Option<&Body>, failure: Failure) -> Error {
        let message = format!("`{}` was written, and another write has replaced it since", self.url());
        failure
            .into_error_of(ErrorKind::Unknown, message)
            .fact("stored", describe_body(found))
            .hint("nothing is lost: `s3tate state pull` shows what was built on this write")
    }

    /// The error of a write that others may have come over, or instead of.
    fn unclear(&self, found: Option<&Body>, failure: Failure) -> Error {
        let message = format!("can't tell whether `{}` was written before others wrote it", self.url());
        failure
            .into_error_of(ErrorKind::Unknown, message)
            .fact("stored", describe_body(found))
            .hint("look at what is stored (`s3tate state pull`) before you push again")
    }

    async fn conflict(&self, base: &Snapshot, found: Option<&Body>, failure: Failure) -> Error {
        let message = format!("`{}` changed after it was read; nothing was written", self.url());
        let read = match base.payload() {
            Some(payload) => payload.summary().await.0,
            None => None,
        };
        failure
            .into_error_of(ErrorKind::Conflict, message)
            .fact("read", describe(read, base.etag.as_ref()))
            .fact("stored", describe_body(found))
            .hint("read it again (`s3tate state pull`) and redo the change on it")
    }

    /// Records the digest and releases the lock; `true` where the lock was no longer ours.
    async fn settle(
        &self,
        base: &Snapshot,
        digest: StateDigest,
        etag: &ETag,
        guard: Option<LockGuard>,
    ) -> Result<bool> {
        let Some(mut guard) = guard else {
            if let Some(item) = self.digest_item() {
                self.record_and_release(base, digest, etag, &item, None).await?;
            }
            return Ok(false);
        };
        let mut lost = false;
        if let Some(item) = self.digest_item() {
            let lock = guard.held().iter().find(|holder| holder.kind == LockKind::DynamoDb).cloned();
            match self.record_and_release(base, digest, etag, &item, lock.as_ref()).await {
                Ok(Recorded::Released) => guard.forget(LockKind::DynamoDb),
                Ok(Recorded::StillHeld) => {}
                Ok(Recorded::Lost) => {
                    guard.forget(LockKind::DynamoDb);
                    lost = true;
                }
                Err(error) => return Err(self.give_up(Some(guard), error).await),
            }
        }
        let released = guard.release().await.map_err(|error| self.written_but_locked(error))?;
        Ok(lost || !released.missing.is_empty())
    }

    async fn record_and_release(
        &self,
        base: &Snapshot,
        digest: StateDigest,
        etag: &ETag,
        item: &DigestItem,
        lock: Option<&Holder>,
    ) -> Result<Recorded> {
        let settled = match lock {
            Some(lock) => item.put_and_release(digest, base.recorded, lock).await,
            None => Ok(Settled::NoTransactions),
        };
        let recorded = match settled.map(|settled| settled.then(base.recorded)) {
            Ok(Record::Done(recorded)) => Ok(recorded),
            Ok(Record::PutAfter(recorded)) => {
                self.record(item, digest, etag, base.recorded).await.map(|()| recorded)
            }
            Err(failure) => Err(failure),
        };
        recorded.map_err(|failure| self.digest_missing(failure, item, digest))
    }

    /// Records a digest unless whoever wrote since sees to it.
    async fn record(
        &self,
        item: &DigestItem,
        digest: StateDigest,
        etag: &ETag,
        mut read: Option<StateDigest>,
    ) -> Result<(), Failure> {
        for _ in 0..DIGEST_ATTEMPTS {
            if item.put_after(digest, read).await? {
                return Ok(());
            }
            // In this order, or the digest might be of a write that came after the object that was looked at.
            read = item.found().await?;
            if !digest_is_due(read, etag, self.bucket().tag(self.key.as_str()).await?.as_ref()) {
                return Ok(());
            }
        }
        Err(Failure::interrupted(
            Service::DynamoDb,
            "the digest kept changing, and this one was refused".into(),
        ))
    }

    fn digest_missing(&self, failure: Failure, item: &DigestItem, digest: StateDigest) -> Error {
        let message = format!("`{}` was written, but its digest was not recorded", self.url());
        let denied = failure.denied();
        let error = failure.into_error_of(ErrorKind::Unknown, message).fact("digest", digest.to_string());
        let error = error.fact("item", item.place());
        let hint = "every reader fails until `Digest` of that item has this value, which `s3tate doctor -fix` sees to";
        if denied { error.hint(format!("grant dynamodb:PutItem; {hint}")) } else { error.hint(hint) }
    }

    fn written_but_locked(&self, error: Error) -> Error {
        error.fact("note", format!("`{}` was written; only the release of its lock failed", self.url()))
    }
}

/// A write that was not acknowledged.
struct Unacknowledged {
    error: Error,
    /// Whether it may still be carried out, so that the lock must stay.
    under_way: bool,
}

impl From<Error> for Unacknowledged {
    fn from(error: Error) -> Self {
        Self { error, under_way: false }
    }
}

fn stored(found: Option<&Body>) -> Option<Stored<'_>> {
    let body = found?;
    let metadata = &body.facts.metadata;
    Some(Stored {
        etag: body.etag.as_ref()?,
        write_id: metadata.write_id.as_deref(),
        parent: metadata.parent,
    })
}

impl Workspace {
    /// What makes the object self-describing.
    async fn metadata(
        &self,
        base: &Snapshot,
        bytes: &Payload,
        digest: StateDigest,
        write_id: &str,
    ) -> Vec<(&'static str, String)> {
        let own = || Arc::new(Writer { who: self.backend.env.who(), ..Writer::default() });
        let writer = self.writer.clone().unwrap_or_else(own);
        provenance::described(base, Contents::of(base, bytes).await, digest, write_id, &writer)
    }
}

/// Leaves the lock in place on purpose: a write may still be under way.
fn keep_lock(guard: Option<LockGuard>, error: Error) -> Error {
    let Some(mut guard) = guard else { return error };
    let id = guard.info().id.clone();
    guard.forget(LockKind::DynamoDb);
    guard.forget(LockKind::LockFile);
    error
        .fact("lock", format!("still held, with ID {id}, so that nobody else writes meanwhile"))
        .fact("next", format!("after looking: `s3tate force-unlock {id}`"))
}

fn describe_body(body: Option<&Body>) -> String {
    let header = body.and_then(|body| Header::parse(&body.bytes).ok().flatten());
    describe(header, body.and_then(|body| body.etag.as_ref()))
}

fn describe(header: Option<Header>, etag: Option<&ETag>) -> String {
    let tag = etag.map_or("none", ETag::as_str);
    match header {
        Some(header) => format!("serial {}, lineage {}, ETag {tag}", header.serial, header.lineage),
        None => format!("no state, ETag {tag}"),
    }
}
