//! The services of the plugin system, beside the provider's own.

mod controller;
mod health;
mod stdio;

pub(crate) use controller::{Controller, Ending};
pub(crate) use health::Health;
pub(crate) use stdio::Stdio;
