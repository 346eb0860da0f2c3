//! What `data "terraform_remote_state"` blocks read: the root outputs of another state.
//!
//! - [`find`]: the blocks of a directory, evaluated as far as that can be done without running anything
//! - [`read`]: the outputs that a block gives, its defaults included; [`read_all`] at once for several
//! - [`flat`]: the rendering of Terraform 0.7 to 0.11; [`listing`] for people, [`json`] for programs
//!
//! Nothing but root outputs leaves this module, and nothing is ever created: a missing state is told.

mod arguments;
mod defaults;
mod flat;
mod render;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use arguments::{Given, find};
pub use flat::{Style, flat};
pub use render::{json, listing};

use crate::backend::Backend;
use crate::config::value::Value;
use crate::config::{Argument, Arguments, BackendConfig, Place};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::names::WorkspaceName;
use crate::problem::Problem;
use crate::state::{Outputs, StateError, read_outputs};

/// Whose rules a block is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Terraform 0.11 and earlier: a missing state has no outputs, and defaults hold where an output is null.
    Legacy,
    /// Terraform 0.12 and later: a missing state is an error.
    Modern,
}

/// One `data "terraform_remote_state"` block, its arguments worked out.
#[derive(Debug, Clone)]
pub struct Block {
    /// The name, without `data.terraform_remote_state.`.
    pub name: String,
    /// Where it stands; `None` for one that was not read from a file.
    pub place: Option<Place>,
    /// The backend's type.
    pub backend: String,
    /// The backend's configuration, in the order given.
    pub config: Vec<Argument>,
    /// The workspace as written.
    pub workspace: Option<String>,
    /// The environment as written, which is what Terraform 0.9 to 0.11.1 called a workspace.
    pub environment: Option<String>,
    /// Values for outputs that the state lacks.
    pub defaults: BTreeMap<String, Value>,
    /// Whose rules it is written by: `config { … }` and `environment` are Terraform 0.11's.
    pub generation: Generation,
    /// The directory that relative paths start from.
    pub directory: PathBuf,
}

/// What a block reads.
#[derive(Debug, Clone)]
pub struct RemoteState {
    /// The block.
    pub block: Block,
    /// Where the state is kept.
    pub url: String,
    /// The format of the state; `None` where there is none.
    pub format: Option<u64>,
    /// Its root outputs over the block's defaults.
    pub outputs: Outputs,
}

impl RemoteState {
    /// Whether the flat rendering hides sensitive outputs: the releases that printed so, and the formats they read, don't.
    pub fn hides_sensitive(&self) -> bool {
        self.format.is_none_or(|format| format >= 4)
    }
}

impl Block {
    /// A block for a state that is named without any file.
    pub fn of_arguments(arguments: &Arguments) -> Self {
        let config = arguments.iter().map(|(name, value, source)| Argument {
            name: name.to_owned(),
            value: value.clone(),
            source: source.clone(),
        });
        Self {
            name: "state".to_owned(),
            place: None,
            backend: "s3".to_owned(),
            config: config.collect(),
            workspace: None,
            environment: None,
            defaults: BTreeMap::new(),
            generation: Generation::Modern,
            directory: PathBuf::new(),
        }
    }

    /// Its address in the configuration.
    pub fn address(&self) -> String {
        format!("data.terraform_remote_state.{}", self.name)
    }

    /// The workspace it reads: `workspace` if that is set and not `default`, else `environment`.
    pub fn workspace_name(&self) -> &str {
        let set = |name: &Option<String>| name.as_deref().is_some_and(|name| !matches!(name, "" | "default"));
        let given = [&self.workspace, &self.environment].into_iter().find(|name| set(name));
        given.and_then(Option::as_deref).unwrap_or("default")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.config.iter().rev().find(|argument| argument.name == name)?.value.as_str()
    }
}

/// Reads several blocks at the same time; results are in the order of the blocks.
///
/// # Errors
/// The first one's of [`read`].
pub async fn read_all(blocks: Vec<Block>, env: &Env) -> Result<Vec<RemoteState>> {
    let reads: Vec<_> = blocks.into_iter().map(|block| read(block, env)).collect();
    // All are waited for, so that the same mistake gives the same error each time.
    futures::future::join_all(reads).await.into_iter().collect()
}

