//! Credentials and transport of the real binary: who it is, whom it trusts, which way its requests take.

mod accounts;
mod matrix;
mod refresh;
mod roles;
mod secure;
mod tags;
mod trouble;
