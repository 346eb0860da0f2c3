//! `s3tate workspace`

mod delete;
mod list;
mod new;
mod select;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::{Error, Result};

use crate::context::Context;

/// List, show, create, select and delete workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum Workspace {
    List(list::List),
    Show(show::Show),
    New(new::New),
    Select(select::Select),
    Delete(delete::Delete),
}

pub(crate) async fn run(context: &Context, command: Workspace) -> Result<ExitCode> {
    if context.has_url() {
        return Err(
            Error::invalid("`-state` names one state, which has no workspaces").hint("use `-backend-config`")
        );
    }
    match command {
        Workspace::List(args) => list::run(context, args).await,
        Workspace::Show(args) => show::run(context, args),
        Workspace::New(args) => new::run(context, args).await,
        Workspace::Select(args) => select::run(context, args).await,
        Workspace::Delete(args) => delete::run(context, args).await,
    }
}
