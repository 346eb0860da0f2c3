//! The only place that knows the AWS SDK's builders: credentials, endpoints, transport, failures.

mod attempts;
mod clients;
mod connection;
mod credentials;
mod explain;
mod failure;
mod insecure;
mod payload_digest;
mod settings;
mod transport;
mod trouble;

pub(crate) use attempts::Attempts;
pub(crate) use clients::Clients;
pub(crate) use connection::{Connection, Timeouts};
pub(crate) use failure::{Failure, Service};
pub(crate) use insecure::{anybody, tls_builder};
pub(crate) use payload_digest::PayloadDigest;
pub(crate) use transport::{bundles, no_proxy};
