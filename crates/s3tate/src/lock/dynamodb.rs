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

use super::{Holder, LockInfo, LockKind, LockRecord, LockStore, Refusal, judge, settle, unclear};
use crate::aws::{Clients, Failure, Service};
use crate::error::{Error, ErrorKind, Result};
use crate::names::LockPath;

/// The table's hash key.
pub(crate) const LOCK_ID: &str = "LockID";
/// The member that holds the record.
pub(crate) const INFO: &str = "Info";

type Item = HashMap<String, AttributeValue>;

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

    fn holder_of(&self, item: &Item) -> Holder {
        let record = item.get(INFO).and_then(|value| value.as_s().ok()).cloned();
        let info = record.as_deref().and_then(LockInfo::read);
        Holder { kind: LockKind::DynamoDb, place: self.place(), record, info, etag: None }
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
        match put.send().await {
            Ok(_) => Ok(self.own(record)),
            Err(error) => self.refused(record, &error).await,
        }
    }

    fn own(&self, record: &LockRecord) -> Holder {
        Holder {
            kind: LockKind::DynamoDb,
            place: self.place(),
            record: Some(record.text.clone()),
            info: Some(record.info.clone()),
            etag: None,
        }
    }

    async fn refused(&self, record: &LockRecord, error: &SdkError<PutItemError>) -> Result<Holder, Refusal> {
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            // Not every store sends the item along.
            let holder = match failed.item() {
                Some(item) => Some(self.holder_of(item)),
                None => self.find_holder().await.map_err(|error| unclear(error, record))?,
            };
            return judge(holder, record);
        }
        let failure = self.clients.failure(Service::DynamoDb, error);
        let lost = failure.outcome_unknown();
        let error = table_error(failure, &self.table, &format!("can't lock `{}`", self.path));
        if lost { settle(self.find_holder().await, error, record) } else { Err(Refusal::Failed(error)) }
    }

    async fn find_holder(&self) -> Result<Option<Holder>> {
        let client = self.clients.dynamodb().await;
        let get = client
            .get_item()
            .table_name(&self.table)
            .key(LOCK_ID, AttributeValue::S(self.path.to_string()))
            .projection_expression(format!("{LOCK_ID}, {INFO}"))
            .consistent_read(true);
        let output = get.send().await.map_err(|error| {
            let failure = self.clients.failure(Service::DynamoDb, &error);
            table_error(failure, &self.table, &format!("can't look up the lock of `{}`", self.path))
        })?;
        Ok(output.item().map(|item| self.holder_of(item)))
    }

    async fn try_release(&self, holder: &Holder) -> Result<bool> {
        let client = self.clients.dynamodb().await;
        let delete = client
            .delete_item()
            .table_name(&self.table)
            .key(LOCK_ID, AttributeValue::S(self.path.to_string()));
        let delete = match &holder.record {
            Some(record) => delete
                .condition_expression(format!("{INFO} = :info"))
                .expression_attribute_values(":info", AttributeValue::S(record.clone())),
            None => delete.condition_expression(format!(
                "attribute_exists({LOCK_ID}) AND attribute_not_exists({INFO})"
            )),
        };
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) => {
                let failure = self.clients.failure(Service::DynamoDb, &error);
                if failure.is("ConditionalCheckFailedException") {
                    return Ok(false);
                }
                Err(table_error(failure, &self.table, &format!("can't release the lock of `{}`", self.path)))
            }
        }
    }
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
