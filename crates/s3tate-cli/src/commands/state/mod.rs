//! `s3tate state`

mod list;
mod mv;
mod place;
mod pull;
mod push;
mod rm;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::state::Target;
use s3tate::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::ui;

/// Read and write states, whole or by address.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    List(list::List),
    Mv(mv::Mv),
    Pull(pull::Pull),
    Push(push::Push),
    Rm(rm::Rm),
    Show(show::Show),
}

pub(crate) async fn run(context: &Context, command: State) -> Result<ExitCode> {
    match command {
        State::List(args) => list::run(context, args).await,
        State::Mv(args) => mv::run(context, args).await,
        State::Pull(args) => pull::run(context, args).await,
        State::Push(args) => push::run(context, args).await,
        State::Rm(args) => rm::run(context, args).await,
        State::Show(args) => show::run(context, args).await,
    }
}

/// Reads an address.
fn target(address: &str) -> Result<Target> {
    Target::parse(address).map_err(|why| {
        Error::invalid(format!("`{address}` is not an address; nothing was done"))
            .fact("cause", why)
            .hint("write `TYPE.NAME`, `TYPE.NAME[0]`, `TYPE.NAME[\"key\"]` or `module.NAME`, in quotes for the shell")
    })
}

/// Terraform's exit code for a wrong address is 1, unlike that of other wrong arguments.
fn fail(error: &Error) -> ExitCode {
    ui::fail(error);
    ExitCode::from(1)
}

/// As [`fail`] for what an edit refuses to do; other errors go on.
fn as_stock(error: Error) -> Result<ExitCode> {
    if error.kind() == ErrorKind::Invalid { Ok(fail(&error)) } else { Err(error) }
}
