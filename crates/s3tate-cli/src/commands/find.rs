//! `s3tate find`

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures::TryStreamExt as _;
use s3tate::catalog::{Found, Hit, Pattern, Search};
use s3tate::state::Target;
use s3tate::{Backend, Error, Result};
use serde::Serialize;

use super::fleet::FleetArgs;
use crate::context::Context;
use crate::ui;

/// Longer values are cut, but for `-json`.
const MOST_CHARACTERS: usize = 200;

/// Search every state below a prefix: addresses, attribute values such as ids and ARNs, and outputs.
///
/// Prints one line a match: state, address, attribute and value, separated by tabs. Exit code 1 if nothing matches. Values
/// that states mark as sensitive, and attributes that are called like a secret, are not searched.
#[derive(Debug, Args)]
pub(crate) struct Find {
    /// The text to look for; without one, everything that the filters leave.
    #[arg(required_unless_present_any = ["type_name", "provider", "attribute", "outputs"])]
    pattern: Option<String>,
    #[command(flatten)]
    meaning: PatternArgs,
    /// Only resources of types like this, such as `aws_s3_*`.
    #[arg(long = "type", value_name = "GLOB")]
    type_name: Option<String>,
    /// Only resources of providers like this, such as `aws`.
    #[arg(long, value_name = "GLOB")]
    provider: Option<String>,
    /// Only attributes like this, such as `arn` or `tags.*`.
    #[arg(long, value_name = "GLOB")]
    attribute: Option<String>,
    /// Only outputs.
    #[arg(long, conflicts_with_all = ["type_name", "provider", "attribute"])]
    outputs: bool,
    /// Print the resources, as `state show` does.
    #[arg(long, conflicts_with = "json")]
    show: bool,
    /// One JSON object a match and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    fleet: FleetArgs,
}

/// How the text is meant.
#[derive(Debug, Args)]
struct PatternArgs {
    /// The text is a regular expression.
    #[arg(long)]
    regex: bool,
    /// Capitals count as small letters.
    #[arg(short = 'i', long)]
    ignore_case: bool,
    /// The whole of an address, name or value has to match.
    #[arg(long)]
    exact: bool,
}

pub(crate) async fn run(context: &Context, args: Find) -> Result<ExitCode> {
    let search = Arc::new(search(&args)?);
    let (backend, prefix) = args.fleet.below(context)?;
    let index = args.fleet.index(context)?;
    let bar = ui::Scan::new();
    let mut data = ui::Data::new();
    let mut states = std::pin::pin!(backend.find(&prefix, &search, &index, bar.progress()));
    let (mut any, mut unread, mut written) = (false, 0_u64, Ok(()));
    while let Some(found) = states.try_next().await? {
        if let Some(error) = &found.error {
            ui::warn(&format!("`{}` was not searched: {error}", found.url));
            unread += 1;
        }
        any |= !found.hits.is_empty();
        written = if args.show {
            show(&backend, &found, &mut data).await
        } else {
            found.hits.iter().try_for_each(|hit| ui::line(&mut data, &line(&found, hit, args.json)))
        };
        if written.is_err() {
            break;
        }
    }
    bar.finish();
    data.finish(written)?;
    if unread > 0 {
        ui::warn(&format!("{unread} states were not searched, so this may not be all there is"));
    }
    Ok(if any { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn search(args: &Find) -> Result<Search> {
    let PatternArgs { regex, ignore_case, exact } = args.meaning;
    let pattern = Pattern { regex, ignore_case, whole: exact };
    let mut search = Search::new(args.pattern.as_deref(), pattern)?;
    if let Some(glob) = &args.type_name {
        search = search.with_type(glob)?;
    }
    if let Some(glob) = &args.provider {
        search = search.with_provider(glob)?;
    }
    if let Some(glob) = &args.attribute {
        search = search.with_attribute(glob)?;
    }
    Ok(if args.outputs { search.outputs_only() } else { search })
}

/// A match as scripts read it; what it doesn't have is null.
#[derive(Serialize)]
struct Line<'a> {
    state: &'a str,
    workspace: &'a str,
    address: &'a str,
    #[serde(rename = "type")]
    type_name: Option<&'a str>,
    provider: Option<&'a str>,
    attribute: Option<&'a str>,
    value: Option<&'a str>,
}

fn line(found: &Found, hit: &Hit, json: bool) -> String {
    if json {
        let line = Line {
            state: &found.url,
            workspace: &found.workspace,
            address: &hit.address,
            type_name: hit.type_name.as_deref(),
            provider: hit.provider.as_deref(),
            attribute: hit.attribute.as_deref(),
            value: hit.value.as_deref(),
        };
        // Texts always serialise.
        return serde_json::to_string(&line).unwrap_or_default();
    }
    let attribute = hit.attribute.as_deref().unwrap_or_default();
    let value = hit.value.as_deref().map(on_one_line).unwrap_or_default();
    [found.url.as_str(), &hit.address, attribute, &value].join("\t").trim_end_matches('\t').to_owned()
}

fn on_one_line(value: &str) -> String {
    let mut shown: String = value.chars().take(MOST_CHARACTERS).flat_map(escaped).collect();
    if value.chars().nth(MOST_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

fn escaped(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

async fn show(backend: &Backend, found: &Found, data: &mut ui::Data) -> Result<()> {
    let mut addresses: Vec<&str> = found.hits.iter().map(|hit| hit.address.as_str()).collect();
    addresses.dedup();
    for address in addresses {
        ui::line(data, &format!("# {}//{address}", found.url))?;
        // An output, and a deposed object, has no address of its own.
        let Ok(target) = Target::parse(address.split(" (deposed").next().unwrap_or(address)) else {
            continue;
        };
        if matches!(target, Target::Resource(ref resource) if resource.type_name == "output") {
            if let Some(value) =
                found.hits.iter().find(|hit| hit.address == address).and_then(|hit| hit.value.as_deref())
            {
                ui::line(data, value)?;
            }
            continue;
        }
        let workspace = backend.state_at(&found.key);
        match workspace.show(&target).await? {
            Some(text) => ui::line(data, text.trim_end_matches('\n'))?,
            None => return Err(gone(&found.url, address)),
        }
    }
    Ok(())
}

fn gone(url: &str, address: &str) -> Error {
    Error::new(
        s3tate::ErrorKind::NotFound,
        format!("`{url}` changed while it was searched: `{address}` is gone"),
    )
    .hint("run the command again")
}
