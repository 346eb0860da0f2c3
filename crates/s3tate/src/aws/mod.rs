//! The only place that knows the AWS SDK's builders: credentials, endpoints, transport, failures.

mod clients;
mod failure;
mod transport;

pub(crate) use clients::Clients;
pub(crate) use failure::{Failure, Service};
