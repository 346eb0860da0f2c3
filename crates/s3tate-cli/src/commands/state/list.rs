//! `s3tate state list`

use std::process::ExitCode;

use clap::Args;
use s3tate::state::Unknown;
use s3tate::{Error, ErrorKind, Result};

use super::target;
use crate::context::Context;
use crate::ui;

/// List resource instances, one address a line, as Terraform does.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what is at these addresses of modules, resources or instances.
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Only instances with this text as their attribute `id`.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

pub(crate) async fn run(context: &Context, args: List) -> Result<ExitCode> {
    let targets: Result<Vec<_>, _> = args.addresses.iter().map(|address| target(address)).collect();
    let targets = match targets {
        Ok(targets) => targets,
        Err(error) => return Ok(super::fail(&error)),
    };
    let workspace = context.workspace()?;
    let instances = workspace.instances(args.id.as_deref()).await?;
    let mut addresses: Vec<String> = Vec::new();
    if targets.is_empty() {
        addresses.extend(instances.addresses());
    }
    for target in &targets {
        addresses.extend(instances.select(target).map_err(|unknown| not_found(&unknown, &workspace.url()))?);
    }
    let text: String = addresses.into_iter().map(|address| address + "\n").collect();
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}

fn not_found(unknown: &Unknown, url: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("unknown address: {unknown}"))
        .fact("state", url)
        .hint("`s3tate state list` shows all; what was only added to the configuration comes with `terraform apply`")
}
