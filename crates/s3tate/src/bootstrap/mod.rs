//! Bucket and table as a backend wants them: looked at, planned, and created only when asked.
//!
//! [`Plan::make`] sends reading requests alone, all at once. [`Plan::apply`] carries out exactly the steps that were
//! shown. What exists is left alone unless [`Options::adopt`] is set. [`access_policy`] needs no request at all.

mod access;
mod apply;
mod arn;
mod bucket;
mod inspect;
mod judge;
mod plan;
mod step;
mod table;
mod tls;

pub use access::{Role, access_policy};
pub use apply::Outcome;
pub use plan::{Options, Plan};
pub use step::{Action, Step, Subject};
