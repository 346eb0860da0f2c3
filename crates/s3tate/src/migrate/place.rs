//! One state at one end of a migration: in S3, in a file, or on a state server.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::file::{StateFile, keep, replaced_name};
use super::http::ServedState;
use crate::digest::StateDigest;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{
    HeldLock, Keeper, LockGuard, LockInfo, LockKind, LockOptions, LockRecord, LockStore, Locks, Operation,
    acquire,
};
use crate::names::WorkspaceName;
use crate::object::{Condition, Put};
use crate::read::Snapshot;
use crate::workspace::Workspace;

/// A state, with all that it takes to lock, read and write it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) name: WorkspaceName,
    pub(super) kept: Kept,
    pub(super) keeper: Keeper,
    pub(super) env: Env,
}

/// Where a state is kept.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    S3(Box<Workspace>),
    File(StateFile),
    Http(Box<ServedState>),
}

/// A state as it was read, to be replaced or deleted exactly so where the store can tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) bytes: Option<Bytes>,
    /// The object in S3.
    object: Snapshot,
}

impl Place {
    /// The URL, path or address that tells it from others. Locks are taken in its order.
    pub(super) fn url(&self) -> String {
        match &self.kept {
            Kept::S3(workspace) => workspace.url(),
            Kept::File(file) => file.path().display().to_string(),
            Kept::Http(state) => state.url(),
        }
    }

    /// The same place as one that is only read.
    pub(super) fn only_read(self) -> Self {
        match self.kept {
            Kept::File(file) => Self { kept: Kept::File(file.only_read()), ..self },
            Kept::S3(_) | Kept::Http(_) => self,
        }
    }

    /// Whether both are one object in S3, whose locks or digests may differ.
    pub(super) fn is_one_with(&self, other: &Self) -> bool {
        let (Kept::S3(ours), Kept::S3(theirs)) = (&self.kept, &other.kept) else {
            return self.url() == other.url();
        };
        let (a, b) = (&ours.backend.config, &theirs.backend.config);
        ours.url() == theirs.url() && a.transport.endpoints.s3 == b.transport.endpoints.s3
    }

    /// Whether one object's locks or digests are kept elsewhere here than there.
    pub(super) fn locks_elsewhere_than(&self, other: &Self) -> bool {
        let (Kept::S3(ours), Kept::S3(theirs)) = (&self.kept, &other.kept) else { return false };
        let (a, b) = (&ours.backend.config, &theirs.backend.config);
        (&a.table, a.use_lockfile) != (&b.table, b.use_lockfile)
    }

    /// What a lock on it says.
    pub(super) fn lock_info(&self, operation: Operation) -> Result<LockInfo> {
        match &self.kept {
            Kept::S3(workspace) => workspace.lock_info(operation),
            // Stock clients leave the path empty there.
            Kept::Http(_) => LockInfo::of(operation, String::new(), &self.env),
            Kept::File(_) => LockInfo::of(operation, self.url(), &self.env),
        }
    }

    /// Locks it by a record that is in the journal: one that an earlier run left by it is taken over. `None` where nothing
    /// is configured to lock with.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: somebody else holds the lock.
    pub(super) async fn lock(&self, info: LockInfo, options: &LockOptions) -> Result<Option<LockGuard>> {
        let store: (LockKind, Box<dyn LockStore>) = match &self.kept {
            Kept::S3(workspace) => return workspace.lock_as(info, options).await,
            Kept::File(file) => (LockKind::File, Box::new(file.lock())),
            Kept::Http(state) => match state.lock() {
                Some(lock) => (LockKind::Http, Box::new(lock)),
                None => return Ok(None),
            },
        };
        if !options.lock {
            return Ok(None);
        }
        let held = HeldLock {
            url: self.url(),
            workspace: self.name.to_string(),
            id: info.id.clone(),
            operation: info.operation.clone(),
            places: Vec::new(),
        };
        let locks = Arc::new(Locks::new(vec![store], self.keeper.clone()));
        acquire(&locks, &Arc::new(LockRecord::new(info)), &held, options, &self.env).await.map(Some)
    }

    /// Whether anything excludes others.
    pub(super) fn locks(&self) -> bool {
        match &self.kept {
            Kept::S3(workspace) => workspace.backend.config.locks(),
            Kept::File(_) => true,
            Kept::Http(state) => state.lock().is_some(),
        }
    }

    /// Reads it. Under a lock, a write of s3tate's that stopped before its digest is completed.
    ///
    /// # Errors
    /// Failures of the store; [`ErrorKind::Corrupt`] where a digest disagrees.
    pub(super) async fn read(&self, locked: bool) -> Result<Seen> {
        match &self.kept {
            Kept::S3(workspace) => {
                let object = workspace.read_holding(locked).await?;
                Ok(Seen { bytes: object.bytes.clone(), object })
            }
            Kept::File(file) => Ok(Seen::of(file.read()?)),
            Kept::Http(state) => Ok(Seen::of(state.read().await?)),
        }
    }

