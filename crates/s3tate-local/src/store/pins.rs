//! Blobs that answers under way still read, which therefore must not be deleted yet.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

type Counts = Arc<Mutex<HashMap<i64, usize>>>;

/// Counts of readers by blob.
///
/// A snapshot is taken and its blobs are pinned between [`Pins::enter`] and the drop of its guard. [`Pins::snapshot`]
/// waits for those, so a blob that was dropped before it and is not in it can't be found by any reader any more.
#[derive(Debug, Default)]
pub(super) struct Pins {
    gate: RwLock<()>,
    counts: Counts,
}

/// Keeps blobs from being deleted while it lives.
#[derive(Debug)]
pub(crate) struct Pin {
    blobs: Vec<i64>,
    counts: Counts,
}

impl Pins {
    pub(super) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pin(&self, blobs: impl IntoIterator<Item = i64>) -> Pin {
        let pin = Pin { blobs: blobs.into_iter().collect(), counts: Arc::clone(&self.counts) };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &pin.blobs {
            *counts.entry(*blob).or_default() += 1;
        }
        drop(counts);
        pin
    }

    pub(super) fn snapshot(&self) -> HashSet<i64> {
        let _entering = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in &self.blobs {
            if let Some(count) = counts.get_mut(blob) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(blob);
                }
            }
        }
    }
}
