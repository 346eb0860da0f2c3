//! `s3tate lock show`

use std::process::ExitCode;

use clap::Args;
use s3tate::Result;
use s3tate::lock::FoundLock;

use super::{describe, json_line};
use crate::context::Context;
use crate::ui;

/// Show who holds the lock of the current workspace.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// One JSON object a line, one for each kind of lock.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: Show) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let found = workspace.found_locks().await?;
    if found.is_empty() {
        ui::say(&format!("`{}` is not locked", workspace.url()));
    }
    if found.iter().any(FoundLock::is_unreadable) {
        ui::say("once nobody uses the state, `s3tate lock break -unreadable` removes what can't be read");
    }
    if args.json {
        ui::data(found.iter().map(|lock| json_line(lock, &context.env)).collect::<String>())?;
    } else {
        let each: Vec<_> = found.iter().map(|lock| describe(lock, &context.env)).collect();
        ui::data(each.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
