//! `s3tate workspace show`

use std::process::ExitCode;

use clap::Args;
use s3tate::Result;

use crate::context::Context;
use crate::ui;

/// Print the current workspace's name.
#[derive(Debug, Args)]
pub(crate) struct Show {}

pub(crate) fn run(context: &Context, _args: Show) -> Result<ExitCode> {
    ui::data(format!("{}\n", context.workspace_name()?))?;
    Ok(ExitCode::SUCCESS)
}
