//! `s3tate backend`

mod explain;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::Result;

use crate::context::Context;

/// See how the backend is configured.
#[derive(Debug, Subcommand)]
pub(crate) enum Backend {
    Explain(explain::Explain),
}

pub(crate) async fn run(context: &Context, command: Backend) -> Result<ExitCode> {
    match command {
        Backend::Explain(args) => explain::run(context, &args).await,
    }
}
