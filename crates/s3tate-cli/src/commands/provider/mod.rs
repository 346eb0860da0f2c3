//! `s3tate provider`

mod install;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::Result;

use crate::context::Context;

/// Put the provider where Terraform and OpenTofu find it.
#[derive(Debug, Subcommand)]
pub(crate) enum Provider {
    Install(install::Install),
}

pub(crate) fn run(context: &Context, command: Provider) -> Result<ExitCode> {
    match command {
        Provider::Install(args) => install::run(context, &args),
    }
}
