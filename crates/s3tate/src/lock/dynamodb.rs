//! Locks kept in a DynamoDB table, one item per locked state.
//!
//! Item, as Terraform writes it: `LockID` (S, hash key) = `<bucket>/<key>`, `Info` (S) = the record as JSON.
//! Safety rests on the conditional put alone, never on clocks.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::settle::{self, Unacknowledged};
use super::{Holder, LockInfo, LockKind, LockRecord, LockStore, Refusal, Stamp};
use crate::aws::{Attempts, Clients, Failure, Service};
use crate::digest_item::DIGEST;
use crate::error::{Error, ErrorKind, Result};
use crate::names::LockPath;

/// The table's hash key.
pub(crate) const LOCK_ID: &str = "LockID";
/// The member that holds the record.
pub(crate) const INFO: &str = "Info";

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The lock item of one state.
#[derive(Debug)]
pub(crate) struct ItemLock {
    clients: Arc<Clients>,
    table: String,
    path: LockPath,
}

impl ItemLock {
    pub(crate) fn new(clients: Arc<Clients>, table: String, path: LockPath) -> Self {
        Self { clients, table, path }
    }

    fn place(&self) -> String {
        format!("DynamoDB table `{}`, item `{}`", self.table, self.path)
    }

    /// The lock that an item is.
    pub(crate) fn holder_of(&self, item: &Item) -> Holder {
        let record = item.get(INFO).and_then(|value| value.as_s().ok()).cloned();
        let info = record.as_deref().and_then(LockInfo::read);
        let stamp = Stamp::Info(item.get(INFO).cloned());
        Holder { kind: LockKind::DynamoDb, place: self.place(), record, info, stamp }
    }

