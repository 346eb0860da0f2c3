//! The provider under stock Terraform, and under a client of our own.

mod outputs;
mod stage;
