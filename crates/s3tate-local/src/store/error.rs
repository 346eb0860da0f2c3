//! Errors inside a database call.

use s3s::{S3Error, S3ErrorCode};

/// Result of a database call.
pub(crate) type Stored<T> = Result<T, StoreError>;

/// Why a database call failed; its transaction was rolled back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The answer the client is to get.
    #[error("{0:?}")]
    Answer(#[from] S3Error),
    /// The database failed.
    #[error("object database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored JSON column can't be read, or one can't be written.
    #[error("object database, JSON column: {0}")]
    Json(#[from] serde_json::Error),
    /// No random bytes for a version id.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The database thread died.
    #[error("database task: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Answer(answer) => answer,
            other => {
                tracing::error!(error = %other, "object database failed");
                let mut answer =
                    S3Error::with_message(S3ErrorCode::InternalError, "We encountered an internal error.");
                answer.set_source(Box::new(other));
                answer
            }
        }
    }
}
