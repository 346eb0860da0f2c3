//! `s3tate state rm`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::{EditOptions, Result};

use super::{as_stock, target};
use crate::commands::{LockArgs, report};
use crate::context::Context;
use crate::ui;

/// Remove instances from the state; what they stand for is left alone and no longer managed.
#[derive(Debug, Args)]
pub(crate) struct Rm {
    /// Addresses of modules, resources or instances.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Only tell what would be removed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Rm) -> Result<ExitCode> {
    let targets: Result<Vec<_>> = args.addresses.iter().map(|address| target(address)).collect();
    let targets = match targets {
        Ok(targets) => targets,
        Err(error) => return Ok(super::fail(&error)),
    };
    let workspace = context.workspace()?;
    let options = EditOptions { dry_run: args.dry_run, lock: args.lock.options() };
    let edited = match workspace.remove(&targets, &options).await {
        Ok(edited) => edited,
        Err(error) => return as_stock(error),
    };
    for address in &edited.edit.unmatched {
        ui::warn(&format!("nothing is at {address}"));
    }
    report(edited.written.as_ref());
    ui::data(told(&edited.edit.removed, args.dry_run))?;
    Ok(ExitCode::SUCCESS)
}

/// What was done, in Terraform's words.
fn told(removed: &[String], dry_run: bool) -> String {
    let mut text = String::new();
    for address in removed {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{} {address}", if dry_run { "Would remove" } else { "Removed" });
    }
    match removed.len() {
        0 => text.push_str("Would have removed nothing.\n"),
        count if !dry_run => drop(writeln!(text, "Successfully removed {count} resource instance(s).")),
        _ => {}
    }
    text
}