    async fn try_acquire(&self, record: &LockRecord) -> Result<Holder, Refusal> {
        let client = self.clients.dynamodb().await;
        let put = client
            .put_item()
            .table_name(&self.table)
            .item(LOCK_ID, AttributeValue::S(self.path.to_string()))
            .item(INFO, AttributeValue::S(record.text.clone()))
            .condition_expression(format!("attribute_not_exists({LOCK_ID})"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let attempts = Attempts::default();
        match put.customize().interceptor(attempts.clone()).send().await {
            Ok(_) => Ok(self.own(record)),
            Err(error) => self.refused(record, &error, &attempts).await,
        }
    }

    fn own(&self, record: &LockRecord) -> Holder {
        Holder {
            kind: LockKind::DynamoDb,
            place: self.place(),
            record: Some(record.text.clone()),
            info: Some(record.info.clone()),
            stamp: Stamp::Info(Some(AttributeValue::S(record.text.clone()))),
        }
    }

    async fn refused(
        &self,
        record: &LockRecord,
        error: &SdkError<PutItemError>,
        attempts: &Attempts,
    ) -> Result<Holder, Refusal> {
        let (why, found) = match error.as_service_error() {
            // Not every store sends the item along.
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                (Unacknowledged::refused(attempts.repeated()), failed.item().cloned())
            }
            _ => (self.not_refused(error, attempts)?, None),
        };
        let found = match found {
            Some(item) => Ok(Some(item)),
            None => self.find_item().await,
        };
        if let Ok(Some(item)) = &found
            && is_digest(item)
        {
            return Err(Refusal::Failed(self.digest_in_the_way()));
        }
        let found = found.map(|item| item.map(|item| self.holder_of(&item)));
        settle::acquisition(record, &self.place(), why, found)
    }

    /// A failure other than a refusal: what is stored tells more, unless it certainly had no effect.
    fn not_refused(
        &self,
        error: &SdkError<PutItemError>,
        attempts: &Attempts,
    ) -> Result<Unacknowledged, Refusal> {
        let failure = self.clients.failure(Service::DynamoDb, error);
        let lost = failure.outcome_unknown() && !attempts.never_sent();
        let error = table_error(failure, &self.table, &format!("can't lock `{}`", self.path));
        if lost { Ok(Unacknowledged::Lost(error)) } else { Err(Refusal::Failed(error)) }
    }

    /// A state whose key is another's with `-md5` behind it: the item of its lock is the digest of the other.
    fn digest_in_the_way(&self) -> Error {
        Error::invalid(format!("`s3://{}` can't be locked in a table; nothing was written", self.path))
            .fact("cause", "the item of its lock is the digest of another state, whose key lacks the `-md5`")
            .fact("kept in", self.place())
            .hint("choose a key that doesn't end with `-md5`, or lock with `use_lockfile` alone")
    }

    async fn find_item(&self) -> Result<Option<Item>> {
        let client = self.clients.dynamodb().await;
        let get = client
            .get_item()
            .table_name(&self.table)
            .key(LOCK_ID, AttributeValue::S(self.path.to_string()))
            .projection_expression(format!("{LOCK_ID}, {INFO}, {DIGEST}"))
            .consistent_read(true);
        let output = get.send().await.map_err(|error| {
            let failure = self.clients.failure(Service::DynamoDb, &error);
            table_error(failure, &self.table, &format!("can't look up the lock of `{}`", self.path))
        })?;
        Ok(output.item)
    }

    async fn find_holder(&self) -> Result<Option<Holder>> {
        Ok(self.look().await?.0)
    }

    /// Who holds the lock, and whether a digest of another state is in its place.
    pub(crate) async fn look(&self) -> Result<(Option<Holder>, bool)> {
        let item = self.find_item().await?;
        let digest = item.as_ref().is_some_and(is_digest);
        Ok((item.filter(|_| !digest).map(|item| self.holder_of(&item)), digest))
    }

    async fn try_release(&self, holder: &Holder) -> Result<bool> {
        let client = self.clients.dynamodb().await;
        let delete = client
            .delete_item()
            .table_name(&self.table)
            .key(LOCK_ID, AttributeValue::S(self.path.to_string()));
        let delete = match &holder.stamp {
            Stamp::Info(Some(info)) => delete
                .condition_expression(format!("{INFO} = :info"))
                .expression_attribute_values(":info", info.clone()),
            Stamp::Info(None) => delete.condition_expression(format!(
                "attribute_exists({LOCK_ID}) AND attribute_not_exists({INFO}) AND attribute_not_exists({DIGEST})"
            )),
            Stamp::Tag(_) => return Ok(false),
        };
        let attempts = Attempts::default();
        let Err(error) = delete.customize().interceptor(attempts.clone()).send().await else {
            return Ok(true);
        };
        let failure = self.clients.failure(Service::DynamoDb, &error);
        let refused = failure.is("ConditionalCheckFailedException");
        let unknown = failure.outcome_unknown() && !attempts.never_sent();
        let message = format!("can't release the lock of `{}`", self.path);
        let error = table_error(failure, &self.table, &message);
        let why = match (refused, unknown) {
            (true, _) => Unacknowledged::refused(attempts.repeated()),
            (false, true) => Unacknowledged::Lost(error),
            (false, false) => return Err(error),
        };
        if matches!(why, Unacknowledged::Refused) {
            return Ok(false);
        }
        settle::release(why, holder, self.find_holder().await)
    }
}

/// Whether an item records a digest, and is no lock.
fn is_digest(item: &Item) -> bool {
    item.contains_key(DIGEST) && !item.contains_key(INFO)
}

/// An error of a request to the table, with the two mistakes that set-ups make told apart.
pub(crate) fn table_error(failure: Failure, table: &str, message: &str) -> Error {
    if failure.is("ResourceNotFoundException") {
        return failure
            .into_error_of(
                ErrorKind::Unavailable,
                format!("{message}: there is no table `{table}`; nothing was written"),
            )
            .hint(format!("create it with a string partition key `{LOCK_ID}`, or correct `dynamodb_table`"));
    }
    if failure.is("ValidationException") {
        let why =
            format!("{message}: table `{table}` has not the key that Terraform needs; nothing was written");
        return failure
            .into_error_of(ErrorKind::Invalid, why)
            .hint(format!("use a table with the string partition key `{LOCK_ID}` and no sort key"));
    }
    failure.into_error(message)
}

impl LockStore for ItemLock {
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
