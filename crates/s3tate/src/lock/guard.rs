//! A held lock that can't be forgotten silently.

use std::sync::Arc;

use super::keeper::Entry;
use super::{Holder, LockInfo, LockKind, Locks, Released};
use crate::error::{Error, ErrorKind, Result};

/// A lock that is held. Release it with [`LockGuard::release`]; one that is dropped is released in the background
/// where a runtime is at hand, and reported either way: see [`Keeper`](super::Keeper).
#[derive(Debug)]
pub struct LockGuard {
    locks: Arc<Locks>,
    info: LockInfo,
    held: Vec<Holder>,
    entry: Entry,
}

impl LockGuard {
    pub(crate) fn new(locks: Arc<Locks>, info: LockInfo, held: Vec<Holder>, entry: Entry) -> Self {
        entry.set_places(held.iter().map(|holder| holder.place.clone()).collect());
        Self { locks, info, held, entry }
    }

    /// The record that others see.
    pub fn info(&self) -> &LockInfo {
        &self.info
    }

    /// The places where the lock is held.
    pub fn held(&self) -> &[Holder] {
        &self.held
    }

    /// Whether the lock is still exactly ours in each of its places: the places where it isn't.
    ///
    /// # Errors
    /// Failures of the store; nothing is known then.
    pub async fn lost(&self) -> Result<Vec<LockKind>> {
        let found = self.locks.holders().await?;
        let ours =
            |held: &&Holder| !found.iter().any(|now| now.kind == held.kind && now.record == held.record);
        Ok(self.held.iter().filter(ours).map(|holder| holder.kind).collect())
    }

    /// Takes one kind out of this guard's care, since its release goes along with another request.
    pub(crate) fn forget(&mut self, kind: LockKind) {
        self.held.retain(|holder| holder.kind != kind);
        self.entry.set_places(self.held.iter().map(|holder| holder.place.clone()).collect());
    }

    /// Leaves the lock where it is, on purpose, for what is to be gone on with under it: it is released by its record alone.
    pub(crate) fn leave(mut self) -> Vec<Holder> {
        std::mem::take(&mut self.held)
    }

    /// Releases every kind that is still held, each only if it is still exactly ours.
    ///
    /// Comes to its end even if the returned future is dropped.
    ///
    /// # Errors
    /// Failures of the store; the message names what may still be locked.
    pub async fn release(self) -> Result<Released> {
        self.locks.keeper().begin_release().carry_out(self.release_here()).await
    }

    async fn release_here(mut self) -> Result<Released> {
        let held = std::mem::take(&mut self.held);
        self.locks.release(&held).await
    }

    /// The release of a lock that was dropped; tells the keeper what became of it.
    async fn release_unasked(locks: Arc<Locks>, held: Vec<Holder>, entry: Entry) {
        let failure = locks.release(&held).await.err();
        if let Some(lock) = entry.lock() {
            locks.keeper().note(lock, failure);
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let held = std::mem::take(&mut self.held);
        let Some(lock) = self.entry.lock().filter(|_| !held.is_empty()) else { return };
        let keeper = self.locks.keeper().clone();
        if !keeper.is_stopping() {
            tracing::error!(lock = %lock.id, url = %lock.url, "a held lock was dropped without its release");
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            let failure = Error::new(ErrorKind::Bug, "it was dropped where nothing can be sent");
            return keeper.note(lock, Some(failure));
        };
        let entry = keeper.remember(lock);
        let release = Self::release_unasked(Arc::clone(&self.locks), held, entry);
        keeper.begin_release().spawn(&runtime, release);
    }
}
