//! The one repair: recording the digest of an object that proves which recorded one it replaced.

use bytes::Bytes;

use super::Diagnosis;
use super::finding::FindingKind;
use crate::digest::StateDigest;
use crate::digest_item::DigestItem;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockGuard, LockOptions, Operation};
use crate::names::ETag;
use crate::read::Snapshot;
use crate::workspace::Workspace;

/// A repair, bound to exactly what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fix {
    pub(super) digest: StateDigest,
    pub(super) recorded: StateDigest,
    pub(super) etag: Option<ETag>,
}

/// What is kept before something is changed.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The digest item as DynamoDB's JSON.
    pub item: String,
    /// The object.
    pub object: Bytes,
}

impl Workspace {
    /// Repairs what a diagnosis proved, under lock, if it is still exactly what was seen; `false` where it proved nothing.
    ///
    /// `keep` is handed the item and the object right before the item is replaced, and says where it put them; nothing
    /// is changed where it fails.
    ///
    /// # Errors
    /// - [`ErrorKind::Locked`]: somebody holds the lock.
    /// - [`ErrorKind::Conflict`]: object or digest changed since they were looked at.
    /// - The errors of `keep`, of reading and of the table. Nothing was changed but where the error says otherwise.
    pub async fn fix(
        &self,
        diagnosis: &mut Diagnosis,
        options: &LockOptions,
        keep: impl FnOnce(&Kept) -> Result<Vec<String>>,
    ) -> Result<bool> {
        let (Some(fix), Some(item)) = (diagnosis.fix.take(), self.digest_item()) else { return Ok(false) };
        let options = LockOptions { lock: true, ..*options };
        let guard = self.lock(Operation::Doctor, &options).await?;
        let kept = match self.carry_out(&fix, &item, keep).await {
            Ok(kept) => kept,
            Err(error) => return Err(self.give_up(guard, error).await),
        };
        release(guard, &self.url()).await?;
        diagnosis.fixed(FindingKind::DigestBehind, &kept);
        Ok(true)
    }

    async fn carry_out(
        &self,
        fix: &Fix,
        item: &DigestItem,
        keep: impl FnOnce(&Kept) -> Result<Vec<String>>,
    ) -> Result<Vec<String>> {
        let (found, recorded) = self.read_once().await?;
        let Some(object) = fix.still_holds(&found, recorded) else { return Err(self.moved()) };
        let kept = keep(&Kept { item: item.json(fix.recorded), object })?;
        let (item, digest, seen) = (item.clone(), fix.digest, fix.recorded);
        let step = self.backend.keeper.begin(Some(self.url()))?;
        match step.carry_out(async move { item.put_after(digest, Some(seen)).await }).await {
            Ok(true) => Ok(kept),
            Ok(false) => Err(self.moved()),
            Err(failure) => Err(failure.into_error(format!("can't record the digest of `{}`", self.url()))),
        }
    }

    fn moved(&self) -> Error {
        let message =
            format!("`{}` or its digest changed since it was looked at; nothing was fixed", self.url());
        Error::new(ErrorKind::Conflict, message).hint("look again: `s3tate doctor`")
    }
}

impl Fix {
    /// The object's bytes, if it is still what was seen and proves what it proved.
    fn still_holds(&self, found: &Snapshot, recorded: Option<StateDigest>) -> Option<Bytes> {
        let same =
            found.etag == self.etag && found.digest == Some(self.digest) && recorded == Some(self.recorded);
        if same && found.succeeds(self.recorded) { found.bytes.clone() } else { None }
    }
}

async fn release(guard: Option<LockGuard>, url: &str) -> Result<()> {
    let Some(guard) = guard else { return Ok(()) };
    let released = guard.release().await;
    released.map(drop).map_err(|error| error.fact("note", format!("the digest of `{url}` was recorded")))
}
