//! What commands over many states have in common: where the states are, and where the index is.

use std::path::PathBuf;

use clap::Args;
use s3tate::catalog::Index;
use s3tate::lock::Holder;
use s3tate::{Backend, Env, Error, Result};

use crate::context::Context;

/// Which states, and what is known of them.
#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// Only states whose key begins like this; by default every state in the backend's bucket.
    ///
    /// `-state=s3://BUCKET/PREFIX/` with a slash at its end means the same without a backend.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Where to keep what is known of states; by default `s3tate/index` in the user's cache directory.
    #[arg(long, value_name = "DIR", conflicts_with = "no_index")]
    index: Option<PathBuf>,
    /// Read every state and keep nothing.
    #[arg(long)]
    no_index: bool,
}

impl FleetArgs {
    /// The backend, and the prefix of the states.
    pub(crate) fn below(&self, context: &Context) -> Result<(Backend, String)> {
        match context.below(self.prefix.as_deref())? {
            Some(below) => Ok(below),
            None => Ok((context.backend()?, String::new())),
        }
    }

    pub(crate) fn index(&self, context: &Context) -> Result<Index> {
        match &self.index {
            _ if self.no_index => Index::temporary(&context.env.temp_dir()),
            Some(directory) => Ok(Index::in_directory(directory)),
            None => Ok(Index::in_directory(cache_directory(&context.env)?.join("s3tate").join("index"))),
        }
    }
}

/// `ID WHO` of a lock.
pub(crate) fn holder(lock: &Holder) -> String {
    match &lock.info {
        Some(info) => format!("{} {}", info.id, info.who),
        None => "unreadable".to_owned(),
    }
}

/// The user's directory for what can be made again. Source: XDG Base Directory Specification.
fn cache_directory(env: &Env) -> Result<PathBuf> {
    let of_variable = |name: &str| env.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    of_variable("XDG_CACHE_HOME").or_else(|| of_variable("HOME").map(|home| home.join(".cache"))).ok_or_else(
        || {
            Error::invalid("there is no place for the index: neither `XDG_CACHE_HOME` nor `HOME` is set")
                .hint("name a directory with `-index`, or keep nothing with `-no-index`")
        },
    )
}
