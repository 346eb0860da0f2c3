//! `s3tate lock break`

use std::process::ExitCode;

use clap::Args;
use s3tate::lock::FoundLock;
use s3tate::{Backend, Error, ErrorKind, Result};

use super::{describe, workspaces};
use crate::context::Context;
use crate::ui;

/// Remove exactly the lock that is shown.
///
/// The lock with this ID is looked for in the current workspace, then in all others of the backend, or below a prefix. It
/// is shown, and removed once you have said `yes`, unless it has changed since it was shown.
#[derive(Debug, Args)]
pub(crate) struct Break {
    /// The lock's ID, as errors and `s3tate lock list` print it.
    #[arg(required_unless_present = "unreadable", conflicts_with = "unreadable")]
    id: Option<String>,
    /// Instead of an ID: the locks of the current workspace (or below the prefix) whose records can't be read.
    #[arg(long)]
    unreadable: bool,
    /// Look at every state in the bucket whose key begins like this.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Don't ask.
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(context: &Context, args: Break) -> Result<ExitCode> {
    let (backend, found, others) = find(context, &args).await?;
    for lock in &found {
        ui::say(&describe(lock, &context.env));
    }
    for other in others.iter().filter(|other| found.iter().any(|lock| lock.url == other.url)) {
        ui::warn(&format!("`{}` stays locked by another: {}", other.url, other.holder));
    }
    let question = "Remove exactly what is shown? Whoever holds it may still be writing.";
    if !args.force && !ui::confirm(question, "-force")? {
        return Err(Error::invalid("cancelled; nothing was removed"));
    }
    remove(&backend, &found).await?;
    Ok(ExitCode::SUCCESS)
}

/// The wanted locks, and what else was found.
async fn find(context: &Context, args: &Break) -> Result<(Backend, Vec<FoundLock>, Vec<FoundLock>)> {
    let wanted = |lock: &FoundLock| match &args.id {
        Some(id) => lock.has_id(id),
        None => lock.is_unreadable(),
    };
    let (backend, found) = match context.below(args.prefix.as_deref())? {
        Some((backend, prefix)) => {
            let found = backend.locks_below(&prefix).await?;
            (backend, found)
        }
        None => near(context, args.id.as_deref()).await?,
    };
    let (found, others): (Vec<_>, Vec<_>) = found.into_iter().partition(wanted);
    if found.is_empty() {
        return Err(not_found(args, &others));
    }
    Ok((backend, found, others))
}

/// The locks of the current workspace, and if the wanted one isn't among them those of the others.
async fn near(context: &Context, id: Option<&str>) -> Result<(Backend, Vec<FoundLock>)> {
    let workspace = context.workspace()?;
    let backend = workspace.backend().clone();
    let found = workspace.found_locks().await?;
    if id.is_none_or(|id| found.iter().any(|lock| lock.has_id(id))) {
        return Ok((backend, found));
    }
    let found = backend.locks_of(workspaces(context).await?).await?;
    Ok((backend, found))
}

fn not_found(args: &Break, found: &[FoundLock]) -> Error {
    let message = match &args.id {
        Some(id) => format!("there is no lock with ID {id}; nothing was removed"),
        None => "there is no unreadable lock here; nothing was removed".to_owned(),
    };
    let error = Error::new(ErrorKind::NotFound, message);
    found.iter().fold(error, |error, lock| {
        let id = lock.holder.info.as_ref().map_or("unreadable", |info| info.id.as_str());
        error.fact("there is", format!("{id} on `{}` ({})", lock.url, lock.holder.kind.as_str()))
    })
}

/// Removes each of them, whatever becomes of the others.
async fn remove(backend: &Backend, found: &[FoundLock]) -> Result<()> {
    let mut failed = None;
    for lock in found {
        let kind = lock.holder.kind.as_str();
        match backend.remove_lock(lock).await {
            Ok(true) => ui::say(&format!("removed the {kind} lock of `{}`", lock.url)),
            Ok(false) => failed = failed.or(Some(changed(lock))),
            Err(error) => failed = failed.or(Some(error.fact("still locked", lock.holder.place.clone()))),
        }
    }
    failed.map_or(Ok(()), Err)
}

fn changed(lock: &FoundLock) -> Error {
    let message = format!("the lock of `{}` is not what was shown any more; it was left alone", lock.url);
    Error::new(ErrorKind::Conflict, message)
        .fact("kept in", lock.holder.place.clone())
        .hint("`s3tate lock show` shows what is there now")
}
