//! A held lock that can't be forgotten silently.

use std::sync::Arc;

use super::{Holder, LockInfo, Locks, Released};
use crate::error::Result;

/// A lock that is held. Release it with [`LockGuard::release`]; one that is dropped is released in the background
/// where a runtime is at hand, and reported either way.
#[derive(Debug)]
pub struct LockGuard {
    locks: Arc<Locks>,
    info: LockInfo,
    held: Vec<Holder>,
}

impl LockGuard {
    pub(crate) fn new(locks: Arc<Locks>, info: LockInfo, held: Vec<Holder>) -> Self {
        Self { locks, info, held }
    }

    /// The record that others see.
    pub fn info(&self) -> &LockInfo {
        &self.info
    }

    /// The places where the lock is held.
    pub fn held(&self) -> &[Holder] {
        &self.held
    }

    /// Takes one kind out of this guard's care, since its release goes along with another request.
    pub(crate) fn forget(&mut self, kind: super::LockKind) {
        self.held.retain(|holder| holder.kind != kind);
    }

    /// Releases every kind that is still held, each only if it is still exactly ours.
    ///
    /// # Errors
    /// Failures of the store; the message names what may still be locked.
    pub async fn release(mut self) -> Result<Released> {
        let held = std::mem::take(&mut self.held);
        self.locks.release(&held).await
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return;
        }
        tracing::error!(lock = %self.info.id, path = %self.info.path, "a held lock was dropped without its release");
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let locks = Arc::clone(&self.locks);
            drop(runtime.spawn(async move {
                if let Err(error) = locks.release(&held).await {
                    tracing::error!(%error, "and its release failed");
                }
            }));
        }
    }
}
