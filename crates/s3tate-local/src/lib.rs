//! The embedded default of s3tate: S3, DynamoDB and STS on one port, durable, in one process.
//!
//! Stock Terraform, the AWS CLI and the official SDKs talk to it as they talk to AWS: signatures are checked, writes
//! can be conditional, buckets keep versions. Addresses are path-style (`http://host:port/bucket/key`).
//!
//! ```no_run
//! # async fn run() -> Result<(), s3tate_local::LocalError> {
//! use s3tate_local::{Local, Options, Storage};
//!
//! let mut options = Options::new(Storage::Directory("s3tate-data".into()));
//! options.buckets.push("states".to_owned());
//! options.tables.push("locks".to_owned());
//! let local = Local::start(options).await?;
//! println!("export AWS_ENDPOINT_URL={}", local.endpoint_url());
//! local.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | `local`, `accept`, `router` | start and stop, connections, which service a request is for |
//! | `s3` | the operations of S3 on [`s3s`] |
//! | `store` | buckets, versions, bodies and uploads in SQLite |
//! | `dynamodb` | the operations of DynamoDB on [`dynoxide`] |
//! | `sts`, `keyring`, `signature` | identities, temporary keys, signatures of DynamoDB and STS requests |
//! | `directory`, `access_key` | the data directory, its lock and its key |

#![allow(clippy::doc_markdown, reason = "DynamoDB, SQLite and ETag are names, not code")]

mod accept;
mod access_key;
mod directory;
mod dynamodb;
mod env;
mod error;
mod form;
mod keyring;
mod local;
mod names;
mod options;
mod router;
mod s3;
mod signature;
mod store;
mod sts;

pub use crate::access_key::AccessKey;
pub use crate::error::LocalError;
pub use crate::local::Local;
pub use crate::options::{Options, Storage};
