//! Terraform and OpenTofu state on Amazon S3: the provider, over plugin protocol 6.
//!
//! A client starts the binary, reads a line from its standard output, and connects to the address in it. This library
//! neither prints nor exits: the caller prints [`Plugin::handshake`], then waits for [`Plugin::serve`].
//!
//! - [`is_started_by_client`]: whether there is a client to talk to
//! - [`Plugin`]: the provider of one client; [`Attachable`]: one that clients attach to
//! - [`log`]: log lines as clients take them in

mod arguments;
mod backends;
mod diagnostics;
mod handshake;
pub mod log;
mod parent;
mod plugin;
#[doc(hidden)]
pub mod proto;
mod reattach;
mod remote_state;
mod schema;
mod service;
mod services;
mod signals;
mod sources;
mod state_info;
mod state_store;
mod transport;
mod value;

pub use handshake::{is_started_by_client, not_for_people};
pub use plugin::Plugin;
pub use reattach::Attachable;
