//! `s3tate output`

mod several;

use std::process::ExitCode;

use clap::Args;
use s3tate::state::Outputs;
use s3tate::state::render::{self, Answer, RenderError};
use s3tate::{Error, Result, Workspace};

use crate::context::Context;
use crate::ui;

/// Print root outputs, byte for byte as Terraform 1.11 does.
///
/// With several `-state` options, the outputs of each: under its URL, or with `-json` in one object by URL.
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
        return Ok(fail(&Error::invalid("`-raw` and `-json` exclude each other").hint("choose one of them")));
    }
    let name = args.name.as_deref().filter(|name| !name.is_empty());
    if args.raw && name.is_none() {
        let refused = Error::invalid("`-raw` needs the name of an output");
        return Ok(fail(&refused.hint("`s3tate output` lists them")));
    }
    if context.has_several_states() {
        return several::run(context, &args, name).await;
    }
    let outputs = outputs_of(&context.workspace()?).await?;
    match answer(&outputs, name, &args) {
        Ok(Answer::Text(text)) => ui::data(text)?,
        Ok(Answer::NoOutputs) => ui::warn(NO_OUTPUTS),
        Err(error) => return Ok(fail(&refusal(&error))),
    }
    Ok(ExitCode::SUCCESS)
}

/// No state in the default workspace counts as one without outputs, as for stock clients.
async fn outputs_of(workspace: &Workspace) -> Result<Outputs> {
    match workspace.outputs().await? {
        Some(document) => Ok(document.outputs),
        None if workspace.name().is_default() => Ok(Outputs::default()),
        None => Err(workspace.missing()),
    }
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

fn refusal(error: &RenderError) -> Error {
    Error::invalid(error.to_string()).hint(match error {
        RenderError::NotFound(_) => "`s3tate output` lists the outputs there are",
        _ => "`-json` prints any value",
    })
}

/// Terraform's exit code for these is 1, unlike that of other wrong arguments.
fn fail(error: &Error) -> ExitCode {
    ui::fail(error);
    ExitCode::from(1)
}