/// Reads the outputs that a block gives.
///
/// # Errors
/// - [`ErrorKind::Invalid`]: the backend is neither `s3` nor `local`, or its configuration is wrong; an empty workspace in
///   `s3`, under the rules of Terraform 0.12 and later.
/// - [`ErrorKind::NotFound`]: there is no state, under the rules of Terraform 0.12 and later. Nothing is created.
/// - those of [`crate::Workspace::outputs`].
pub async fn read(block: Block, env: &Env) -> Result<RemoteState> {
    let address = block.address();
    let (url, stored) = match block.backend.as_str() {
        "s3" => read_s3(&block, env).await,
        "local" | "_local" => read_local(&block),
        "" => Err(Error::invalid(format!("{address} names no backend; nothing was read"))
            .hint("add `backend = \"s3\"`")),
        other => Err(Error::invalid(format!("the backend of {address} is \"{other}\"; nothing was read"))
            .hint("s3tate reads states that are kept by the backends `s3` and `local`")),
    }
    .map_err(|error| error.fact("block", described(&block)))?;
    if stored.is_none() && block.generation == Generation::Modern {
        return Err(Error::new(ErrorKind::NotFound, format!("unable to find the remote state of {address}"))
            .fact("looked for", url)
            .fact("workspace", block.workspace_name())
            .fact("block", described(&block))
            .hint("`s3tate workspace list` shows the workspaces there are; reading creates none"));
    }
    let (format, stored) =
        stored.map_or((None, Outputs::default()), |(format, stored)| (Some(format), stored));
    let outputs = defaults::merged(&block, stored).map_err(|error| error.fact("block", described(&block)))?;
    Ok(RemoteState { block, url, format, outputs })
}

fn described(block: &Block) -> String {
    match &block.place {
        Some(place) => format!("{} in {place}", block.address()),
        None => block.address(),
    }
}

/// Outputs, and the format of the state that holds them.
type Stored = (u64, Outputs);

async fn read_s3(block: &Block, env: &Env) -> Result<(String, Option<Stored>)> {
    if block.generation == Generation::Modern && block.workspace.as_deref() == Some("") {
        return Err(Error::invalid(format!(
            "the workspace of {} is empty; nothing was read",
            block.address()
        ))
        .hint("leave it out to read the workspace `default`"));
    }
    let arguments =
        Arguments::check(block.config.clone(), Vec::new()).map_err(|error| without_lines(&error))?;
    let backend = Backend::new(BackendConfig::new(&arguments, env)?, env.clone())?;
    let workspace = backend.workspace(WorkspaceName::new(block.workspace_name())?);
    let outputs = workspace.outputs().await?.map(|document| (document.header.version, document.outputs));
    Ok((workspace.url(), outputs))
}

/// The same problems without the lines they stand in, since one line may hold the whole configuration, keys included.
fn without_lines(error: &Error) -> Error {
    let problems = error.problems().iter().cloned();
    Error::of_problems(problems.map(|problem| Problem { place: None, ..problem }).collect())
}

/// Where the backend `local` keeps its state.
fn read_local(block: &Block) -> Result<(String, Option<Stored>)> {
    let path = match block.workspace_name() {
        "default" => PathBuf::from(block.text("path").unwrap_or("terraform.tfstate")),
        name => {
            let parent = block.text("workspace_dir").unwrap_or("terraform.tfstate.d");
            PathBuf::from(parent).join(name).join("terraform.tfstate")
        }
    };
    let path = block.directory.join(path);
    let shown = path.display().to_string();
    let unreadable = |error: StateError| {
        Error::new(ErrorKind::Corrupt, format!("`{shown}` can't be read as a state")).with_source(error)
    };
    match std::fs::read(&path) {
        Ok(bytes) => Ok((shown.clone(), outputs_of(&bytes).map_err(unreadable)?)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok((shown, None)),
        Err(cause) => {
            Err(Error::new(ErrorKind::Unavailable, format!("can't read `{shown}`")).with_source(cause))
        }
    }
}

fn outputs_of(bytes: &[u8]) -> Result<Option<Stored>, StateError> {
    Ok(read_outputs(bytes)?.map(|document| (document.header.version, document.outputs)))
}

#[cfg(test)]
mod tests;
