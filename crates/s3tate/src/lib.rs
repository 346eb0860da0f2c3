//! Terraform and OpenTofu state on Amazon S3, with locks in DynamoDB or in S3 lock objects.
//!
//! This library shares buckets, tables, keys and locks with stock Terraform's and OpenTofu's `s3` backend. It is handed
//! its values: only [`Env::from_process`] looks around.
//!
//! An output of a state, in one round trip and whatever its size:
//!
//! ```no_run
//! # async fn example() -> s3tate::Result<()> {
//! use s3tate::{Env, Workspace};
//!
//! let url = "s3://acme-tf/prod/network.tfstate?region=eu-west-1&dynamodb_table=acme-locks";
//! let state = Workspace::at(url, Env::from_process())?;
//! let read = state.outputs().await?.ok_or_else(|| state.missing())?;
//! if let Some(output) = read.outputs.get("vpc_id") {
//!     println!("{}", output.value.to_json());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`config`]: blocks, options and cache, resolved to a [`config::BackendConfig`]
//! - [`Backend`] and [`Workspace`]: read, outputs, push, lock, create, delete
//! - [`catalog`]: every state below a prefix, and what is in it
//! - [`bootstrap`]: what a backend lacks, as a plan that can be carried out; least access policies
//! - [`diff`]: what differs between two states
//! - [`doctor`]: what is wrong with a state, its locks or its store, with the evidence; the one safe repair
//! - [`history`]: the versions of a state that the bucket keeps, and bringing one back
//! - [`lock`]: the lock record, guards and waiting
//! - [`migrate`]: states from one place to another, also files and state servers, by a journal
//! - [`remote_state`]: what `data "terraform_remote_state"` blocks read
//! - [`state`]: the state format, outputs and their renderings
//! - [`Error`] and [`ErrorKind`]: what a caller does next

mod aws;
mod backend;
pub mod bootstrap;
pub mod catalog;
pub mod config;
mod copy;
pub mod diff;
mod digest;
mod digest_item;
pub mod doctor;
mod door;
mod download;
mod edit;
mod env;
mod error;
pub mod history;
mod identity;
mod info;
mod journal;
mod kept;
mod left_lock;
mod listing;
pub mod lock;
mod lock_kinds;
pub mod migrate;
mod names;
mod object;
mod outputs;
mod payload;
mod problem;
#[doc(hidden)]
pub mod protocol;
mod provenance;
mod pull;
mod push;
mod read;
pub mod remote_state;
mod resources;
pub mod state;
mod transfer;
mod upload;
mod versions;
mod workspace;
mod write;

#[cfg(test)]
mod testing;

pub use backend::{Backend, parse_duration};
pub use copy::Copied;
pub use digest::{StateDigest, StateHasher};
pub use door::{Door, Hold};
pub use edit::{EditOptions, Edited};
pub use env::Env;
pub use error::{Error, ErrorKind, Result};
pub use identity::{CredentialSource, Identity, Outcome, Tried};
pub use info::StateInfo;
pub use lock_kinds::{LockKinds, LockUse, Orphan, UsedWith};
pub use names::{ETag, LockId, LockPath, StateKey, VersionId, WorkspaceName};
pub use payload::{Payload, Spool};
pub use problem::Problem;
pub use provenance::Writer;
pub use pull::Pulled;
pub use push::{PushOptions, Pushed};
pub use read::Snapshot;
pub use transfer::{Transfer, TransferOptions, Transferred};
pub use workspace::{Addresses, Workspace};
pub use write::Written;
