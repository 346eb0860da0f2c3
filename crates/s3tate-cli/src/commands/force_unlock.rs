//! `s3tate force-unlock`

use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, Result};

use crate::context::Context;
use crate::ui;

/// Remove a lock that its holder left behind.
#[derive(Debug, Args)]
pub(crate) struct ForceUnlock {
    /// The lock's ID, as errors and `s3tate lock show` print it.
    id: String,
    /// Don't ask.
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(context: &Context, args: ForceUnlock) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    if !args.force {
        let question = format!(
            "Remove the lock {} from `{}`? Its holder may still be writing.",
            args.id,
            workspace.url()
        );
        if !ui::confirm(&question, "-force")? {
            return Err(Error::invalid("force-unlock cancelled; nothing was removed"));
        }
    }
    let released = workspace.force_unlock(&args.id).await?;
    for kind in &released.removed {
        ui::say(&format!("removed the {} lock of `{}`", kind.as_str(), workspace.url()));
    }
    for kind in &released.missing {
        let kind = kind.as_str();
        ui::warn(&format!(
            "there was no {kind} lock with this ID; `s3tate lock show` shows what is there now"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
