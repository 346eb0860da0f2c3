//! The digest item: the MD5 of the state's bytes, beside the locks in the table.
//!
//! Item, as Terraform writes it: `LockID` (S) = `<bucket>/<key>-md5`, `Digest` (S) = 32 lower-case hex digits.
//! An item that is missing or not of this form means "unknown", never an error, as for stock clients.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};

use crate::aws::{Clients, Failure, Service};
use crate::digest::StateDigest;
use crate::error::Result;
use crate::lock::{Holder, INFO, ItemLock, LOCK_ID};
use crate::names::LockPath;
use crate::protocol::Settled;

/// The member that holds the digest.
pub(crate) const DIGEST: &str = "Digest";

/// The digest item of one state.
#[derive(Debug, Clone)]
pub(crate) struct DigestItem {
    clients: Arc<Clients>,
    table: String,
    path: LockPath,
}

/// What the item holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordedDigest {
    /// There is no item.
    Nothing,
    /// A digest.
    Digest(StateDigest),
    /// Something that clients take for "unknown"; in words.
    Malformed(String),
}

impl RecordedDigest {
    fn of(item: &HashMap<String, AttributeValue>) -> Self {
        match item.get(DIGEST) {
            None => Self::Malformed(format!("an item without `{DIGEST}`")),
            Some(AttributeValue::S(text)) => match StateDigest::from_hex(text) {
                Some(digest) => Self::Digest(digest),
                None => Self::Malformed(format!("`{DIGEST}` = {text:?}")),
            },
            Some(_) => Self::Malformed(format!("a `{DIGEST}` that is no text")),
        }
    }

    fn digest(self) -> Option<StateDigest> {
        match self {
            Self::Digest(digest) => Some(digest),
            Self::Nothing | Self::Malformed(_) => None,
        }
    }
}

impl DigestItem {
    pub(crate) fn new(clients: Arc<Clients>, table: String, path: LockPath) -> Self {
        Self { clients, table, path }
    }

    /// Where the item is, in words.
    pub(crate) fn place(&self) -> String {
        format!("DynamoDB table `{}`, item `{}`", self.table, self.path.digest_id())
    }

    fn id(&self) -> AttributeValue {
        AttributeValue::S(self.path.digest_id())
    }

    /// The recorded digest; `None` where there is none of the right form.
    pub(crate) async fn get(&self) -> Result<Option<StateDigest>> {
        Ok(self.look().await?.digest())
    }

    /// What the item holds, whatever its form.
    pub(crate) async fn look(&self) -> Result<RecordedDigest> {
        self.try_look().await.map_err(|failure| {
            let message = format!("can't read the digest of `{}`", self.path);
            crate::lock::table_error(failure, &self.table, &message)
        })
    }

    /// The recorded digest, for somebody who has an error of their own to give.
    pub(crate) async fn found(&self) -> Result<Option<StateDigest>, Failure> {
        Ok(self.try_look().await?.digest())
    }

    async fn try_look(&self) -> Result<RecordedDigest, Failure> {
        let client = self.clients.dynamodb().await;
        let get = client
            .get_item()
            .table_name(&self.table)
            .key(LOCK_ID, self.id())
            .projection_expression(format!("{LOCK_ID}, {DIGEST}"))
            .consistent_read(true);
        let sent = get.send().await;
        let output = sent.map_err(|error| self.clients.failure(Service::DynamoDb, &error))?;
        Ok(output.item().map_or(RecordedDigest::Nothing, RecordedDigest::of))
    }

    /// The item as DynamoDB's JSON.
    pub(crate) fn json(&self, digest: StateDigest) -> String {
        let members = serde_json::json!({
            LOCK_ID: { "S": self.path.digest_id() },
            DIGEST: { "S": digest.to_string() },
        });
        format!("{members:#}\n")
    }

    /// The put of the item with a digest, without a condition.
    async fn put_request(&self, digest: StateDigest) -> PutItemFluentBuilder {
        let client = self.clients.dynamodb().await;
        client
            .put_item()
            .table_name(&self.table)
            .item(LOCK_ID, self.id())
            .item(DIGEST, AttributeValue::S(digest.to_string()))
    }

    /// Records a digest if the one that was read (or none) still is, or this very one already; `false` where another is.
    pub(crate) async fn put_after(
        &self,
        digest: StateDigest,
        read: Option<StateDigest>,
    ) -> Result<bool, Failure> {
        let (condition, values) = still(read, Some(digest));
        let put = self.put_request(digest).await.condition_expression(condition);
        let sent = put.set_expression_attribute_values(Some(values)).send().await.map(drop);
        unless_refused(sent.map_err(|error| self.clients.failure(Service::DynamoDb, &error)))
    }

