//! Credentials and transport of the real binary: who it is, whom it trusts, which way its requests take.

mod accounts;
mod effects;
mod fixed;
mod matrix;
mod refresh;
mod roles;
mod secure;
mod sso;
mod tags;
mod trouble;
