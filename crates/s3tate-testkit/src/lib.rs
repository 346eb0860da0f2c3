//! What the tests of s3tate share: endpoints to run against, stock programs to compare with, and a look into the store.
//!
//! - [`tools`]: finds the stock programs; a test whose program is missing skips loudly, or fails with `CI=true`.
//! - [`Endpoint`]: the embedded endpoint in this process or a moto server, each with a bucket and a table of its own.
//! - [`Enforced`]: a moto server that checks what its users may do.
//! - [`Store`]: what really lies in bucket and table, past every program under test.
//! - [`Workdir`], [`Client`]: runs a program in a directory of its own, with a cleared environment.
//! - [`Backend`]: the `backend "s3"` block for an endpoint, for each generation of Terraform.
//! - [`Hold`]: a stock run that holds a lock until it is told to go on.
//! - [`Identities`]: every service that gives credentials, with keys that tell where they came from.
//! - [`StateServer`]: a server for `backend "http"`, in memory.
//! - [`TlsFront`], [`ConnectProxy`]: HTTPS with a private CA, and a proxy, before an endpoint.
//! - [`Gate`]: a proxy that holds requests back, or spoils their answers.
//! - [`Faults`]: a proxy by which chosen requests go wrong.
//! - [`Vice`]: a store that treats conditions otherwise than S3 does, before an endpoint.
//! - [`Recorder`]: a proxy that writes down requests, to check budgets.
//! - [`Pipe`]: counts bytes and makes the way longer; [`large_state`]: states of any size.
//! - [`GeneratedState`]: states with outputs of any type and value, from a seed; [`recorded_documents`]: odd ones.

#![allow(
    clippy::missing_panics_doc,
    reason = "everything here serves tests, which fail by panicking: any call may"
)]

mod backend;
mod configuration;
mod endpoint;
mod enforced;
mod fault;
mod faults;
pub mod fleet;
mod form;
mod gate;
mod generated;
mod hold;
mod hostile;
mod identities;
mod large;
mod lock;
mod middle;
mod moto;
mod pipe;
mod recorded;
mod recorder;
mod run;
mod runtime;
mod state_server;
mod store;
mod tls;
pub mod tools;
mod wait;
mod workdir;

pub use backend::{Backend, Locking};
pub use configuration::Configuration;
pub use endpoint::{Endpoint, Kind, REGION};
pub use enforced::Enforced;
pub use fault::{Deed, Fault, Refusal, Stall};
pub use faults::Faults;
pub use gate::{Gate, Spoil};
pub use generated::{GeneratedOutput, GeneratedState};
pub use hold::Hold;
pub use hostile::Vice;
pub use identities::{ACCOUNT, Identities};
pub use large::large_state;
pub use lock::LockRecord;
pub use pipe::Pipe;
pub use recorded::recorded_documents;
pub use recorder::{Recorder, Request};
pub use run::{Client, Finished, Run, Running};
pub use state_server::StateServer;
pub use store::{Item, Object, Snapshot, Store, md5_hex};
pub use tls::{ConnectProxy, TlsFront};
pub use wait::wait_for;
pub use workdir::Workdir;
