//! `s3tate state mv`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use s3tate::state::go_quote;
use s3tate::{EditOptions, Error, ErrorKind, Result, Transfer, TransferOptions, Transferred, Workspace};

use super::place::Place;
use super::{as_stock, fail};
use crate::commands::{LockArgs, report};
use crate::context::Context;
use crate::ui;

/// Give a module, a resource or one instance another address, in the same state or in another one.
///
/// `s3://BUCKET/KEY?region=REGION&dynamodb_table=TABLE//ADDRESS` names an address in another state. Both states are locked, the
/// destination is written first, and a run that stopped in between is gone on with by the same command.
#[derive(Debug, Args)]
pub(crate) struct Mv {
    /// The address now, or a state's URL, `//` and the address there.
    source: String,
    /// The address it gets; nothing may be there.
    destination: String,
    /// Only tell what would be moved.
    #[arg(long)]
    dry_run: bool,
    /// Take a move between states back that stopped.
    #[arg(long, conflicts_with = "dry_run")]
    abort: bool,
    /// The file that keeps the journal of a move between states; by default in Terraform's data directory.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Mv) -> Result<ExitCode> {
    let (from, to) = match (Place::parse(&args.source), Place::parse(&args.destination)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(error), _) | (_, Err(error)) => return Ok(fail(&error)),
    };
    let (source, destination) = (at(context, &from)?, at(context, &to)?);
    if source.url() == destination.url() {
        within(&source, &from, &to, &args).await
    } else {
        let transfer = Transfer { source, from: from.target, destination, to: to.target };
        between(context, &transfer, &args).await
    }
}

fn at(context: &Context, place: &Place<'_>) -> Result<Workspace> {
    match place.state {
        Some(url) => context.workspace_at(url),
        None => context.workspace(),
    }
}

async fn within(workspace: &Workspace, from: &Place<'_>, to: &Place<'_>, args: &Mv) -> Result<ExitCode> {
    if args.abort {
        return Err(Error::invalid("only a move between two states can be taken back; nothing was done"));
    }
    let options = EditOptions { dry_run: args.dry_run, lock: args.lock.options() };
    let edited = match workspace.relocate(&from.target, &to.target, &options).await {
        Ok(edited) => edited,
        Err(error) => return as_stock(error),
    };
    let moves = edited.edit.moves.iter().map(|(from, moved)| {
        // Stock repeats the address of an instance as it was written.
        (go_quote(from), go_quote(if edited.edit.of_instance { to.text } else { moved }))
    });
    let text = told(moves, args.dry_run);
    report(edited.written.as_ref());
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}

async fn between(context: &Context, transfer: &Transfer, args: &Mv) -> Result<ExitCode> {
    let journal = args.journal.clone().unwrap_or_else(|| transfer.journal_in(&directory(context)));
    let options = TransferOptions { lock: args.lock.options(), journal };
    if args.abort {
        transfer.abort(&options).await?;
        ui::say(&format!("taken back: `{}` is as if nothing had been moved", transfer.destination.url()));
        return Ok(ExitCode::SUCCESS);
    }
    let done = if args.dry_run { transfer.preview().await } else { transfer.run(&options).await };
    let done = match done {
        Ok(done) => done,
        Err(error) if error.kind() == ErrorKind::Invalid => return as_stock(error),
        Err(error) => return Err(error),
    };
    ui::data(told_between(transfer, &done, args.dry_run))?;
    Ok(ExitCode::SUCCESS)
}

/// Where the journal is kept: in Terraform's data directory where there is one.
fn directory(context: &Context) -> PathBuf {
    let data_dir = context.data_dir();
    if data_dir.is_dir() { data_dir } else { Path::new(".").to_owned() }
}

fn told_between(transfer: &Transfer, done: &Transferred, dry_run: bool) -> String {
    if done.resumed {
        ui::say("went on with a move that an earlier run had begun");
    }
    if done.lock_lost {
        ui::warn("a lock was taken away meanwhile; the writes replaced exactly the states that were read");
    }
    let (source, destination) = (transfer.source.url(), transfer.destination.url());
    let place = |state: &str, address: &str| go_quote(&format!("{state}//{address}"));
    let moves = done.moves.iter().map(|(from, to)| (place(&source, from), place(&destination, to)));
    told(moves, dry_run)
}

fn told(moves: impl ExactSizeIterator<Item = (String, String)>, dry_run: bool) -> String {
    let (verb, number) = (if dry_run { "Would move" } else { "Move" }, moves.len());
    let mut text = String::new();
    for (from, to) in moves {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{verb} {from} to {to}");
    }
    if !dry_run {
        let _ = writeln!(text, "Successfully moved {number} object(s).");
    }
    text
}
