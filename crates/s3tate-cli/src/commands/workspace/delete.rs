//! `s3tate workspace delete`

use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, Result, WorkspaceName};

use crate::commands::LockArgs;
use crate::context::Context;
use crate::ui;

/// Delete a workspace and its state; refused while resources are in it.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its name.
    name: String,
    /// Delete it although resources are in it, which are then managed by nobody.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Delete) -> Result<ExitCode> {
    let name = WorkspaceName::new(args.name)?;
    if context.workspace_name()? == name {
        return Err(Error::invalid(format!("workspace `{name}` is the current one; nothing was deleted"))
            .hint("select another one first"));
    }
    let workspace = context.backend()?.workspace(name.clone());
    match workspace.delete(args.force, &args.lock.options()).await {
        Ok(released) => {
            ui::say(&format!("deleted workspace `{name}`"));
            if !released.missing.is_empty() {
                ui::warn("the lock was taken away meanwhile; what was deleted is the state that was read");
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, format!("workspace `{name}` doesn't exist")));
        }
        Err(error) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}
