//! `s3tate state mv`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::state::go_quote;
use s3tate::{EditOptions, Result};

use super::{as_stock, target};
use crate::commands::{LockArgs, report};
use crate::context::Context;
use crate::ui;

/// Give a module, a resource or one instance another address in the state.
#[derive(Debug, Args)]
pub(crate) struct Mv {
    /// The address now.
    source: String,
    /// The address it gets; nothing may be there.
    destination: String,
    /// Only tell what would be moved.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Mv) -> Result<ExitCode> {
    let (from, to) = match (target(&args.source), target(&args.destination)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(error), _) | (_, Err(error)) => return Ok(super::fail(&error)),
    };
    let workspace = context.workspace()?;
    let options = EditOptions { dry_run: args.dry_run, lock: args.lock.options() };
    let edited = match workspace.relocate(&from, &to, &options).await {
        Ok(edited) => edited,
        Err(error) => return as_stock(error),
    };
    let verb = if args.dry_run { "Would move" } else { "Move" };
    let mut text = String::new();
    for (from, to) in &edited.edit.moves {
        // Stock repeats the address of an instance as it was written.
        let to = if edited.edit.of_instance { &args.destination } else { to };
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{verb} {} to {}", go_quote(from), go_quote(to));
    }
    if !args.dry_run {
        let _ = writeln!(text, "Successfully moved {} object(s).", edited.edit.moves.len());
    }
    report(edited.written.as_ref());
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}
