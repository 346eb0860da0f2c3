//! Locks that outlive the process that took them, since another one gives them back by their id.

use std::sync::Arc;

use crate::error::Result;
use crate::lock::{HeldLock, LockInfo, LockOptions, LockRecord, Operation, acquire};
use crate::workspace::Workspace;

impl Workspace {
    /// Locks the workspace for somebody who says in their own words what for, and leaves it locked:
    /// [`Workspace::force_unlock`] releases it by the id in the returned record. `None` where nothing is configured to
    /// lock with, or locking is off.
    ///
    /// A lock that was asked for when the returned future is dropped is released as soon as it is acquired.
    ///
    /// # Errors
    /// Those of [`Workspace::lock`].
    pub async fn lock_and_leave(&self, operation: &str, options: &LockOptions) -> Result<Option<LockInfo>> {
        let locks = Arc::new(self.locks());
        if !options.lock || locks.is_empty() {
            return Ok(None);
        }
        let info = LockInfo::new(Operation::LockRun, &self.lock_path(), self.backend().env())?;
        let info = LockInfo { operation: operation.to_owned(), ..info };
        let lock = HeldLock {
            url: self.url(),
            workspace: self.name().to_string(),
            id: info.id.clone(),
            operation: info.operation.clone(),
            places: Vec::new(),
        };
        let record = Arc::new(LockRecord::new(info.clone()));
        let guard = acquire(&locks, &record, &lock, options, self.backend().env()).await?;
        guard.leave();
        Ok(Some(info))
    }

    /// Whether there is a state object.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn exists(&self) -> Result<bool> {
        let bucket = self.bucket();
        let found = bucket.exists(self.key().as_str()).await;
        found.map_err(|failure| bucket.error(failure, format!("can't look for `{}`", self.url())))
    }
}
