//! A small model of s3tate's protocol: locks, state, digest, crashes, lost answers, broken locks, and recovery.
//!
//! A few clients and a store, one request a step, every order and every fault: `stateright` visits all of it and checks
//! the invariants of [`properties::name`] in each state. Decisions are the library's own: what is asked of
//! [`s3tate::protocol`] here is asked there by the code. `docs/model.md` says which code each step stands for, and which
//! test takes that path for real.
//!
//! - [`Setup`]: who takes part, what may go wrong, which protections are on
//! - [`Exploration`]: explores a setup
//! - [`World`]: one state of the model

mod client;
mod effect;
mod explore;
mod ids;
pub mod properties;
mod react;
mod real;
mod recovery;
mod request;
mod setup;
mod stock;
mod store;
mod world;

pub use client::{At, Client, Locking, Outcome, StockAt};
pub use explore::{Exploration, Report};
pub use ids::{Id, Ids};
pub use request::{Action, Reply, Request};
pub use setup::{Budget, Place, Protections, Role, Setup, Task};
pub use store::{Ledger, Object, Store};
pub use world::World;
