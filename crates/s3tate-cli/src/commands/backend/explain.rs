//! `s3tate backend explain`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::config::{Effective, effective};
use s3tate::{Addresses, Result};
use serde_json::json;

use crate::context::Context;
use crate::ui;

/// Print every effective value and where it came from, secrets masked, and where state and locks are kept.
///
/// Sends nothing.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(context: &Context, args: &Explain) -> Result<ExitCode> {
    let resolved = context.resolve(true)?;
    let values = effective(&resolved.arguments, &context.env);
    let backend = context.backend_of(&resolved)?;
    let addresses = backend.workspace(context.workspace_name()?).addresses();
    let warnings = &backend.config().deprecations;
    let text = if args.json { as_json(&values, &addresses, warnings) } else { human(&values, &addresses) };
    ui::data(text)?;
    if !args.json {
        for warning in warnings {
            ui::warn(warning);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn human(values: &[Effective], addresses: &Addresses) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let names = width(&mut values.iter().map(|value| value.name.chars().count()));
    let texts = width(&mut values.iter().map(|value| value.value.chars().count().min(40)));
    let mut text = String::new();
    for Effective { name, value, source } in values {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{name:names$}  {value:texts$}  {source}");
    }
    text.push('\n');
    for (label, address) in addresses.named() {
        let _ = writeln!(text, "{label:names$}  {}", address.unwrap_or("none"));
    }
    text
}

fn as_json(values: &[Effective], addresses: &Addresses, warnings: &[String]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| json!({"name": value.name, "value": value.value, "source": value.source.to_string()}))
        .collect();
    let addresses: serde_json::Map<_, _> = addresses
        .named()
        .into_iter()
        .map(|(label, address)| (label.replace(' ', "_"), json!(address)))
        .collect();
    let document = json!({
        "format_version": "1.0",
        "values": values,
        "addresses": addresses,
        "warnings": warnings,
    });
    format!("{document:#}\n")
}
