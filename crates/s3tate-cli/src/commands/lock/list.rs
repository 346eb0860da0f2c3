//! `s3tate lock list`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Result, Workspace};

use super::json_line;
use crate::context::Context;
use crate::ui;

/// List the locks held on all workspaces of the backend, one a line.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: List) -> Result<ExitCode> {
    let mut text = String::new();
    for workspace in workspaces(context).await? {
        for holder in workspace.lock_holders().await? {
            if args.json {
                text.push_str(&json_line(&workspace.url(), &holder, &context.env));
                continue;
            }
            let info = holder.info.clone().unwrap_or_default();
            let kind = holder.kind.as_str();
            // Writing to a `String` can't fail.
            let _ = writeln!(
                text,
                "{}\t{kind}\t{}\t{}\t{}\t{}",
                workspace.url(),
                info.id,
                info.who,
                info.operation,
                info.created
            );
        }
    }
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}

/// All workspaces, and the current one even before it has a state.
async fn workspaces(context: &Context) -> Result<Vec<Workspace>> {
    if context.has_url() {
        return Ok(vec![context.workspace()?]);
    }
    let backend = context.backend()?;
    let mut names = backend.workspaces().await?;
    let current = context.workspace_name()?;
    if !names.contains(&current) {
        names.push(current);
    }
    Ok(names.into_iter().map(|name| backend.workspace(name)).collect())
}
