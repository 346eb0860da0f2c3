//! `s3tate state show`

use std::process::ExitCode;

use clap::Args;
use s3tate::state::Target;
use s3tate::{Error, ErrorKind, Result};

use super::target;
use crate::context::Context;
use crate::ui;

/// Show the attributes of one resource instance, without its provider.
///
/// Attributes that the state marks as sensitive are hidden.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The address of one instance.
    address: String,
}

pub(crate) async fn run(context: &Context, args: Show) -> Result<ExitCode> {
    let target = match target(&args.address) {
        Ok(Target::Module(_)) => return Ok(super::fail(&module(&args.address))),
        Ok(target) => target,
        Err(error) => return Ok(super::fail(&error)),
    };
    let workspace = context.workspace()?;
    let text = workspace.show(&target).await?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("no instance found at {target}"))
            .fact("state", workspace.url())
            .hint("`s3tate state list` shows the addresses of all instances; name exactly one")
    })?;
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}

fn module(address: &str) -> Error {
    Error::invalid(format!("`{address}` is a module, not one instance"))
        .hint(format!("`s3tate state list '{address}'` shows the instances in it"))
}
