//! `s3tate history`

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::history::StateVersion;
use s3tate::{Error, ErrorKind, Result};
use tabwriter::TabWriter;

use crate::context::Context;
use crate::ui;

/// List the versions of the current workspace's state that the bucket keeps, newest first, deletions included.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// At most this many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: History) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let versions = workspace.history(args.limit).await?;
    if versions.is_empty() {
        return Err(workspace.missing());
    }
    let replaced_for_good = |version: &StateVersion| version.latest && version.id.as_str() == "null";
    if workspace.backend().keeps() == 0 && versions.iter().any(replaced_for_good) {
        ui::warn(
            "the bucket keeps no versions, so the next write replaces `null`: see to that with `s3tate bootstrap`, or \
             let s3tate keep copies with `-keep=N`",
        );
    }
    ui::data(if args.json { versions.iter().map(line).collect() } else { table(&versions)? })?;
    Ok(ExitCode::SUCCESS)
}

// Texts and numbers always serialise.
fn line(version: &StateVersion) -> String {
    serde_json::to_string(version).unwrap_or_default() + "\n"
}

fn table(versions: &[StateVersion]) -> Result<String> {
    let mut lines = TabWriter::new(Vec::new());
    // Only those who write through a server have the last two.
    let wide = versions.iter().any(|version| version.from.is_some() || version.run.is_some());
    let more = if wide { "\tFROM\tRUN" } else { "" };
    let mut text = format!("VERSION\tTIME\tSERIAL\tRESOURCES\tCHANGES\tSIZE\tTERRAFORM\tWHO{more}\n");
    text.extend(versions.iter().map(|version| row(version, wide)));
    let laid_out = lines.write_all(text.as_bytes()).and_then(|()| lines.flush());
    let failed = |why: String| Error::new(ErrorKind::Bug, format!("can't lay out the table: {why}"));
    laid_out.map_err(|cause| failed(cause.to_string()))?;
    let bytes = lines.into_inner().map_err(|cause| failed(cause.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn row(version: &StateVersion, wide: bool) -> String {
    let or_dash =
        |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let header = version.header.as_ref();
    let serial = match header {
        _ if version.deleted => "deleted".to_owned(),
        Some(header) => header.serial.to_string(),
        None => "no state".to_owned(),
    };
    let changes = version.changes.map(|it| format!("+{} ~{} -{}", it.added, it.changed, it.removed));
    let mut cells = vec![
        version.id.to_string(),
        or_dash(version.modified.map(|time| time.to_string())),
        serial,
        or_dash(version.resources.map(|count| count.to_string())),
        or_dash(changes),
        or_dash((!version.deleted).then(|| version.size_bytes.to_string())),
        or_dash(header.map(|header| header.terraform_version.clone())),
        or_dash(version.who.clone()),
    ];
    if wide {
        cells.extend([or_dash(version.from.clone()), or_dash(version.run.clone())]);
    }
    cells.join("\t") + "\n"
}
