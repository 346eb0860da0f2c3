//! `s3tate output`

use std::process::ExitCode;

use clap::Args;
use s3tate::state::Outputs;
use s3tate::state::render::{self, Answer, RenderError};
use s3tate::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::ui;

/// Print root outputs, byte for byte as Terraform 1.11 does.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// The output to print; all of them without it.
    name: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// The bare text of one string, number or bool.
    #[arg(long)]
    raw: bool,
}

/// What stock Terraform prints on standard output where there is nothing to print.
const NO_OUTPUTS: &str = "the state has no outputs: none are defined, or none were applied yet";

pub(crate) async fn run(context: &Context, args: Output) -> Result<ExitCode> {
    if args.json && args.raw {
        return Ok(refuse("`-raw` and `-json` exclude each other", "choose one of them"));
    }
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    if args.raw && name.is_none() {
        return Ok(refuse("`-raw` needs the name of an output", "`s3tate output` lists them"));
    }
    let workspace = context.workspace()?;
    let outputs = match workspace.outputs().await? {
        Some(document) => document.outputs,
        None if workspace.name().is_default() => Outputs::default(),
        None => return Err(workspace.missing()),
    };
    match answer(&outputs, name, &args) {
        Ok(Answer::Text(text)) => ui::data(text)?,
        Ok(Answer::NoOutputs) => ui::warn(NO_OUTPUTS),
        Err(error) => return Ok(refuse(&error.to_string(), hint(&error))),
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(outputs: &Outputs, name: Option<&str>, args: &Output) -> Result<Answer, RenderError> {
    match name {
        Some(name) if args.raw => render::raw(outputs, name),
        Some(name) if args.json => render::single_json(outputs, name).map(Answer::Text),
        Some(name) => render::single(outputs, name),
        None if args.json => Ok(Answer::Text(render::listing_json(outputs))),
        None => Ok(render::listing(outputs)),
    }
}

fn hint(error: &RenderError) -> &'static str {
    match error {
        RenderError::NotFound(_) => "`s3tate output` lists the outputs there are",
        _ => "`-json` prints any value",
    }
}

/// Terraform's exit code for these is 1, unlike that of other wrong arguments.
fn refuse(message: &str, hint: &str) -> ExitCode {
    ui::fail(&Error::new(ErrorKind::Invalid, message).hint(hint));
    ExitCode::from(1)
}
