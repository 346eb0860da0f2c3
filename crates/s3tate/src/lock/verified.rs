//! Lock objects in a store that has yet to show that it refuses a second one.
//!
//! Amazon's own hosts are trusted. Any other store is asked once, while the first lock is taken: a second lock object
//! is put over the one that was just created. A store that takes it ignores `If-None-Match`, and its lock objects exclude
//! nobody. What was seen is remembered, so later locks take one request.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::locks::how_to_unlock;
use super::trust::{Trust, unproven_store};
use super::{Holder, LockInfo, LockRecord, LockStore, ObjectLock, Refusal, judge};
use crate::aws::Clients;
use crate::config::BackendConfig;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::names::StateKey;

/// What the second lock object is for, in its record.
const CHECK: &str = "store-check";

/// The lock object of one state, which is not trusted unseen.
#[derive(Debug)]
pub(crate) struct VerifiedLock {
    object: ObjectLock,
    clients: Arc<Clients>,
    config: Arc<BackendConfig>,
    trust: Trust,
    env: Env,
}

impl VerifiedLock {
    pub(crate) fn new(
        clients: Arc<Clients>,
        config: Arc<BackendConfig>,
        state: &StateKey,
        trust: Trust,
        env: Env,
    ) -> Self {
        let object = ObjectLock::new(Arc::clone(&clients), Arc::clone(&config), state);
        Self { object, clients, config, trust, env }
    }

    async fn try_acquire(&self, record: &LockRecord) -> Result<Holder, Refusal> {
        let store = unproven_store(&self.clients, &self.config).await;
        let Some(store) = store.filter(|store| !self.trust.has(store)) else {
            return self.object.acquire(record).await;
        };
        // A store that ignores the condition would put our lock over somebody's: look before.
        if let Some(holder) = self.object.holder().await.map_err(Refusal::Failed)? {
            // A lock of this very record is one that a job before this one left for it.
            return judge(Some(holder), record);
        }
        match self.object.acquire(record).await {
            Ok(held) => self.verify(record, held, &store).await,
            Err(Refusal::Held(holder)) => {
                self.trust.remember(&store);
                Err(Refusal::Held(holder))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Puts a second lock object over the one that is held. Nothing is left where it is not refused.
    async fn verify(&self, record: &LockRecord, held: Holder, store: &str) -> Result<Holder, Refusal> {
        let id = match self.env.random_id() {
            Ok(id) => id,
            Err(error) => return Err(self.back_out(&held, error).await),
        };
        let second = LockInfo { id, operation: CHECK.to_owned(), ..record.info.clone() };
        match self.object.acquire(&LockRecord::new(second)).await {
            Err(Refusal::Held(_) | Refusal::Contended(_)) => {
                self.trust.remember(store);
                Ok(held)
            }
            Ok(over) => Err(self.back_out(&over, excludes_nobody(record, store)).await),
            Err(Refusal::Failed(error)) => Err(self.back_out(&held, error).await),
        }
    }

    async fn back_out(&self, held: &Holder, error: Error) -> Refusal {
        match self.object.release(held).await {
            Ok(_) => Refusal::Failed(error),
            Err(release) => {
                let error = error.fact("left behind", held.place.clone()).fact("since", release.to_string());
                Refusal::Failed(error.fact("to unlock", how_to_unlock(held)))
            }
        }
    }
}

fn excludes_nobody(record: &LockRecord, store: &str) -> Error {
    let endpoint = store.split(' ').next().unwrap_or(store);
    let message = format!(
        "`s3://{}` can't be locked with a lock object; nothing was written to the state",
        record.info.path
    );
    Error::invalid(message)
        .fact("store", endpoint.to_owned())
        .fact("cause", "it took a second lock object over the first although `If-None-Match` forbids that")
        .fact("so", "lock objects exclude nobody there: two writers could hold the same lock")
        .hint(
            "set `dynamodb_table` instead of `use_lockfile`, or use a store with conditional writes; \
             `s3tate doctor` shows what this one does",
        )
}

impl LockStore for VerifiedLock {
    fn acquire<'a>(&'a self, record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>> {
        self.try_acquire(record).boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>> {
        self.object.holder()
    }

    fn release<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<bool>> {
        self.object.release(holder)
    }
}
