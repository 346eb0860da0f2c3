//! Reading a state: object and digest in one round trip, each proving the other.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::aws::Failure;
use crate::digest::StateDigest;
use crate::download::{Download, READINGS};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{ETag, VersionId};
use crate::object::{Body, Bucket, Metadata};
use crate::payload::Payload;
use crate::workspace::Workspace;

/// The pause between readings while the digest disagrees, as with stock clients.
const DIGEST_PAUSE: Duration = Duration::from_secs(2);

/// A state as it was read: one version of the object, proven by the digest where one is recorded.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The stored bytes; `None` where there is no object or an empty one, which both mean "no state".
    pub bytes: Option<Bytes>,
    /// The same, where it was read to be passed on or compared, and may be large.
    pub(crate) spooled: Option<Payload>,
    /// The object's entity tag; `None` where there is no object.
    pub etag: Option<ETag>,
    /// The object's version, in a versioned bucket.
    pub version_id: Option<VersionId>,
    /// MD5 of the bytes.
    pub digest: Option<StateDigest>,
    /// When it was stored.
    pub(crate) modified: Option<Timestamp>,
    /// Whether it must be kept before anything replaces it, whatever is configured.
    pub(crate) must_be_kept: bool,
    pub(crate) metadata: Metadata,
    /// The digest that was recorded when this was read.
    pub(crate) recorded: Option<StateDigest>,
}

impl Snapshot {
    pub(crate) fn new(body: Option<Body>) -> Self {
        let Some(body) = body else { return Self::default() };
        let digest = (!body.bytes.is_empty()).then(|| StateDigest::of(&body.bytes));
        Self {
            bytes: digest.is_some().then_some(body.bytes),
            spooled: None,
            etag: body.etag,
            version_id: body.facts.version_id,
            modified: body.facts.modified,
            must_be_kept: false,
            digest,
            metadata: body.facts.metadata,
            recorded: None,
        }
    }

    /// The ID of the lock that this was written under, where it was written for somebody else.
    pub fn written_under(&self) -> Option<&str> {
        self.metadata.lock.as_deref()
    }

    /// The state, however it was read; `None` where there is none.
    pub fn payload(&self) -> Option<Payload> {
        self.spooled.clone().or_else(|| self.bytes.clone().map(Payload::from))
    }

    /// Whether the recorded digest is this state's; an unknown one fits any, as for stock clients.
    pub(crate) fn fits(&self, recorded: Option<StateDigest>) -> bool {
        recorded.is_none() || recorded == self.digest
    }

    /// Whether s3tate wrote this state over the one that is still recorded: a write that stopped halfway.
    pub(crate) fn succeeds(&self, recorded: StateDigest) -> bool {
        self.digest.is_some() && self.metadata.digest == self.digest && self.metadata.parent == Some(recorded)
    }
}

impl Workspace {
    /// Reads the state.
    ///
    /// Where the recorded digest disagrees, both are read again every 2 s for up to 10 s, since a writer may be
    /// between the two. Nothing is created and nothing is written.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`]: object and digest still disagree; the error shows both.
    /// - [`ErrorKind::Denied`], [`ErrorKind::Unavailable`]: bucket or table can't be read.
    pub async fn read(&self) -> Result<Snapshot> {
        let env = &self.backend.env;
        let start = env.instant();
        let mut readings = 1;
        loop {
            let (snapshot, recorded) = self.read_once().await?;
            let Some(recorded) = recorded.filter(|_| !snapshot.fits(recorded)) else { return Ok(snapshot) };
            let spent = env.instant().duration_since(start);
            if spent >= self.backend.digest_timeout {
                return Err(self.mismatch(&snapshot, recorded, readings, spent));
            }
            env.sleep(DIGEST_PAUSE.min(self.backend.digest_timeout.saturating_sub(spent))).await;
            readings += 1;
        }
    }

    /// Object and recorded digest, read at the same time and not compared.
    pub(crate) async fn read_once(&self) -> Result<(Snapshot, Option<StateDigest>)> {
        let bucket = self.bucket();
        let (body, recorded) = self.with_digest(&bucket, bucket.get(self.key.as_str())).await?;
        Ok((Snapshot { recorded, ..Snapshot::new(body) }, recorded))
    }

