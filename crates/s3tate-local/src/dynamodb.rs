//! DynamoDB: operations by `dynoxide`, called directly; its own HTTP server checks no signatures.

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::LocalError;

/// `Content-Type` of requests and answers.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

const TARGET_PREFIX: &str = "DynamoDB_20120810.";

/// The database of tables.
#[derive(Clone)]
pub(crate) struct Tables(Arc<Database>);

/// Status and JSON body of an answer.
pub(crate) type Answer = (StatusCode, String);

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Tables {
    /// Opens the database file, making it where missing.
    ///
    /// `dynoxide` sets the write-ahead log and leaves `synchronous` at SQLite's default, which is FULL in the bundled
    /// build, so an acknowledged write is on disk.
    pub(crate) fn open(path: &Path) -> Result<Self, LocalError> {
        let database = Database::new(&path.to_string_lossy()).map_err(|error| {
            let reason = error.to_string();
            if reason.contains("newer") {
                LocalError::NewerDatabase { path: path.to_owned() }
            } else {
                LocalError::Database { path: path.to_owned(), reason }
            }
        })?;
        Ok(Self(Arc::new(database)))
    }

    /// Empty tables in memory.
    pub(crate) fn memory() -> Result<Self, LocalError> {
        let database = Database::memory()
            .map_err(|error| LocalError::Database { path: ":memory:".into(), reason: error.to_string() })?;
        Ok(Self(Arc::new(database)))
    }

    /// Makes a table as Terraform's backend wants it: hash key `LockID` (S), billed on demand. Keeps an existing one.
    pub(crate) fn ensure_lock_table(&self, name: &str) -> Result<(), LocalError> {
        let request = json!({
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let (status, body) = self.call("CreateTable", &request.to_string());
        if status == StatusCode::OK || body.contains("ResourceInUseException") {
            return Ok(());
        }
        Err(LocalError::Create { name: name.to_owned(), reason: body })
    }

    /// Serves one request; blocks while the database works.
    ///
    /// `target` is the header `X-Amz-Target`.
    pub(crate) fn serve(&self, target: &str, body: &str) -> Answer {
        match target.strip_prefix(TARGET_PREFIX) {
            Some(operation) => self.call(operation, body),
            None => unknown_operation(),
        }
    }

    fn call(&self, operation: &str, body: &str) -> Answer {
        let db = &*self.0;
        match operation {
            "CreateTable" => answer(operation, body, |request| db.create_table(request)),
            "DeleteTable" => answer(operation, body, |request| db.delete_table(request)),
            "DescribeTable" => answer(operation, body, |request| db.describe_table(request)),
            "ListTables" => answer(operation, body, |request| db.list_tables(request)),
            "UpdateTable" => answer(operation, body, |request| db.update_table(request)),
            "PutItem" => answer(operation, body, |request| db.put_item(request)),
            "GetItem" => answer(operation, body, |request| db.get_item(request)),
            "DeleteItem" => answer(operation, body, |request| db.delete_item(request)),
            "UpdateItem" => answer(operation, body, |request| db.update_item(request)),
            "Query" => answer(operation, body, |request| db.query(request)),
            "Scan" => answer(operation, body, |request| db.scan(request)),
            "BatchGetItem" => answer(operation, body, |request| db.batch_get_item(request)),
            "BatchWriteItem" => answer(operation, body, |request| db.batch_write_item(request)),
            "TransactGetItems" => answer(operation, body, |request| db.transact_get_items(request)),
            "TransactWriteItems" => answer(operation, body, |request| db.transact_write_items(request)),
            "DescribeTimeToLive" => answer(operation, body, |request| db.describe_time_to_live(request)),
            "UpdateTimeToLive" => answer(operation, body, |request| db.update_time_to_live(request)),
            "TagResource" => answer(operation, body, |request| db.tag_resource(request)),
            "UntagResource" => answer(operation, body, |request| db.untag_resource(request)),
            "ListTagsOfResource" => answer(operation, body, |request| db.list_tags_of_resource(request)),
            "DescribeContinuousBackups" => self.describe_continuous_backups(body),
            _ => unknown_operation(),
        }
    }

    /// Point-in-time recovery is not there to be enabled.
    fn describe_continuous_backups(&self, body: &str) -> Answer {
        let described = self.call("DescribeTable", body);
        if described.0 != StatusCode::OK {
            return described;
        }
        let disabled = json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }});
        (StatusCode::OK, disabled.to_string())
    }
}

/// Reads the request, runs it and writes the answer.
fn answer<I, O>(operation: &str, body: &str, run: impl FnOnce(I) -> dynoxide::Result<O>) -> Answer
where
    I: DeserializeOwned,
    O: Serialize,
{
    let request = match serde_json::from_str(body) {
        Ok(request) => request,
        Err(error) => return unreadable(operation, body, &error),
    };
    let done = run(request).and_then(|output| {
        serde_json::to_string(&output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    });
    match done {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => refused(operation, error),
    }
}

fn refused(operation: &str, error: DynoxideError) -> Answer {
    let error = match error {
        DynoxideError::EnvelopedValidation(message) => {
            DynoxideError::ValidationException(enveloped(operation, message))
        }
        other => other,
    };
    let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, error.to_json())
}

/// DynamoDB words some refusals differently for writes of a single item.
fn enveloped(operation: &str, message: String) -> String {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => format!("1 validation error detected: {message}"),
        _ => message,
    }
}

/// The request types of `dynoxide` refuse with a marker in front of the message that says which error it is.
fn unreadable(operation: &str, body: &str, error: &serde_json::Error) -> Answer {
    if serde_json::from_str::<Value>(body).is_err() {
        return failure(StatusCode::BAD_REQUEST, "com.amazon.coral.service#SerializationException", None);
    }
    let text = error.to_string();
    let text = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let validation = "com.amazon.coral.validate#ValidationException";
    if let Some(message) = text.strip_prefix("VALIDATION_REQUEST:") {
        let message = enveloped(operation, message.to_owned());
        return failure(StatusCode::BAD_REQUEST, validation, Some(&message));
    }
    if let Some(message) = text.strip_prefix("SERIALIZATION:") {
        let kind = "com.amazon.coral.service#SerializationException";
        return failure(StatusCode::BAD_REQUEST, kind, Some(message).filter(|message| !message.is_empty()));
    }
    let message = text.strip_prefix("VALIDATION:").unwrap_or(text);
    failure(StatusCode::BAD_REQUEST, validation, Some(message))
}

fn unknown_operation() -> Answer {
    failure(StatusCode::BAD_REQUEST, "com.amazon.coral.service#UnknownOperationException", None)
}

/// An error as DynamoDB writes it; `kind` is its full `__type`.
pub(crate) fn failure(status: StatusCode, kind: &str, message: Option<&str>) -> Answer {
    let body = match message {
        Some(message) => json!({"__type": kind, "message": message}),
        None => json!({"__type": kind}),
    };
    (status, body.to_string())
}
