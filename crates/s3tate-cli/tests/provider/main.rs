//! The provider under stock Terraform, and under a client of our own.

mod ephemeral;
mod info;
mod install;
mod launch;
#[cfg(target_os = "linux")]
mod lives;
mod outputs;
mod peer;
mod raw;
mod reads;
mod schema;
mod sizes;
mod stage;
mod store;
