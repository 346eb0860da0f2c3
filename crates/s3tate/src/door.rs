//! Locks and writes on behalf of others: what a server needs, whose clients hold a lock from one request to the next.
//!
//! The lock is the one that everybody else takes on this state. What is held is found by its record alone, so any
//! process may carry on where another one was.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::lock::{HeldLock, Holder, LockInfo, LockRecord, Released, attempt_once};
use crate::object::{Condition, Put};
use crate::payload::Payload;
use crate::provenance::Writer;
use crate::read::Snapshot;
use crate::workspace::Workspace;
use crate::write::Written;

/// A workspace as somebody else's requests reach it.
#[derive(Debug, Clone)]
pub struct Door(Workspace);

/// What became of a lock that was asked for.
#[derive(Debug)]
pub enum Hold {
    /// It is held with exactly this record, in these places, from now on or since an earlier request of the same.
    Ours(Vec<Holder>),
    /// It is held with another record.
    Others(Box<Holder>),
}

impl Workspace {
    /// This workspace for requests of others.
    pub fn door(self) -> Door {
        Door(self)
    }
}

impl Door {
    /// The workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.0
    }

    /// The path that stands in the records of this state's lock: `<bucket>/<state key>`.
    pub fn lock_path(&self) -> String {
        self.0.lock_path().to_string()
    }

    /// Takes the lock with exactly this record, and leaves it held. The same record again finds it held by itself.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: nothing is configured to lock with. Failures of the store; the error says whether
    /// the lock may be held.
    pub async fn hold(&self, info: LockInfo) -> Result<Hold> {
        let locks = Arc::new(self.0.locks());
        if locks.is_empty() {
            return Err(Error::invalid(
                "neither `dynamodb_table` nor `use_lockfile` is set: there are no locks",
            ));
        }
        let lock = HeldLock {
            url: self.0.url(),
            workspace: self.0.name().to_string(),
            id: info.id.clone(),
            operation: info.operation.clone(),
            places: Vec::new(),
        };
        let record = Arc::new(LockRecord::new(info));
        Ok(match attempt_once(&locks, &record, &lock, self.0.backend().env()).await? {
            Ok(guard) => Hold::Ours(guard.leave()),
            Err(holder) => Hold::Others(holder),
        })
    }

    /// Who holds the lock, of each kind that somebody holds.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn holders(&self) -> Result<Vec<Holder>> {
        self.0.lock_holders().await
    }

    /// Releases exactly these locks. Those that have changed since they were looked at stay.
    ///
    /// # Errors
    /// Failures of the store; the error names what may still be locked.
    pub async fn release(&self, holders: &[Holder]) -> Result<Released> {
        self.0.locks().release(holders).await
    }

    /// Reads the state and who holds its lock, in one round trip, to write it next; a large state goes to a file.
    ///
    /// While somebody holds the lock, whose
    /// write this is to become, a write of s3tate's that stopped before its digest is completed.
    ///
    /// # Errors
    /// Those of [`Workspace::read`], and failures of the store.
    pub async fn read_to_write(&self) -> Result<(Vec<Holder>, Snapshot)> {
        let (holders, reading) = futures::future::join(self.holders(), self.0.read_once_spooled()).await;
        let holders = holders?;
        let snapshot = self.0.proven(reading, !holders.is_empty()).await?;
        Ok((holders, snapshot))
    }

    /// Replaces the state that was read, records the digest, and leaves the lock as it is.
    ///
    /// The object remembers who wrote it, from where, and the ID of the lock that it was written under.
    ///
    /// # Errors
    /// Those of [`Workspace::write_and_release`].
    pub async fn write(&self, base: &Snapshot, bytes: impl Into<Payload>, writer: Writer) -> Result<Written> {
        let workspace = self.0.written_for(writer);
        workspace.write_and_release(base, bytes, None).await
    }

    /// Deletes state and digest, and leaves the lock as it is. In a versioned bucket all versions stay; otherwise what is
    /// deleted is kept first where [`Backend::keeping`] asks for it.
    ///
    /// Who it was is kept beside the states, where the bucket keeps versions.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`]: there is no state. [`crate::ErrorKind::Conflict`]: it changed after it was read;
    /// nothing was deleted.
    pub async fn delete(&self, base: Snapshot, writer: Writer) -> Result<()> {
        if base.etag.is_none() {
            return Err(self.0.missing());
        }
        let delete = |workspace: Workspace, guard| async move {
            let released = workspace.delete_and_release(&base, guard).await?;
            workspace.keep_deletion(&base).await;
            Ok(released)
        };
        self.0.written_for(writer).uncut(None, delete).await.map(drop)
    }
}

/// Objects of a program's own beside the states, under keys that no state has.
impl Backend {
    /// Stores an object, over one that is there.
    ///
    /// # Errors
    /// Failures of the store; the error's kind says whether it may be there.
    pub async fn put_object(&self, key: &str, bytes: impl Into<Payload>) -> Result<()> {
        let (metadata, tags) = (&[], &BTreeMap::new());
        let put = Put { key, bytes: bytes.into(), condition: Condition::Always, metadata, tags };
        let bucket = self.bucket();
        let failed = |failure| bucket.error(failure, format!("can't store `{}`", bucket.url(key)));
        bucket.put(put).await.map(drop).map_err(failed)
    }

    /// Stores an object where none is; `false` where there is one, which stays.
    ///
    /// # Errors
    /// Failures of the store; the error's kind says whether it may be there.
    pub async fn create_object(&self, key: &str, bytes: impl Into<Payload>) -> Result<bool> {
        let (metadata, tags) = (&[], &BTreeMap::new());
        let put = Put { key, bytes: bytes.into(), condition: Condition::Absent, metadata, tags };
        let bucket = self.bucket();
        match bucket.put(put).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.precondition_failed() => Ok(false),
            Err(failure) => Err(bucket.error(failure, format!("can't store `{}`", bucket.url(key)))),
        }
    }

    /// Reads an object; `None` where there is none.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn get_object(&self, key: &str) -> Result<Option<Bytes>> {
        let bucket = self.bucket();
        let failed = |failure| bucket.error(failure, format!("can't read `{}`", bucket.url(key)));
        Ok(bucket.get(key).await.map_err(failed)?.map(|body| body.bytes))
    }

    /// Keys that begin with `prefix`.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn object_keys(&self, prefix: &str) -> Result<Vec<String>> {
        let bucket = self.bucket();
        let failed = |failure| bucket.error(failure, format!("can't list `{}`", bucket.url(prefix)));
        bucket.list(prefix).await.map_err(failed)
    }
}
