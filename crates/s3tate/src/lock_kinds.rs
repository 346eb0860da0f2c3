//! From locks in DynamoDB to lock objects, for a whole fleet: which states are still used with what, and which digests the
//! table keeps for nobody.
//!
//! A client that has the table keeps a digest there. So one that is another state's tells that the last writer doesn't have
//! it. A lock object leaves versions in a bucket that keeps them, which tell when one was last used.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use crate::aws::Service;
use crate::backend::Backend;
use crate::catalog::{CatalogState, DigestHealth, Index, Progress};
use crate::digest::StateDigest;
use crate::digest_item::DIGEST;
use crate::error::{Error, Result};
use crate::lock::{Holder, LOCK_ID, LockOptions, Operation, table_error};
use crate::names::StateKey;
use crate::versions;
use crate::workspace::Workspace;

/// How many states are looked at at a time.
const CONCURRENT_LOOKS: usize = 16;
/// What digest items' ids end with.
const DIGEST_SUFFIX: &str = "-md5";

/// What the last user of a state kept its lock with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsedWith {
    /// Nothing tells of a lock.
    Nothing,
    /// The table alone: it has to be told of lock objects.
    Table,
    /// Both.
    Both,
    /// The lock object alone: whoever still has the table can't read what it wrote, if a digest is left there.
    Object,
}

impl UsedWith {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Table => "table",
            Self::Both => "both",
            Self::Object => "object",
        }
    }
}

/// How one state is locked.
#[derive(Debug, Clone)]
pub struct LockUse {
    /// `s3://BUCKET/KEY`.
    pub url: String,
    /// The workspace, as in [`CatalogState`].
    pub workspace: String,
    /// When it was last written.
    pub last_write: Option<Timestamp>,
    /// When a lock object was last made or removed, where the bucket keeps versions and one was.
    pub last_object: Option<Timestamp>,
    /// How its digest stands.
    pub digest: DigestHealth,
    /// Who holds its lock.
    pub holders: Vec<Holder>,
    /// What follows of that.
    pub used_with: UsedWith,
}

impl LockUse {
    /// Whether it was last written under a lock object, and the digest in the table is of an earlier one.
    fn left_the_table(&self) -> bool {
        let under_object =
            self.last_object.is_some_and(|object| self.last_write.is_some_and(|write| object >= write));
        self.digest == DigestHealth::Differs && under_object
    }
}

/// A digest in the table that belongs to no state, or to an earlier one of a state that was then written under a lock object
/// alone. One that differs without a trace of a lock object is none: it may tell of damage, which `doctor` looks into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The state's key.
    pub key: String,
    /// The digest.
    pub digest: StateDigest,
    /// Whether there is a state with that key.
    pub has_state: bool,
}

/// Locks below a prefix, and what is left of them in the table.
#[derive(Debug, Clone, Default)]
pub struct LockKinds {
    /// The states, in the order of their keys.
    pub states: Vec<LockUse>,
    /// Digests for nobody.
    pub orphans: Vec<Orphan>,
}

impl Backend {
    /// Looks at the locks of every state below a prefix; changes nothing.
    ///
    /// Costs as [`Backend::catalog`], and one request a state for the versions of its lock object and a scan of the table.
    ///
    /// # Errors
    /// - [`crate::ErrorKind::Invalid`]: no table is configured, so there is nothing to leave.
    /// - failures of the store.
    pub async fn lock_kinds(&self, prefix: &str, index: &Index, progress: Progress) -> Result<LockKinds> {
        let Some(table) = self.config.table.clone() else {
            return Err(Error::invalid("no table is configured, so its locks can't be looked at")
                .hint("run this with the configuration that still has `dynamodb_table`"));
        };
        let states: Vec<CatalogState> = self.catalog(prefix, index, progress).try_collect().await?;
        let digests = self.digests_below(&table, prefix).await?;
        let uses = states.into_iter().map(|state| self.lock_use(state));
        let states: Vec<_> = futures::stream::iter(uses).buffered(CONCURRENT_LOOKS).try_collect().await?;
        let orphans = orphans(&self.bucket().url(""), &states, digests);
        Ok(LockKinds { states, orphans })
    }

    async fn lock_use(&self, state: CatalogState) -> Result<LockUse> {
        let key = state.url.strip_prefix(&self.bucket().url("")).unwrap_or_default();
        let object =
            Workspace::of_key(self.clone(), StateKey::of_object(&StateKey::of_object(key).lock_object()));
        let seen = match versions::list(&object).await {
            Ok(versions) => versions.all,
            // What can't be listed tells nothing.
            Err(failure) if failure.denied() || failure.unsupported() => Vec::new(),
            Err(failure) => {
                return Err(failure.into_error(format!("can't list the versions of `{}`", object.url())));
            }
        };
        // A removal is the release, so a write before it happened under the lock.
        let last_object = seen.iter().filter_map(|version| version.modified).max();
        let used_with = used_with(state.digest, state.modified, last_object);
        Ok(LockUse {
            url: state.url,
            workspace: state.workspace,
            last_write: state.modified,
            last_object,
            digest: state.digest,
            holders: state.locks,
            used_with,
        })
    }

