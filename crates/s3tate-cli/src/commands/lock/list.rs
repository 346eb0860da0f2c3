//! `s3tate lock list`

use std::process::ExitCode;

use clap::Args;
use s3tate::lock::FoundLock;
use s3tate::{Env, Result};

use super::{json_line, workspaces};
use crate::context::Context;
use crate::ui;

/// List the locks that are held, one a line: on all workspaces of the backend, or on every state below a prefix.
///
/// Columns, separated by tabs: state, kind, ID, holder, operation, age, last write of the state. A prefix is looked at
/// as a whole: all lock objects below it, whatever is configured, and with `dynamodb_table` all items of the table, which
/// needs dynamodb:Scan.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Every state in the bucket whose key begins like this, instead of the workspaces of the backend.
    ///
    /// `-state=s3://BUCKET/PREFIX/` with a slash at its end means the same without a backend.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: List) -> Result<ExitCode> {
    let found = match context.below(args.prefix.as_deref())? {
        Some((backend, prefix)) => backend.locks_below(&prefix).await?,
        None => context.backend()?.locks_of(workspaces(context).await?).await?,
    };
    let line = if args.json { json_line } else { columns };
    ui::data(found.iter().map(|lock| line(lock, &context.env)).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn columns(lock: &FoundLock, env: &Env) -> String {
    let kind = lock.holder.kind.as_str();
    let holder = match &lock.holder.info {
        Some(info) => {
            let age = info.age(env.now()).unwrap_or_else(|| "?".to_owned());
            [info.id.as_str(), &info.who, &info.operation, &age].join("\t")
        }
        None => "unreadable\t\t\t".to_owned(),
    };
    let last_write = lock.last_write.map(|time| time.to_string()).unwrap_or_default();
    format!("{}\t{kind}\t{holder}\t{last_write}\n", lock.url)
}
