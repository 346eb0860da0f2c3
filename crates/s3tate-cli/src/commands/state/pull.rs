//! `s3tate state pull`

use std::process::ExitCode;

use clap::Args;
use s3tate::Result;

use crate::context::Context;
use crate::ui;

/// Print the state exactly as it is stored.
///
/// A missing state is an error, and is not created. Nothing is printed before it is proven, by the store's headers or by
/// all bytes together, where a digest is recorded. Should the connection break for good, the exit code is not 0 and what
/// was printed is not whole.
#[derive(Debug, Args)]
pub(crate) struct Pull {}

pub(crate) async fn run(context: &Context, _args: Pull) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let mut data = ui::Data::new();
    let pulled = workspace.pull(&mut data).await;
    data.finish(pulled.and_then(|found| found.map(drop).ok_or_else(|| workspace.missing())))?;
    Ok(ExitCode::SUCCESS)
}
