//! Bringing a version back: under lock, over exactly what is stored, with a serial above every one before.

use bytes::Bytes;

use super::{StateVersion, VersionSpec};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockGuard, LockOptions, Operation};
use crate::read::Snapshot;
use crate::state::{self, Header};
use crate::workspace::Workspace;
use crate::write::Written;

/// A version that is about to be stored again, under lock. Nothing is written before [`Restoration::write`].
#[derive(Debug)]
pub struct Restoration {
    workspace: Workspace,
    guard: Option<LockGuard>,
    stored: Snapshot,
    restored: Bytes,
    /// The serial it will have.
    pub serial: u64,
}

impl Workspace {
    /// Prepares to store an earlier version again, with the lock held from here on.
    ///
    /// What is stored may be anything: gone, cut off, or other than the recorded digest. Its serial and those of all
    /// versions are below the new one; the lineage is that of the version. Where the bucket keeps no versions, what is
    /// stored is kept below `.s3tate/snapshots/` whatever is configured.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no such version.
    /// - [`ErrorKind::Corrupt`]: the version is no state, or one that `OpenTofu` encrypted.
    /// - those of [`Workspace::lock`] and [`Workspace::history`]. The lock is released.
    pub async fn restore(&self, spec: &VersionSpec, options: &LockOptions) -> Result<Restoration> {
        let guard = self.lock(Operation::Restore, options).await?;
        match self.prepare(spec).await {
            Ok((stored, restored, serial)) => {
                Ok(Restoration { workspace: self.clone(), guard, stored, restored, serial })
            }
            Err(error) => Err(self.give_up(guard, error).await),
        }
    }

    /// Prepares to store the bytes again, unchanged, that a deletion took away: those of the newest version.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`]: there is a state, which nobody deleted.
    /// - [`ErrorKind::NotFound`]: nothing is left of what was there.
    /// - those of [`Workspace::lock`] and [`Workspace::history`]. The lock is released.
    pub async fn undelete(&self, options: &LockOptions) -> Result<Restoration> {
        let guard = self.lock(Operation::Restore, options).await?;
        match self.prepare_undeletion().await {
            Ok((stored, restored, serial)) => {
                Ok(Restoration { workspace: self.clone(), guard, stored, restored, serial })
            }
            Err(error) => Err(self.give_up(guard, error).await),
        }
    }

    async fn prepare_undeletion(&self) -> Result<(Snapshot, Bytes, u64)> {
        let (versions, (stored, _)) = futures::future::try_join(self.versions(), self.read_once()).await?;
        if stored.bytes.is_some() {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("there is a state at `{}`; nothing was written", self.url()),
            ));
        }
        let newest = versions.iter().find(|version| !version.deleted && version.size_bytes > 0);
        let Some(newest) = newest else { return Err(self.missing()) };
        let bytes = self.version(&VersionSpec::Id(newest.id.clone())).await?;
        let serial = Header::parse(&bytes).ok().flatten().map(|header| header.serial).unwrap_or_default();
        Ok((stored, bytes, serial))
    }

    async fn prepare(&self, spec: &VersionSpec) -> Result<(Snapshot, Bytes, u64)> {
        let (bytes, history, (stored, _)) =
            futures::future::try_join3(self.version(spec), self.history(None), self.read_once()).await?;
        let replaced_for_good = history.iter().any(|version| version.latest && version.id.as_str() == "null");
        let stored = Snapshot { must_be_kept: replaced_for_good, ..stored };
        let serial = highest(&history).saturating_add(1);
        let restored = state::with_header(&bytes, serial, None).map_err(|cause| {
            Error::new(
                ErrorKind::Corrupt,
                format!("version {spec} of `{}` is no state that can be stored again", self.url()),
            )
            .hint(
                "choose another one of `s3tate history`; `aws s3api get-object -version-id` gives its bytes",
            )
            .with_source(cause)
        })?;
        Ok((stored, restored.into(), serial))
    }
}

fn highest(history: &[StateVersion]) -> u64 {
    history
        .iter()
        .filter_map(|version| version.header.as_ref())
        .map(|header| header.serial)
        .max()
        .unwrap_or_default()
}

impl Restoration {
    /// What is stored now; empty where nothing is.
    pub fn stored(&self) -> &[u8] {
        self.stored.bytes.as_deref().unwrap_or_default()
    }

    /// What will be stored.
    pub fn restored(&self) -> &[u8] {
        &self.restored
    }

    /// Whether that is what is stored already, apart from the serial, and its digest is the recorded one.
    pub fn is_needless(&self) -> bool {
        self.stored.fits(self.stored.recorded)
            && state::content_equal(self.stored(), self.restored()).unwrap_or_default()
    }

    /// Stores it, records its digest and releases the lock.
    ///
    /// # Errors
    /// Those of [`Workspace::write_and_release`].
    pub async fn write(self) -> Result<Written> {
        self.workspace.write_and_release(&self.stored, self.restored, self.guard).await
    }

    /// Leaves everything as it is and releases the lock.
    ///
    /// # Errors
    /// Those of releasing.
    pub async fn cancel(self) -> Result<()> {
        match self.guard {
            Some(guard) => guard.release().await.map(drop),
            None => Ok(()),
        }
    }
}
