//! Who asks, and whether they may. [`decide`] is the one place that allows anything.

pub mod identity;
pub mod pattern;
mod policy;
mod scheme;
pub mod token;

pub use identity::{Identity, Method};
pub use policy::{Action, Decision, decide};
pub(crate) use scheme::{Authenticator, Unknown};
