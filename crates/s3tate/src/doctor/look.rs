//! One round of reading requests, all sent at once.

use futures::future::OptionFuture;
use jiff::Timestamp;

use crate::aws::Failure;
use crate::bootstrap::{Options, Plan};
use crate::digest_item::RecordedDigest;
use crate::error::Result;
use crate::identity::Identity;
use crate::lock::{Holder, LockStore as _, ObjectLock, unproven_store};
use crate::read::Snapshot;
use crate::versions::{self, Versions};
use crate::workspace::Workspace;

/// What was seen, or why it could not be.
#[derive(Debug)]
pub(super) struct Seen {
    /// Who we are; `None` where there is nobody to ask.
    pub(super) identity: Option<Result<Identity>>,
    pub(super) settings: Result<Plan>,
    pub(super) listing: Result<(), Failure>,
    pub(super) object: Result<Snapshot, Failure>,
    /// What is recorded, where there is a table.
    pub(super) recorded: Option<Result<RecordedDigest>>,
    pub(super) lock_object: Result<Option<Holder>>,
    /// The lock item, where there is a table.
    pub(super) lock_item: Option<Result<Option<Holder>>>,
    /// Whether the digest of another state is in its place.
    pub(super) digest_as_lock: bool,
    pub(super) versions: Result<Versions, Failure>,
    pub(super) now: Timestamp,
}

impl Seen {
    /// Whether somebody holds any lock, as far as that could be seen.
    pub(super) fn is_locked(&self) -> bool {
        let held = |look: &Result<Option<Holder>>| matches!(look, Ok(Some(_)));
        held(&self.lock_object) || self.lock_item.as_ref().is_some_and(held)
    }
}

/// Looks at everything.
pub(super) async fn look(workspace: &Workspace) -> Seen {
    let backend = &workspace.backend;
    let item = workspace.digest_item();
    let lock = item.as_ref().map(crate::digest_item::DigestItem::lock);
    // Other clients may use lock objects although this configuration doesn't.
    let object = ObjectLock::new(backend.clients.clone(), backend.config.clone(), &workspace.key);
    let (identity, settings, listing, state, recorded, lock_object, lock_item, versions) = tokio::join!(
        identity(workspace),
        Box::pin(Plan::make(backend, Options::default())),
        list(workspace),
        read(workspace),
        OptionFuture::from(item.as_ref().map(crate::digest_item::DigestItem::look)),
        object.holder(),
        OptionFuture::from(lock.as_ref().map(crate::lock::ItemLock::look)),
        versions::list(workspace),
    );
    let now = backend.env.now();
    let digest_as_lock = matches!(&lock_item, Some(Ok((_, true))));
    let lock_item = lock_item.map(|look| look.map(|(holder, _)| holder));
    Seen {
        identity,
        settings,
        listing,
        object: state,
        recorded,
        lock_object,
        lock_item,
        digest_as_lock,
        versions,
        now,
    }
}

/// Amazon's STS knows nothing of another store's users, may be out of reach, and is none of the store's business.
async fn identity(workspace: &Workspace) -> Option<Result<Identity>> {
    let backend = &workspace.backend;
    let elsewhere = unproven_store(&backend.clients, &backend.config).await.is_some();
    if elsewhere && !backend.clients.has_sts_endpoint().await {
        return None;
    }
    Some(backend.clients.identity().await)
}

/// The state and what is recorded for it, once more.
pub(super) async fn look_again(
    workspace: &Workspace,
) -> (Result<Snapshot, Failure>, Option<Result<RecordedDigest>>) {
    let item = workspace.digest_item();
    let recorded = OptionFuture::from(item.as_ref().map(crate::digest_item::DigestItem::look));
    futures::future::join(read(workspace), recorded).await
}

async fn read(workspace: &Workspace) -> Result<Snapshot, Failure> {
    workspace.bucket().get(workspace.key.as_str()).await.map(Snapshot::new)
}

async fn list(workspace: &Workspace) -> Result<(), Failure> {
    let prefix = &workspace.backend.config.workspace_key_prefix;
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    workspace.bucket().page(&prefix, Some("/"), None).await.map(drop)
}
