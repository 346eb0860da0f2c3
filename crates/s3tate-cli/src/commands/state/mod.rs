//! `s3tate state`

mod pull;
mod push;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::Result;

use crate::context::Context;

/// Read and write whole states.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    Pull(pull::Pull),
    Push(push::Push),
}

pub(crate) async fn run(context: &Context, command: State) -> Result<ExitCode> {
    match command {
        State::Pull(args) => pull::run(context, args).await,
        State::Push(args) => push::run(context, args).await,
    }
}
