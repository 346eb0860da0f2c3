//! `s3tate remote-state`

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use s3tate::remote_state::{self, Block, Generation, Given, Style, find, flat, json, listing, read_all};
use s3tate::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::ui;

/// Print what the `data "terraform_remote_state"` blocks of a configuration read.
///
/// Only root outputs are printed. Nothing is created: a missing state is an error, or has no outputs where a block is
/// written in the way of Terraform 0.11. With `-state=s3://…`, that state is read and no block.
#[derive(Debug, Args)]
pub(crate) struct RemoteState {
    /// One block: `data.terraform_remote_state.NAME`, or its name alone.
    address: Option<String>,
    /// As Terraform 0.11 showed it, every value under a dotted key; or as JSON with types, values in clear.
    #[arg(long)]
    format: Option<Format>,
    /// The release whose flat lines are wanted: 0.9, 0.10, 0.11, or one such as 0.11.11.
    #[arg(long, value_name = "VERSION")]
    compat: Option<String>,
    /// Show sensitive values in clear in the flat format.
    #[arg(long)]
    show_sensitive: bool,
    /// The time that the flat format shows as `id`, such as `2026-01-31T12:00:00Z`; default now.
    #[arg(long, value_name = "TIME")]
    id: Option<jiff::Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Flat,
    Json,
}

pub(crate) async fn run(context: &Context, args: RemoteState) -> Result<ExitCode> {
    let is_flat = args.format == Some(Format::Flat);
    if args.compat.is_some() && !is_flat {
        return Err(Error::invalid("`-compat` is about the flat format").hint("add `-format=flat`"));
    }
    let style = args.compat.as_deref().map(Style::of_version).transpose()?.unwrap_or_default();
    let mut blocks = chosen(blocks(context)?, args.address.as_deref())?;
    if is_flat {
        // The releases that printed so had one set of rules.
        for block in &mut blocks {
            block.generation = Generation::Legacy;
        }
    }
    let states = read_all(blocks, &context.env).await?;
    let note = note(&states, &args);
    let text = match args.format {
        None => listing(&states),
        Some(Format::Json) => json(&states),
        Some(Format::Flat) => {
            let time = args.id.unwrap_or_else(|| context.env.now());
            flat(&states, style, time, args.show_sensitive)
        }
    };
    ui::data(text)?;
    if let Some(note) = note {
        ui::say(&note);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be said about sensitive values.
fn note(states: &[remote_state::RemoteState], args: &RemoteState) -> Option<String> {
    let count = |is_meant: &dyn Fn(&remote_state::RemoteState) -> bool| {
        let outputs = states.iter().filter(|state| is_meant(state)).flat_map(|state| state.outputs.iter());
        outputs.filter(|(_, output)| output.sensitive).count()
    };
    let (all, hidden) = (count(&|_| true), count(&|state| state.hides_sensitive()));
    match args.format {
        None if all > 0 => {
            Some(format!("{all} sensitive value(s) hidden; `-format=json` holds them in clear"))
        }
        Some(Format::Flat) if hidden > 0 && !args.show_sensitive => {
            Some(format!("{hidden} sensitive value(s) hidden; `-show-sensitive` shows them"))
        }
        Some(Format::Flat) if all > hidden => {
            Some(format!("{} sensitive value(s) shown in clear, as Terraform 0.11 did", all - hidden))
        }
        _ => None,
    }
}

fn blocks(context: &Context) -> Result<Vec<Block>> {
    if context.has_url() {
        return Ok(vec![Block::of_arguments(&context.resolve(false)?.arguments)]);
    }
    let workspace = context.workspace_name()?;
    let variables = context.variables();
    find(Path::new("."), &Given { variables: &variables, env: &context.env, workspace: workspace.as_str() })
}

/// All blocks, or the one at an address.
fn chosen(mut blocks: Vec<Block>, address: Option<&str>) -> Result<Vec<Block>> {
    let names: Vec<_> = blocks.iter().map(Block::address).collect();
    if let Some(address) = address {
        blocks.retain(|block| block.name == address || block.address() == address);
    }
    if !blocks.is_empty() {
        return Ok(blocks);
    }
    let error = match address {
        Some(address) if !names.is_empty() => {
            Error::new(ErrorKind::NotFound, format!("no block `{address}` here"))
                .fact("blocks", names.join(", "))
        }
        _ => Error::new(ErrorKind::NotFound, "no `data \"terraform_remote_state\"` block here"),
    };
    Err(error.hint("`-chdir=DIR` looks elsewhere; `-state=s3://BUCKET/KEY` reads a state without any block"))
}
