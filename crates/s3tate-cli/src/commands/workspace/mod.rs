//! `s3tate workspace`

mod delete;
mod list;
mod new;
mod select;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::{Error, Result};

use crate::cli::Global;
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

impl Workspace {
    /// Takes over what `-state` means to `workspace new`: a file.
    pub(crate) fn take_file(&mut self, global: &mut Global) {
        if let Self::New(new) = self {
            new.take_file(global);
        }
    }
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
