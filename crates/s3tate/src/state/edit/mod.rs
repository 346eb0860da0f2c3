//! Editing the resources of a format 4 state, every other byte left as it is.
//!
//! What the edit doesn't touch is kept as text, fields included that nobody here knows. The list of resources is laid out
//! as Terraform does, on one line where the whole document is.

mod draft;
mod relocate;
mod remove;
mod transplant;

use super::StateError;
pub use relocate::{Relocation, relocate};
pub use remove::{Removal, remove};
pub use transplant::{Transplant, transplant};

/// Why resources can't be edited as asked; the words are Terraform's gist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The document is no state that can be edited.
    #[error(transparent)]
    State(#[from] StateError),
    /// Nothing is at the source.
    #[error("{0} does not match anything in the state")]
    NothingThere(String),
    /// Something is at the target.
    #[error("cannot move to {target}: there is already a {what} at that address")]
    Taken {
        /// `resource`, `resource instance` or `module`.
        what: &'static str,
        /// The address.
        target: String,
    },
    /// A module can only become a module.
    #[error("cannot move {from} to {to}: the target must also be a module")]
    NotAModule {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// A resource or instance can't become a module.
    #[error("cannot move {from} to {to}: the target must also be a resource instance")]
    NotAResource {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// A resource with several instances can't become one instance.
    #[error("cannot move {from} to {to}: the source is a whole resource, so the target must be one too")]
    WholeResource {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// Data and managed resources don't become each other.
    #[error(
        "cannot move {from} to {to}: a data resource can only become a data resource, a managed one a managed one"
    )]
    OtherMode {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// A resource keeps its type.
    #[error("cannot move {from} to {to}: the resource types don't match")]
    OtherType {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// The serial can't be raised.
    #[error("the serial of the state is the highest there is, so it can't be raised")]
    LastSerial,
}