    /// Replaces what was seen; comes to its end even if the returned future is dropped. The lock stays.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`]: it may be written, or in part; the lock must stay. Otherwise nothing was written.
    pub(super) async fn write(&self, seen: &Seen, bytes: Bytes, lock_id: Option<&str>) -> Result<()> {
        match &self.kept {
            Kept::S3(workspace) => workspace.write_and_release(&seen.object, bytes, None).await.map(drop),
            Kept::File(file) => {
                let (file, begun) = (file.clone(), self.keeper.begin(Some(self.url()))?);
                begun.carry_out(async move { file.write(&bytes) }).await
            }
            Kept::Http(state) => {
                let (state, begun) = (state.clone(), self.keeper.begin(Some(self.url()))?);
                let id = lock_id.map(str::to_owned);
                begun.carry_out(async move { state.write(bytes, id.as_deref()).await }).await
            }
        }
    }

    /// Keeps what is to be replaced beside it, or in a directory where nothing can lie beside. Tells where.
    ///
    /// # Errors
    /// It can't be kept; nothing was replaced.
    pub(super) async fn keep_replaced(&self, bytes: &Bytes, directory: &std::path::Path) -> Result<String> {
        match &self.kept {
            Kept::S3(workspace) => keep_object(workspace, bytes).await,
            Kept::File(file) => file.keep_beside(bytes),
            Kept::Http(_) => {
                keep(&directory.join(replaced_name(&format!("{}.tfstate", self.name), bytes)), bytes)
            }
        }
    }

    /// Deletes exactly what was seen, with its digest; comes to its end even if the returned future is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: it changed since; it was left alone. Failures of the store.
    pub(super) async fn delete(&self, seen: &Seen) -> Result<()> {
        let begun = self.keeper.begin(Some(self.url()))?;
        let (kept, object) = (self.kept.clone(), seen.object.clone());
        let delete = async move {
            match kept {
                Kept::S3(workspace) => workspace.delete_and_release(&object, None).await.map(drop),
                Kept::File(file) => file.delete(),
                Kept::Http(state) => state.delete().await,
            }
        };
        begun.carry_out(delete).await
    }

    /// After the lock of a deleted state is released: the directory of a workspace goes, too, if nothing else is in it.
    pub(super) fn tidy(&self) {
        if let Kept::File(file) = &self.kept
            && !self.name.is_default()
        {
            file.tidy();
        }
    }

    /// Records the digest of one object in this place's table, too.
    ///
    /// # Errors
    /// Failures of the table; [`ErrorKind::Conflict`] where somebody else records digests at the same time.
    pub(super) async fn adopt(&self, digest: StateDigest) -> Result<()> {
        let Kept::S3(workspace) = &self.kept else { return Ok(()) };
        let Some(item) = workspace.digest_item() else { return Ok(()) };
        let recorded = item.get().await?;
        if recorded == Some(digest) {
            return Ok(());
        }
        match item.put_after(digest, recorded).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(ErrorKind::Conflict, "the digest keeps changing; it was left alone")
                .fact("item", item.place())),
            Err(failure) => Err(failure.into_error(format!("can't record the digest of `{}`", self.url()))),
        }
    }

    /// Removes the digest of one object from this place's table, unless the other place keeps it there, too.
    ///
    /// # Errors
    /// As for [`Self::adopt`].
    pub(super) async fn disown(&self, other: &Self) -> Result<()> {
        let (Kept::S3(ours), Kept::S3(theirs)) = (&self.kept, &other.kept) else { return Ok(()) };
        let Some(item) = ours.digest_item() else { return Ok(()) };
        if ours.backend.config.table == theirs.backend.config.table {
            return Ok(());
        }
        let recorded = item.get().await?;
        match item.delete_recorded(recorded).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(ErrorKind::Conflict, "the digest keeps changing; it was left alone")
                .fact("item", item.place())),
            Err(failure) => Err(failure.into_error(format!("can't remove the digest of `{}`", self.url()))),
        }
    }
}

impl Seen {
    fn of(bytes: Option<Bytes>) -> Self {
        Self { bytes, object: Snapshot::default() }
    }

    pub(super) fn digest(&self) -> Option<StateDigest> {
        self.bytes.as_ref().map(|bytes| StateDigest::of(bytes))
    }
}

/// Keeps a state as an object beside it. The name tells the content, so what is there already is the same.
async fn keep_object(workspace: &Workspace, bytes: &Bytes) -> Result<String> {
    let (bucket, key) = (workspace.bucket(), replaced_name(workspace.key.as_str(), bytes));
    let tags = &workspace.backend.config.state_tags;
    let put =
        Put { key: &key, bytes: bytes.clone().into(), condition: Condition::Absent, metadata: &[], tags };
    match bucket.put(put).await {
        Ok(_) => Ok(bucket.url(&key)),
        Err(failure) if failure.precondition_failed() => Ok(bucket.url(&key)),
        Err(failure) => {
            let message =
                format!("can't keep what is to be replaced in `{}`; nothing was replaced", bucket.url(&key));
            Err(bucket.error(failure, message))
        }
    }
}

/// A file of a workspace in the directory of a local backend.
pub(super) fn workspace_file(
    path: &std::path::Path,
    workspaces: &std::path::Path,
    name: &WorkspaceName,
) -> PathBuf {
    if name.is_default() { path.to_owned() } else { workspaces.join(name.as_str()).join("terraform.tfstate") }
}
