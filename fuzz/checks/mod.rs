//! What must hold for any input: no panic, and different ways to the same answer agree.
//!
//! A function for each target; the ordinary tests run them too, over the regression inputs and the samples.

mod config;
mod lock;
mod outputs;
mod state;

#[allow(unused_imports, reason = "each fuzz target takes one of them")]
pub(crate) use {config::config, lock::lock, outputs::outputs, state::state};

/// The size of the pieces in which a document is read: small and odd, and told by the input itself.
fn piece_bytes(document: &[u8]) -> usize {
    1 + document.len() % 61
}
