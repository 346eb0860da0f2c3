//! Locks kept in an S3 object beside the state, `<key>.tflock`, whose body is the record.
//!
//! Safety rests on `If-None-Match: *` alone; release deletes with `If-Match`, so a lock retaken meanwhile stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::settle::{self, Unacknowledged};
use super::{Holder, LockInfo, LockKind, LockRecord, LockStore, Refusal, Stamp};
use crate::aws::{Attempts, Clients, Failure};
use crate::config::BackendConfig;
use crate::error::Result;
use crate::names::StateKey;
use crate::object::{Body, Bucket, Condition, Put};

/// The lock object of one state.
#[derive(Debug)]
pub(crate) struct ObjectLock {
    bucket: Bucket,
    key: String,
    tags: BTreeMap<String, String>,
}

impl ObjectLock {
    pub(crate) fn new(clients: Arc<Clients>, config: Arc<BackendConfig>, state: &StateKey) -> Self {
        let tags = config.lock_tags.clone();
        Self { bucket: Bucket::new(clients, config), key: state.lock_object(), tags }
    }

    fn place(&self) -> String {
        format!("S3 object `{}`", self.bucket.url(&self.key))
    }

    fn holder_of(&self, body: &Body) -> Holder {
        let record = String::from_utf8_lossy(&body.bytes).into_owned();
        let info = LockInfo::read(&record);
        let stamp = Stamp::Tag(body.etag.as_ref().map(ToString::to_string));
        Holder { kind: LockKind::LockFile, place: self.place(), record: Some(record), info, stamp }
    }

    async fn try_acquire(&self, record: &LockRecord) -> Result<Holder, Refusal> {
        let put = Put {
            key: &self.key,
            bytes: record.text.clone().into_bytes().into(),
            condition: Condition::Absent,
            metadata: &[],
            tags: &self.tags,
        };
        match self.bucket.put(put).await {
            Ok(receipt) => Ok(Holder {
                kind: LockKind::LockFile,
                place: self.place(),
                record: Some(record.text.clone()),
                info: Some(record.info.clone()),
                stamp: Stamp::Tag(Some(receipt.etag.to_string())),
            }),
            Err(failure) => self.refused(record, failure).await,
        }
    }

    async fn refused(&self, record: &LockRecord, failure: Failure) -> Result<Holder, Refusal> {
        if failure.concurrent_write() {
            return Err(Refusal::Contended("another client was just writing the lock object".into()));
        }
        let refused = failure.precondition_failed();
        let unknown = failure.outcome_unknown();
        let message = format!("can't create the lock object `{}`", self.bucket.url(&self.key));
        let error = self.bucket.error(failure, message);
        let why = match (refused, unknown) {
            // The SDK tells nothing of its attempts here; the record that is found does.
            (true, _) => Unacknowledged::RefusedAfterRepeat,
            (false, true) => Unacknowledged::Lost(error),
            (false, false) => return Err(Refusal::Failed(error)),
        };
        settle::acquisition(record, &self.place(), why, self.find_holder().await)
    }

    async fn find_holder(&self) -> Result<Option<Holder>> {
        match self.bucket.get(&self.key).await {
            Ok(body) => Ok(body.map(|body| self.holder_of(&body))),
            Err(failure) => {
                let message = format!("can't look up the lock object `{}`", self.bucket.url(&self.key));
                Err(self.bucket.error(failure, message))
            }
        }
    }

    async fn try_release(&self, holder: &Holder) -> Result<bool> {
        let Stamp::Tag(etag) = &holder.stamp else { return Ok(false) };
        self.delete(holder, etag.as_deref()).await
    }

    async fn delete(&self, holder: &Holder, etag: Option<&str>) -> Result<bool> {
        let attempts = Attempts::default();
        let Err(failure) = self.bucket.delete_counted(&self.key, etag, &attempts).await else {
            return Ok(true);
        };
        if failure.conditions_unsupported() && etag.is_some() {
            return Box::pin(self.release_unconditionally(holder)).await;
        }
        let refused = failure.precondition_failed() || failure.status == Some(404);
        let unknown = failure.outcome_unknown() && !attempts.never_sent();
        let message = format!("can't remove the lock object `{}`", self.bucket.url(&self.key));
        let error = failure.into_error(message);
        let why = match (refused, unknown) {
            (true, _) => Unacknowledged::refused(attempts.repeated()),
            (false, true) => Unacknowledged::Lost(error),
            (false, false) => return Err(error),
        };
        settle::release(why, holder, self.find_holder().await)
    }

    /// For stores without conditional deletes: what stock clients do, read, compare, delete.
    async fn release_unconditionally(&self, holder: &Holder) -> Result<bool> {
        if self.find_holder().await?.is_none_or(|found| !found.same_as(holder)) {
            return Ok(false);
        }
        self.delete(holder, None).await
    }
}

impl LockStore for ObjectLock {
    fn acquire<'a>(&'a self, record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>> {
        self.try_acquire(record).boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>> {
        self.find_holder().boxed()
    }

    fn release<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<bool>> {
        self.try_release(holder).boxed()
    }
}
