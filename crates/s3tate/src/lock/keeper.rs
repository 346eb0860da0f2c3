//! What must not be cut off: the locks that are held, and the steps that must come to their end.
//!
//! Asking for a lock, giving it back and writing a state run as tasks of their own: whoever waits for them may be
//! dropped at any time, and they come to their end all the same. A lock that nobody waits for any more is released.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind, Result};

/// Knows which locks are held and what is under way. Cheap to clone; all clones are one.
///
/// A program that ends awaits [`Keeper::settled`] first. One that is asked to stop calls [`Keeper::stop`], goes on
/// until [`Keeper::stopped`], and drops what it was doing.
#[derive(Clone, Default)]
pub struct Keeper(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    stop: bool,
    next: u64,
    /// Steps under way; a text names the state that is being written.
    steps: BTreeMap<u64, Option<String>>,
    held: BTreeMap<u64, HeldLock>,
    notes: Vec<Note>,
}

/// A lock that is held, or that has been asked for without an answer so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLock {
    /// The locked state: `s3://BUCKET/KEY`.
    pub url: String,
    /// Its workspace.
    pub workspace: String,
    /// The lock's ID.
    pub id: String,
    /// What it is held for.
    pub operation: String,
    /// Where it is kept; empty while the answer is awaited.
    pub places: Vec<String>,
}

/// What became of a lock that nobody waited for any more.
#[derive(Debug)]
pub struct Note {
    /// The lock.
    pub lock: HeldLock,
    /// `None`: it is released. Otherwise why it may still be there.
    pub failure: Option<Error>,
}

/// A step that has begun; dropped when it has ended.
pub(crate) struct Mark {
    keeper: Keeper,
    number: u64,
}

/// A lock that the keeper knows of, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entry {
    keeper: Keeper,
    number: u64,
}

impl Keeper {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a stop: from now on no lock is asked for and no write begins.
    ///
    /// Returns whether nothing is held and nothing is under way, so that the process may end at once.
    pub fn stop(&self) -> bool {
        let mut state = self.state();
        state.stop = true;
        let idle = state.steps.is_empty() && state.held.is_empty();
        drop(state);
        self.0.changed.notify_waiters();
        idle
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        self.state().stop
    }

    /// The locks that are held or asked for.
    pub fn held(&self) -> Vec<HeldLock> {
        self.state().held.values().cloned().collect()
    }

    /// URLs of the states that are being written.
    pub fn writing(&self) -> Vec<String> {
        self.state().steps.values().flatten().cloned().collect()
    }

    /// What became of locks that nobody waited for.
    pub fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.state().notes)
    }

    /// Returns once a stop was asked for and no write is under way: what goes on then may be dropped.
    pub async fn stopped(&self) {
        self.until(|state| state.stop && state.steps.values().all(Option::is_none)).await;
    }

    /// Returns once no step is under way any more, releases in the background included.
    pub async fn settled(&self) {
        self.until(|state| state.steps.is_empty()).await;
    }

    async fn until(&self, reached: impl Fn(&State) -> bool) {
        loop {
            // Made before looking, so that no change between the two is missed.
            let changed = self.0.changed.notified();
            if reached(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// Begins a step, unless a stop was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`]: a stop was asked for.
    pub(crate) fn begin(&self, writes: Option<String>) -> Result<Mark> {
        let mut state = self.state();
        if state.stop {
            return Err(Error::new(ErrorKind::Interrupted, "interrupted before anything more was written"));
        }
        Ok(self.mark(&mut state, writes))
    }

    fn mark(&self, state: &mut State, writes: Option<String>) -> Mark {
        let number = state.number();
        state.steps.insert(number, writes);
        Mark { keeper: self.clone(), number }
    }

    /// Begins a step that gives something back, which is never refused.
    pub(crate) fn begin_release(&self) -> Mark {
        self.mark(&mut self.state(), None)
    }

    /// Remembers a lock until the entry is dropped.
    pub(crate) fn remember(&self, lock: HeldLock) -> Entry {
        let mut state = self.state();
        let number = state.number();
        state.held.insert(number, lock);
        Entry { keeper: self.clone(), number }
    }

    pub(crate) fn note(&self, lock: HeldLock, failure: Option<Error>) {
        self.state().notes.push(Note { lock, failure });
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl Mark {
    /// Carries the step out to its end, even if the returned future is dropped. What the step returns is then dropped.
    pub(crate) async fn carry_out<T: Send + 'static>(
        self,
        step: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (sender, receiver) = oneshot::channel();
        // Who traces sees the step below whatever began it.
        let step = step.in_current_span();
        let task = tokio::spawn(async move {
            // A guard that nobody receives begins its own release before this mark goes.
            drop(sender.send(step.await));
            drop(self);
        });
        if let Ok(value) = receiver.await {
            return value;
        }
        match task.await {
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is coming down: nobody will ask again.
            _ => std::future::pending().await,
        }
    }

    /// Carries the step out in the background.
    pub(crate) fn spawn(self, runtime: &tokio::runtime::Handle, step: impl Future + Send + 'static) {
        drop(runtime.spawn(async move {
            drop(step.await);
            drop(self);
        }));
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.keeper.state().steps.remove(&self.number);
        self.keeper.0.changed.notify_waiters();
    }
}

impl Entry {
    /// The lock is held here.
    pub(crate) fn set_places(&self, places: Vec<String>) {
        if let Some(lock) = self.keeper.state().held.get_mut(&self.number) {
            lock.places = places;
        }
    }

    /// The lock as it is known.
    pub(crate) fn lock(&self) -> Option<HeldLock> {
        self.keeper.state().held.get(&self.number).cloned()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.keeper.state().held.remove(&self.number);
        self.keeper.0.changed.notify_waiters();
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Keeper").field("stop", &state.stop).field("held", &state.held).finish_non_exhaustive()
    }
}
