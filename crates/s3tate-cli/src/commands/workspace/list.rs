//! `s3tate workspace list`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::Result;

use crate::context::Context;
use crate::ui;

/// List the workspaces; `*` marks the current one.
#[derive(Debug, Args)]
pub(crate) struct List {}

pub(crate) async fn run(context: &Context, _args: List) -> Result<ExitCode> {
    let current = context.workspace_name()?;
    let mut text = String::new();
    for name in context.backend()?.workspaces().await? {
        let mark = if name == current { '*' } else { ' ' };
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{mark} {name}");
    }
    ui::data(text + "\n")?;
    if context.env.var("TF_WORKSPACE").is_some() {
        ui::say("TF_WORKSPACE overrides the selected workspace");
    }
    Ok(ExitCode::SUCCESS)
}
