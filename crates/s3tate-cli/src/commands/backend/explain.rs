//! `s3tate backend explain`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::config::Effective;
use s3tate::{Addresses, Result, WorkspaceName};
use serde_json::{Map, Value as Json, json};

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

pub(crate) async fn run(context: &Context, args: &Explain) -> Result<ExitCode> {
    let resolved = context.resolve(true)?;
    let backend = context.backend_of(&resolved)?;
    let values = backend.effective(&resolved.arguments).await;
    let addresses: Vec<_> =
        names(context)?.into_iter().map(|name| backend.workspace(name).addresses()).collect();
    let config = backend.config();
    if args.json {
        let warnings = [config.warnings.as_slice(), &config.deprecations].concat();
        ui::data(as_json(&values, &addresses, &warnings))?;
    } else {
        ui::data(human(&values, &addresses))?;
        for warning in &config.deprecations {
            ui::warn(warning);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The current workspace, and the default one, which always exists.
fn names(context: &Context) -> Result<Vec<WorkspaceName>> {
    let mut names = vec![context.workspace_name()?, WorkspaceName::default_name()];
    names.dedup();
    Ok(names)
}

fn human(values: &[Effective], addresses: &[Addresses]) -> String {
    let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
    let names = width(&mut values.iter().map(|value| value.name.chars().count()));
    let texts = width(&mut values.iter().map(|value| value.value.chars().count().min(40)));
    let mut text = String::new();
    for Effective { name, value, source } in values {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{name:names$}  {value:texts$}  {source}");
    }
    for addresses in addresses {
        text.push('\n');
        for (label, address) in addresses.named() {
            let _ = writeln!(text, "{label:names$}  {}", address.unwrap_or("none"));
        }
    }
    text
}

fn as_json(values: &[Effective], addresses: &[Addresses], warnings: &[String]) -> String {
    let values: Vec<_> = values
        .iter()
        .map(|value| json!({"name": value.name, "value": value.value, "source": value.source.to_string()}))
        .collect();
    let workspaces: Vec<Json> = addresses.iter().map(of_workspace).collect();
    let document = json!({
        "format_version": "1.0",
        "values": values,
        "addresses": workspaces.first(),
        "workspaces": workspaces,
        "warnings": warnings,
    });
    format!("{document:#}\n")
}

fn of_workspace(addresses: &Addresses) -> Json {
    let named = addresses.named().into_iter();
    named.map(|(label, address)| (label.replace(' ', "_"), json!(address))).collect::<Map<_, _>>().into()
}