    /// Records a digest and removes the lock item in one transaction, if the lock is still exactly this holder's and the
    /// digest still the one that was read.
    ///
    /// The conditions stand on put and delete themselves: a separate check needs a permission that policies written for
    /// Terraform lack.
    pub(crate) async fn put_and_release(
        &self,
        digest: StateDigest,
        read: Option<StateDigest>,
        lock: &Holder,
    ) -> Result<Settled, Failure> {
        let client = self.clients.dynamodb().await;
        let (condition, values) = still(read, Some(digest));
        let put = Put::builder()
            .table_name(&self.table)
            .item(LOCK_ID, self.id())
            .item(DIGEST, AttributeValue::S(digest.to_string()))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .build();
        let delete = Delete::builder()
            .table_name(&self.table)
            .key(LOCK_ID, AttributeValue::S(self.path.to_string()))
            .condition_expression(format!("{INFO} = :ours"))
            .expression_attribute_values(":ours", AttributeValue::S(lock.record.clone().unwrap_or_default()))
            .build();
        let (Ok(put), Ok(delete)) = (put, delete) else { return Ok(Settled::NoTransactions) };
        let sent = client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().delete(delete).build())
            .send()
            .await;
        let Err(error) = sent else { return Ok(Settled::Both) };
        let failure = self.clients.failure(Service::DynamoDb, &error);
        let reasons = match error.as_service_error() {
            Some(error) if error.is_transaction_canceled_exception() => cancellation_codes(error),
            _ => Vec::new(),
        };
        match reasons.iter().rposition(|code| code == "ConditionalCheckFailed") {
            Some(0) => return Ok(Settled::DigestMoved),
            Some(_) => return Ok(Settled::LockLost),
            None => {}
        }
        let unknown = failure.is("UnknownOperationException") || failure.status == Some(501);
        if unknown || failure.denied() { Ok(Settled::NoTransactions) } else { Err(failure) }
    }

    /// Removes the item, if the digest that was read is still recorded or it is gone already; `false` where another is.
    /// Where none was read, there is nothing to be careful with.
    pub(crate) async fn delete_recorded(&self, read: Option<StateDigest>) -> Result<bool, Failure> {
        let client = self.clients.dynamodb().await;
        let mut delete = client.delete_item().table_name(&self.table).key(LOCK_ID, self.id());
        if read.is_some() {
            let (condition, values) = still(read, None);
            delete = delete
                .condition_expression(format!("attribute_not_exists({LOCK_ID}) OR {condition}"))
                .set_expression_attribute_values(Some(values));
        }
        let sent = delete.send().await.map(drop);
        unless_refused(sent.map_err(|error| self.clients.failure(Service::DynamoDb, &error)))
    }

    /// The lock beside this digest.
    pub(crate) fn lock(&self) -> ItemLock {
        ItemLock::new(Arc::clone(&self.clients), self.table.clone(), self.path.clone())
    }
}

/// `false` where a condition was not met.
fn unless_refused(sent: Result<(), Failure>) -> Result<bool, Failure> {
    match sent {
        Ok(()) => Ok(true),
        Err(failure) if failure.is("ConditionalCheckFailedException") => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The condition that a digest is still the one that was read, in either case of its letters; that there is none of the
/// right length where none was read; or that it is the one to be put already, since a lost reply makes the SDK ask twice.
fn still(read: Option<StateDigest>, put: Option<StateDigest>) -> (String, HashMap<String, AttributeValue>) {
    let mut values = HashMap::new();
    let mut bind = |name: &str, value| {
        values.insert(name.to_owned(), value);
        name.to_owned()
    };
    let mut any = match read {
        None => {
            let length = bind(":length", AttributeValue::N(StateDigest::DIGITS.to_string()));
            vec![format!("attribute_not_exists({DIGEST})"), format!("size({DIGEST}) <> {length}")]
        }
        Some(read) => {
            let lower = bind(":read", AttributeValue::S(read.to_string()));
            let upper = bind(":upper", AttributeValue::S(read.to_string().to_ascii_uppercase()));
            vec![format!("{DIGEST} IN ({lower}, {upper})")]
        }
    };
    any.extend(put.map(|put| format!("{DIGEST} = {}", bind(":put", AttributeValue::S(put.to_string())))));
    (format!("({})", any.join(" OR ")), values)
}

/// Why each part of a transaction was refused, in the order of its parts.
fn cancellation_codes(
    error: &aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError,
) -> Vec<String> {
    use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
    match error {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => cancelled
            .cancellation_reasons()
            .iter()
            .map(|reason| reason.code().unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}