    /// The digests of states below a prefix, by key.
    async fn digests_below(&self, table: &str, prefix: &str) -> Result<BTreeMap<String, StateDigest>> {
        let begin = format!("{}/{prefix}", self.config.bucket);
        let scan = self.clients.dynamodb().await.scan().table_name(table).consistent_read(true);
        let scan = scan
            .projection_expression(format!("{LOCK_ID}, {DIGEST}"))
            .filter_expression(format!("begins_with({LOCK_ID}, :begin) AND attribute_exists({DIGEST})"))
            .expression_attribute_values(":begin", AttributeValue::S(begin.clone()));
        let items: Result<Vec<_>, _> = scan.into_paginator().items().send().collect().await;
        let items = items.map_err(|error| {
            let failure = self.clients.failure(Service::DynamoDb, &error);
            let denied = failure.denied();
            let error = table_error(failure, table, &format!("can't look for the digests below `{begin}`"));
            if denied { error.fact("needs", "dynamodb:Scan") } else { error }
        })?;
        let bucket = format!("{}/", self.config.bucket);
        let digest = |item: &std::collections::HashMap<String, AttributeValue>| {
            let text = |name: &str| item.get(name)?.as_s().ok().cloned();
            let id = text(LOCK_ID)?;
            let key = id.strip_prefix(&bucket)?.strip_suffix(DIGEST_SUFFIX)?;
            Some((key.to_owned(), StateDigest::from_hex(&text(DIGEST)?)?))
        };
        Ok(items.iter().filter_map(digest).collect())
    }

    /// Removes a digest that belongs to nobody, under the locks of both kinds; `false` where it turned out to be needed, or
    /// has changed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Locked`]: somebody works on that state. Failures of the store; the locks are released.
    pub async fn remove_orphan(&self, orphan: &Orphan, options: &LockOptions) -> Result<bool> {
        let mut config = (*self.config).clone();
        config.use_lockfile = true;
        let workspace = Workspace::of_key(self.beside(config)?, StateKey::of_object(&orphan.key));
        let guard = workspace.lock(Operation::Doctor, options).await?;
        let removed = Self::remove_if_orphaned(&workspace, orphan).await;
        match (removed, guard) {
            (Ok(removed), Some(guard)) => guard.release().await.map(|_| removed),
            (Err(error), guard) => Err(workspace.give_up(guard, error).await),
            (Ok(removed), None) => Ok(removed),
        }
    }

    async fn remove_if_orphaned(workspace: &Workspace, orphan: &Orphan) -> Result<bool> {
        let (stored, recorded) = workspace.read_once().await?;
        if recorded != Some(orphan.digest) || stored.digest == recorded {
            return Ok(false);
        }
        let Some(item) = workspace.digest_item() else { return Ok(false) };
        let removed = item.delete_recorded(recorded).await;
        removed.map_err(|failure| {
            failure.into_error(format!("can't remove the digest of `{}`", workspace.url()))
        })
    }
}

fn used_with(
    digest: DigestHealth,
    last_write: Option<Timestamp>,
    last_object: Option<Timestamp>,
) -> UsedWith {
    match (digest, last_object) {
        (DigestHealth::Differs, _) | (DigestHealth::Missing, Some(_)) => UsedWith::Object,
        (DigestHealth::Fits, Some(object)) if last_write.is_none_or(|write| object >= write) => {
            UsedWith::Both
        }
        (DigestHealth::Fits, _) => UsedWith::Table,
        (DigestHealth::Missing | DigestHealth::Unused, _) => UsedWith::Nothing,
    }
}

/// Digests whose state is gone, or has been written without the table.
fn orphans(bucket_url: &str, states: &[LockUse], digests: BTreeMap<String, StateDigest>) -> Vec<Orphan> {
    let by_key: BTreeMap<&str, &LockUse> =
        states.iter().filter_map(|state| Some((state.url.strip_prefix(bucket_url)?, state))).collect();
    let orphan = |(key, digest): (String, StateDigest)| match by_key.get(key.as_str()) {
        Some(state) if !state.left_the_table() => None,
        state => Some(Orphan { has_state: state.is_some(), key, digest }),
    };
    digests.into_iter().filter_map(orphan).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn what_is_left_tells_what_was_used() {
        use DigestHealth::{Differs, Fits, Missing};
        for (digest, write, object, expected) in [
            (Fits, at(5), None, UsedWith::Table),
            (Fits, at(5), at(4), UsedWith::Table),
            (Fits, at(5), at(5), UsedWith::Both),
            (Fits, at(5), at(9), UsedWith::Both),
            (Differs, at(5), None, UsedWith::Object),
            (Differs, at(5), at(6), UsedWith::Object),
            (Missing, at(5), at(6), UsedWith::Object),
            (Missing, at(5), None, UsedWith::Nothing),
        ] {
            assert_eq!(used_with(digest, write, object), expected, "{digest:?} {write:?} {object:?}");
        }
    }
}
