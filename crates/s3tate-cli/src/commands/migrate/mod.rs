//! `s3tate migrate`

mod locks;
mod states;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use s3tate::Result;

use super::LockArgs;
use crate::context::Context;

/// Move states to another place: lineage and serial kept, both ends locked, read back before anything goes.
///
/// An end is `s3://BUCKET/KEY?region=REGION&dynamodb_table=TABLE`, a state server `https://HOST/PATH` (other attributes of
/// its block behind a `#`, `{workspace}` where a workspace's name belongs), the directory of a configuration, a directory of
/// local states (`local:DIR` whatever its configuration says), or a state file. Shows what is going to happen and asks. The
/// source stays unless `-delete-source` is given. A journal holds what is done, and the same command goes on after a break.
/// Standard output carries the backend block of the destination, or with `-dry-run` what would happen.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Migrate {
    #[command(subcommand)]
    what: Option<What>,
    /// Where the states are.
    #[arg(long, value_name = "END", required = true)]
    from: Option<String>,
    /// Where they are to be.
    #[arg(long, value_name = "END", required = true)]
    to: Option<String>,
    /// Only this workspace; may be given several times, or with commas. All by default.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    workspace: Vec<String>,
    /// Replace other and newer states at the destination, too. They are kept beside it.
    #[arg(long)]
    force: bool,
    /// Delete the source once all states are verified at the destination.
    #[arg(long)]
    delete_source: bool,
    /// Only show what would happen; takes no lock and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask.
    #[arg(long)]
    auto_approve: bool,
    /// The journal's file; by default `s3tate-migrate-….jsonl` in the working directory, one for each pair of ends.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
}

/// What is migrated besides states.
#[derive(Debug, Subcommand)]
enum What {
    Locks(locks::LockMigration),
}

pub(crate) async fn run(context: &Context, args: Migrate) -> Result<ExitCode> {
    match args.what {
        Some(What::Locks(args)) => locks::run(context, args).await,
        None => states::run(context, args).await,
    }
}
