//! `s3tate state push`

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
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
    if path != Path::new("-") {
        return error;
    }
    match keep_in_new_file(source) {
        Ok(name) => error
            .fact("kept", format!("the pushed state is in `{name}`"))
            .fact("again", format!("`s3tate state push {name}`, when what is said here is settled")),
        Err(cause) => error.fact("lost", format!("the pushed state could not be kept in `{KEPT}`: {cause}")),
    }
}

/// Never over a file that is there: it may be the only copy of another state.
fn keep_in_new_file(source: &[u8]) -> std::io::Result<String> {
    let mut number = 0;
    loop {
        let name = if number == 0 { KEPT.to_owned() } else { format!("{KEPT}.{number}") };
        match private().write(true).create_new(true).open(&name) {
            Ok(mut file) => return file.write_all(source).and_then(|()| file.sync_all()).map(|()| name),
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(cause) => return Err(cause),
        }
    }
}

/// A state holds secrets, so its file is for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
