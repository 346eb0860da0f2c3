//! `s3tate workspace select`

use std::process::ExitCode;

use clap::Args;
use s3tate::lock::LockOptions;
use s3tate::{Error, ErrorKind, Result, WorkspaceName};

use crate::commands::report;
use crate::context::Context;
use crate::ui;

/// Make a workspace the current one of this directory.
#[derive(Debug, Args)]
pub(crate) struct Select {
    /// Its name.
    name: String,
    /// Create it if it doesn't exist.
    #[arg(long)]
    or_create: bool,
}

pub(crate) async fn run(context: &Context, args: Select) -> Result<ExitCode> {
    let name = WorkspaceName::new(args.name)?;
    if context.env.var("TF_WORKSPACE").is_some() {
        return Err(
            Error::invalid("TF_WORKSPACE overrides any selection; nothing was selected").hint("unset it")
        );
    }
    if context.workspace_name()? == name {
        return Ok(ExitCode::SUCCESS);
    }
    let backend = context.backend()?;
    if !backend.workspaces().await?.contains(&name) {
        if !args.or_create {
            return Err(Error::new(ErrorKind::NotFound, format!("workspace `{name}` doesn't exist"))
                .hint(format!("`s3tate workspace new {name}` creates it")));
        }
        let written = backend
            .workspace(name.clone())
            .create(&LockOptions { progress: ui::waiting, ..LockOptions::default() })
            .await?;
        report(Some(&written));
    }
    context.select(&name)?;
    ui::say(&format!("switched to workspace `{name}`"));
    Ok(ExitCode::SUCCESS)
}
