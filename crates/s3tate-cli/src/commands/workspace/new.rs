//! `s3tate workspace new`

use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, Result, WorkspaceName};

use crate::commands::LockArgs;
use crate::context::Context;
use crate::ui;

/// Create a workspace with an empty state and select it.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name.
    name: String,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: New) -> Result<ExitCode> {
    let name = WorkspaceName::new(args.name)?;
    if let Some(other) = context.env.var("TF_WORKSPACE").filter(|other| *other != name.as_str()) {
        return Err(Error::invalid(format!("TF_WORKSPACE is set to `{other}`; nothing was created"))
            .hint("unset it, or give it the new name"));
    }
    if name.is_default() {
        return Err(
            Error::invalid("workspace `default` always exists").hint("`s3tate workspace select default`")
        );
    }
    context.backend()?.workspace(name.clone()).create(&args.lock.options()).await?;
    context.select(&name)?;
    ui::say(&format!("created and selected workspace `{name}`"));
    Ok(ExitCode::SUCCESS)
}
