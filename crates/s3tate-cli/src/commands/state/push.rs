//! `s3tate state push`

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, PushOptions, Pushed, Result};

use crate::commands::{LockArgs, report};
use crate::context::Context;
use crate::ui;

/// Where a state from standard input is kept when it could not be stored.
const KEPT: &str = "errored.tfstate";

/// Store a state file over the stored state.
///
/// Refused if the stored state has another lineage or a higher serial. It is stored with the serial one above its own.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The state file, or `-` for standard input.
    path: PathBuf,
    /// Push over an unrelated or newer state.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Push) -> Result<ExitCode> {
    let source = read(&args.path)?;
    let workspace = context.workspace()?;
    let options = PushOptions { force: args.force, lock: args.lock.options() };
    match workspace.push(&source, &options).await {
        Ok(Pushed::Unchanged) => {
            ui::say(&format!("`{}` holds this state already; nothing was written", workspace.url()));
        }
        Ok(Pushed::Written { serial, lineage, written }) => {
            ui::say(&format!("pushed to `{}`: serial {serial}, lineage {lineage}", workspace.url()));
            report(Some(&written));
        }
        Err(error) if error.kind() == ErrorKind::Invalid => {
            return Err(error.fact("source", args.path.display().to_string()));
        }
        Err(error) => return Err(keep(&args.path, &source, error)),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(cause) => {
            Err(Error::invalid(format!("can't read `{}`; nothing was sent", path.display()))
                .with_source(cause))
        }
    }
}

/// Keeps bytes that exist nowhere else: those that came through standard input and may not be stored.
fn keep(path: &Path, source: &[u8], error: Error) -> Error {
    let at_risk = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unknown);
    if path != Path::new("-") || !at_risk {
        return error;
    }
    match std::fs::write(KEPT, source) {
        Ok(()) => error.fact("kept", format!("the pushed state is in `{KEPT}`")),
        Err(cause) => error.fact("lost", format!("the pushed state could not be kept in `{KEPT}`: {cause}")),
    }
}
