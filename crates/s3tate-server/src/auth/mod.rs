//! Who asks, and whether they may. [`decide`] is the one place that allows anything.

mod bond;
mod certificate;
pub mod identity;
mod oidc;
pub mod pattern;
mod policy;
mod ring_jwt;
mod scheme;
pub mod token;

pub(crate) use bond::{Bond, claims_in};
pub(crate) use certificate::of_certificate;
pub use identity::{Identity, Method};
pub(crate) use oidc::Issuers;
pub use policy::{Action, Decision, decide};
pub(crate) use scheme::{Authenticator, Unknown};
