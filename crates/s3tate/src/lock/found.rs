//! Locks that are found, of one state, of all workspaces, or of every state below a prefix.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::{Holder, INFO, ItemLock, LOCK_ID, LockKind, LockStore, ObjectLock, table_error};
use crate::aws::Service;
use crate::backend::Backend;
use crate::digest_item::DIGEST;
use crate::error::{Error, ErrorKind, Result};
use crate::names::StateKey;
use crate::workspace::Workspace;

/// How many states are looked at at a time.
const CONCURRENT_LOOKS: usize = 16;
/// What lock objects' keys end with.
const SUFFIX: &str = ".tflock";

/// A lock that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundLock {
    /// The locked state: `s3://BUCKET/KEY`.
    pub url: String,
    /// The lock as it is stored.
    pub holder: Holder,
    /// When the state was last written; `None` where there is none, or where that can't be seen.
    pub last_write: Option<Timestamp>,
    key: StateKey,
}

impl FoundLock {
    /// Whether it has this ID.
    pub fn has_id(&self, id: &str) -> bool {
        self.holder.info.as_ref().is_some_and(|info| info.id == id)
    }

    /// Whether nobody can tell whose it is: an item without a record, or an object that holds something else.
    pub fn is_unreadable(&self) -> bool {
        self.holder.info.is_none()
    }
}

impl Workspace {
    /// The locks that are held on this state, of each kind that is configured.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn found_locks(&self) -> Result<Vec<FoundLock>> {
        let holders = self.lock_holders().await?;
        Ok(self.backend.found(&self.key, holders).await)
    }
}

impl Backend {
    /// The locks that are held on these workspaces.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn locks_of(&self, workspaces: Vec<Workspace>) -> Result<Vec<FoundLock>> {
        let looks = workspaces.into_iter().map(|workspace| async move { workspace.found_locks().await });
        let found: Vec<_> = futures::stream::iter(looks).buffered(CONCURRENT_LOOKS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The locks of every state in the bucket whose key begins with `prefix`: all lock objects, and with a table all of
    /// its items that belong to this bucket. The whole table is read for that, since its keys can't be listed by prefix.
    ///
    /// # Errors
    /// Failures of the store, listing and scanning included.
    pub async fn locks_below(&self, prefix: &str) -> Result<Vec<FoundLock>> {
        let (objects, items) = futures::try_join!(self.lock_objects(prefix), self.lock_items(prefix))?;
        let mut found: Vec<FoundLock> = objects.into_iter().chain(items).collect();
        found.sort_by(|a, b| (&a.url, a.holder.kind).cmp(&(&b.url, b.holder.kind)));
        Ok(found)
    }

    /// Removes exactly this lock: `false` where it has changed or gone since it was found.
    ///
    /// # Errors
    /// Failures of the store. [`ErrorKind::Invalid`]: what was found is no lock but a state; it was left alone.
    pub async fn remove_lock(&self, lock: &FoundLock) -> Result<bool> {
        if is_state(&lock.holder) {
            let message = format!("{} holds a state, not a lock; it was left alone", lock.holder.place);
            return Err(Error::invalid(message));
        }
        match lock.holder.kind {
            LockKind::LockFile => self.lock_object(&lock.key).release(&lock.holder).await,
            LockKind::DynamoDb => match self.lock_item(&lock.key) {
                Some(item) => item.release(&lock.holder).await,
                None => Err(Error::new(ErrorKind::Bug, "a lock item without a table")),
            },
            LockKind::File | LockKind::Http => {
                Err(Error::new(ErrorKind::Bug, "no backend \"s3\" has such locks"))
            }
        }
    }

    pub(crate) fn lock_object(&self, key: &StateKey) -> ObjectLock {
        ObjectLock::new(Arc::clone(&self.clients), Arc::clone(&self.config), key)
    }

    pub(crate) fn lock_item(&self, key: &StateKey) -> Option<ItemLock> {
        let table = self.config.table.clone()?;
        Some(ItemLock::new(Arc::clone(&self.clients), table, key.lock_path(&self.config.bucket)))
    }

    async fn found(&self, key: &StateKey, holders: Vec<Holder>) -> Vec<FoundLock> {
        if holders.is_empty() {
            return Vec::new();
        }
        let (bucket, url) = (self.bucket(), self.bucket().state_url(key));
        // The answer is worth having without it, so a failure is none.
        let last_write = bucket.last_modified(key.as_str()).await.ok().flatten();
        let found = |holder| FoundLock { url: url.clone(), holder, last_write, key: key.clone() };
        holders.into_iter().map(found).collect()
    }

    async fn lock_objects(&self, prefix: &str) -> Result<Vec<FoundLock>> {
        let bucket = self.bucket();
        let keys = bucket.list(prefix).await.map_err(|failure| {
            bucket.error(failure, format!("can't list the lock objects below `{}`", bucket.url(prefix)))
        })?;
        let states = keys.iter().filter_map(|key| key.strip_suffix(SUFFIX)).map(StateKey::of_object);
        let looks = states.map(|key| async move {
            let holder = self.lock_object(&key).holder().await?.filter(|holder| !is_state(holder));
            Ok::<_, Error>(self.found(&key, holder.into_iter().collect()).await)
        });
        let found: Vec<_> = futures::stream::iter(looks).buffered(CONCURRENT_LOOKS).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn lock_items(&self, prefix: &str) -> Result<Vec<FoundLock>> {
        let bucket = format!("{}/", self.config.bucket);
        let looks = self.scan(&format!("{bucket}{prefix}")).await?.into_iter().filter_map(|item| {
            let path = item.get(LOCK_ID)?.as_s().ok()?.clone();
            let key = StateKey::of_object(path.strip_prefix(&bucket)?);
            let holder = self.lock_item(&key)?.holder_of(&item);
            Some(async move { self.found(&key, vec![holder]).await })
        });
        let found: Vec<_> = futures::stream::iter(looks).buffered(CONCURRENT_LOOKS).collect().await;
        Ok(found.into_iter().flatten().collect())
    }

    /// All lock items whose path begins like this; digests are left out.
    async fn scan(&self, begin: &str) -> Result<Vec<HashMap<String, AttributeValue>>> {
        let Some(table) = &self.config.table else { return Ok(Vec::new()) };
        let filter = format!(
            "begins_with({LOCK_ID}, :begin) AND (attribute_exists({INFO}) OR attribute_not_exists({DIGEST}))"
        );
        let scan = self.clients.dynamodb().await.scan().table_name(table);
        let scan = scan
            .consistent_read(true)
            .projection_expression(format!("{LOCK_ID}, {INFO}"))
            .filter_expression(filter)
            .expression_attribute_values(":begin", AttributeValue::S(begin.to_owned()));
        let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
        items.map_err(|error| {
            let failure = self.clients.failure(Service::DynamoDb, &error);
            let denied = failure.denied();
            let error = table_error(failure, table, &format!("can't look for the locks below `{begin}`"));
            if denied { error.fact("needs", "dynamodb:Scan") } else { error }
        })
    }
}

/// Whether a lock object's key holds a state: one whose own key ends like a lock object's.
fn is_state(holder: &Holder) -> bool {
    let state = |record: &str| matches!(crate::state::Header::parse(record.as_bytes()), Ok(Some(_)));
    holder.info.is_none() && holder.record.as_deref().is_some_and(state)
}
