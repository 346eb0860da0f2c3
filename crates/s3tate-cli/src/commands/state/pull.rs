//! `s3tate state pull`

use std::process::ExitCode;

use clap::Args;
use s3tate::Result;

use crate::context::Context;
use crate::ui;

/// Print the state exactly as it is stored.
///
/// A missing state is an error, and is not created.
#[derive(Debug, Args)]
pub(crate) struct Pull {}

pub(crate) async fn run(context: &Context, _args: Pull) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let bytes = workspace.read().await?.bytes.ok_or_else(|| workspace.missing())?;
    ui::data(bytes)?;
    Ok(ExitCode::SUCCESS)
}
