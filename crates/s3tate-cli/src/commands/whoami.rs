//! `s3tate whoami`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Identity, Result};
use serde_json::json;

use crate::context::Context;
use crate::ui;

/// Show whose credentials are used, which source gave them, and why the others did not.
#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: Whoami) -> Result<ExitCode> {
    let identity = context.backend()?.identity().await?;
    ui::data(if args.json { as_json(&identity) } else { as_lines(&identity) })?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(identity: &Identity) -> String {
    let sources = identity.sources.iter().map(|tried| {
        json!({
            "name": tried.source.as_str(),
            "label": tried.label,
            "outcome": tried.outcome.as_str(),
            "detail": tried.detail,
        })
    });
    let document = json!({
        "format_version": "1.0",
        "account": identity.account,
        "arn": identity.arn,
        "user_id": identity.user_id,
        "access_key_id": identity.access_key,
        "expires": identity.expires.map(|time| time.to_string()),
        "endpoint": identity.endpoint,
        "region": identity.region,
        "sources": sources.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn as_lines(identity: &Identity) -> String {
    let expires = identity.expires.map_or_else(|| "never".to_owned(), |time| time.to_string());
    let facts = [
        ("account", &identity.account),
        ("arn", &identity.arn),
        ("access key", &identity.access_key),
        ("expires", &expires),
        ("endpoint", &identity.endpoint),
        ("region", &identity.region),
    ];
    let mut text = aligned(facts.into_iter().map(|(label, value)| (label.to_owned(), value.clone())));
    text.push_str("\nsources, in their order:\n");
    let sources = identity.sources.iter().map(|tried| {
        let outcome = tried.outcome.as_str().replace('_', " ");
        (format!("  {}", tried.label), format!("{outcome}: {}", tried.detail))
    });
    text.push_str(&aligned(sources));
    text
}

/// `label: value` lines with all values in one column.
fn aligned(lines: impl Iterator<Item = (String, String)>) -> String {
    let lines: Vec<_> = lines.collect();
    let width = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default() + 1;
    let mut text = String::new();
    for (label, value) in lines {
        let label = format!("{label}:");
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{label:width$} {value}");
    }
    text
}
