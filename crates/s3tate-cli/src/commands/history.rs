//! `s3tate history`

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::history::StateVersion;
use s3tate::{Error, ErrorKind, Result};
use serde::Serialize;
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
    ui::data(if args.json { versions.iter().map(json).collect() } else { table(&versions)? })?;
    Ok(ExitCode::SUCCESS)
}

/// One version as scripts read it; what isn't known is null.
#[derive(Serialize)]
struct Line<'a> {
    version_id: &'a str,
    last_modified: Option<String>,
    deleted: bool,
    latest: bool,
    size: u64,
    serial: Option<u64>,
    lineage: Option<&'a str>,
    terraform_version: Option<&'a str>,
    resources: Option<u64>,
    who: Option<&'a str>,
}

fn json(version: &StateVersion) -> String {
    let header = version.header.as_ref();
    let line = Line {
        version_id: version.id.as_str(),
        last_modified: version.modified.map(|time| time.to_string()),
        deleted: version.deleted,
        latest: version.latest,
        size: version.size_bytes,
        serial: header.map(|header| header.serial),
        lineage: header.map(|header| header.lineage.as_str()),
        terraform_version: header.map(|header| header.terraform_version.as_str()),
        resources: version.resources,
        who: version.who.as_deref(),
    };
    // Texts and numbers always serialise.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

fn table(versions: &[StateVersion]) -> Result<String> {
    let mut lines = TabWriter::new(Vec::new());
    let mut text = "VERSION\tTIME\tSERIAL\tRESOURCES\tSIZE\tTERRAFORM\tWHO\n".to_owned();
    text.extend(versions.iter().map(row));
    let laid_out = lines.write_all(text.as_bytes()).and_then(|()| lines.flush());
    let failed = |why: String| Error::new(ErrorKind::Bug, format!("can't lay out the table: {why}"));
    laid_out.map_err(|cause| failed(cause.to_string()))?;
    let bytes = lines.into_inner().map_err(|cause| failed(cause.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn row(version: &StateVersion) -> String {
    let unknown = || "-".to_owned();
    let time = version.modified.map_or_else(unknown, |time| time.to_string());
    if version.deleted {
        return format!("{}\t{time}\tdeleted\t-\t-\t-\t-\n", version.id);
    }
    let header = version.header.as_ref();
    let serial = header.map_or_else(|| "no state".to_owned(), |header| header.serial.to_string());
    let resources = version.resources.map_or_else(unknown, |count| count.to_string());
    let writer = header.map(|header| header.terraform_version.clone()).filter(|text| !text.is_empty());
    let who = version.who.clone().unwrap_or_else(unknown);
    format!(
        "{}\t{time}\t{serial}\t{resources}\t{}\t{}\t{who}\n",
        version.id,
        version.size_bytes,
        writer.unwrap_or_else(unknown)
    )
}