    /// The same, with the object in a file where it is large.
    pub(crate) async fn read_once_spooled(&self) -> Result<(Snapshot, Option<StateDigest>)> {
        let bucket = self.bucket();
        for _ in 0..READINGS {
            let (download, recorded) = self.open(&bucket).await?;
            let Some(download) = download else {
                return Ok((Snapshot { recorded, ..Snapshot::default() }, recorded));
            };
            let (etag, facts) = (download.etag.clone(), download.facts.clone());
            let Some(payload) = self.spool(download).await? else { continue };
            let digest = (payload.length() > 0).then(|| payload.digest());
            let snapshot = Snapshot {
                bytes: None,
                spooled: digest.is_some().then_some(payload),
                etag,
                version_id: facts.version_id,
                modified: facts.modified,
                must_be_kept: false,
                digest,
                metadata: facts.metadata,
                recorded,
            };
            return Ok((snapshot, recorded));
        }
        self.read_once().await
    }

    /// The object, its body still to come, and the recorded digest, asked for at the same time.
    pub(crate) async fn open<'a>(
        &'a self,
        bucket: &'a Bucket,
    ) -> Result<(Option<Download<'a>>, Option<StateDigest>)> {
        self.with_digest(bucket, bucket.open(self.key.as_str())).await
    }

    async fn with_digest<T>(
        &self,
        bucket: &Bucket,
        object: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, Option<StateDigest>)> {
        // Both are waited for, so that the same mistake gives the same error each time: the object's.
        let (object, recorded) = futures::future::join(object, self.recorded_digest()).await;
        let object = object.map_err(|failure| self.not_read(bucket, failure))?;
        Ok((object, recorded?))
    }

    /// The error of a read; a refusal may stand for a state that isn't there.
    pub(crate) fn not_read(&self, bucket: &Bucket, failure: Failure) -> Error {
        let denied = failure.denied();
        let error = bucket.error(failure, format!("can't read `{}`", self.url()));
        if !denied {
            return error;
        }
        error
            .fact("maybe", "there is no state: S3 says so only to those who have s3:ListBucket on the bucket")
    }

    /// The digest in the table; `None` where there is no table or nothing usable in it.
    pub(crate) async fn recorded_digest(&self) -> Result<Option<StateDigest>> {
        match self.digest_item() {
            Some(item) => item.get().await,
            None => Ok(None),
        }
    }

    fn mismatch(&self, found: &Snapshot, recorded: StateDigest, readings: u32, spent: Duration) -> Error {
        let place = self.digest_item().map(|item| item.place()).unwrap_or_default();
        let message = format!("`{}` does not match its recorded digest; it was not used", self.url());
        let calculated = match found.digest {
            Some(digest) => digest.to_string(),
            None => "none, since there is no state".to_owned(),
        };
        let error = Error::new(ErrorKind::Corrupt, message)
            .fact("bucket", self.backend.config.bucket.clone())
            .fact("key", self.key.to_string())
            .fact("calculated checksum", calculated)
            .fact("stored checksum", format!("{recorded}, {place}"))
            .fact("read", format!("{readings} times in {} s", spent.as_secs()));
        explain_mismatch(error, found, recorded)
    }
}

/// The provable case: s3tate wrote the object over the one that the table still records.
fn explain_mismatch(error: Error, found: &Snapshot, recorded: StateDigest) -> Error {
    match found.digest {
        Some(digest) if found.metadata.digest == Some(digest) && found.metadata.parent == Some(recorded) => {
            error
                .fact(
                    "cause",
                    "a writer stopped after the object and before its digest; the object is its successor",
                )
                .hint(format!("`s3tate doctor -fix` sets `Digest` of that item to {digest}, under lock"))
        }
        Some(digest) => error
            .fact("cause", "the object was replaced without its digest, or its digest without the object")
            .hint(format!(
                "`s3tate doctor` compares both with the object's versions; if the object is the right one, set \
                 `Digest` of that item to {digest}"
            )),
        None => error
            .fact("cause", "the object is gone while its digest is still recorded")
            .hint(
                "restore the object from its versions, or remove that item if the state is to be empty; \
                 `s3tate doctor` shows how",
            ),
    }
}
