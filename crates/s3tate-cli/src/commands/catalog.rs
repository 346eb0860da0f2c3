//! `s3tate catalog`

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Args;
use futures::TryStreamExt as _;
use s3tate::catalog::CatalogState;
use s3tate::{Error, ErrorKind, Result};
use serde::Serialize;
use tabwriter::TabWriter;

use super::fleet::{FleetArgs, holder};
use crate::context::Context;
use crate::ui;

/// How many lines are laid out together on a terminal.
const LINES_A_PAGE: usize = 200;
const COLUMNS: &str =
    "STATE\tWORKSPACE\tSERIAL\tRESOURCES\tDATA\tOUTPUTS\tSIZE\tTERRAFORM\tMODIFIED\tDIGEST\tLOCKED BY\n";

/// List every state below a prefix, with serial, resources, writer, locks and digest.
///
/// Reads each state once, and later only those that have changed: what is known of them is kept in an index on disk.
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    #[command(flatten)]
    fleet: FleetArgs,
    /// One JSON object a line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Comma-separated values with a heading.
    #[arg(long)]
    csv: bool,
}

pub(crate) async fn run(context: &Context, args: Catalog) -> Result<ExitCode> {
    let (backend, prefix) = args.fleet.below(context)?;
    let index = args.fleet.index(context)?;
    let bar = ui::Scan::new();
    let mut writer = Writer::new(&args);
    let mut states = std::pin::pin!(backend.catalog(&prefix, &index, bar.progress()));
    let mut written = Ok(());
    while let Some(state) = states.try_next().await? {
        if let Some(error) = &state.error {
            ui::warn(&format!("`{}` can't be read: {error}", state.url));
        }
        written = writer.write(&Row::of(&state));
        if written.is_err() {
            break;
        }
    }
    bar.finish();
    writer.finish(written)?;
    Ok(ExitCode::SUCCESS)
}

/// One state as scripts read it; what isn't known is null.
#[derive(Serialize)]
struct Row {
    state: String,
    workspace: String,
    size: u64,
    last_modified: Option<String>,
    serial: Option<u64>,
    lineage: Option<String>,
    terraform_version: Option<String>,
    resources: Option<u64>,
    data_resources: Option<u64>,
    outputs: Option<u64>,
    digest: &'static str,
    /// `ID WHO` of each lock, with `; ` in between; null where it is free.
    locked_by: Option<String>,
    error: Option<String>,
}

impl Row {
    fn of(state: &CatalogState) -> Self {
        let header = state.header.as_ref();
        let counted = |count: u64| header.map(|_| count);
        let locks: Vec<_> = state.locks.iter().map(holder).collect();
        Self {
            state: state.url.clone(),
            workspace: state.workspace.clone(),
            size: state.size_bytes,
            last_modified: state.modified.map(|time| time.to_string()),
            serial: header.map(|header| header.serial),
            lineage: header.map(|header| header.lineage.clone()),
            terraform_version: header.map(|header| header.terraform_version.clone()),
            resources: counted(state.resources),
            data_resources: counted(state.data),
            outputs: counted(state.outputs),
            digest: state.digest.as_str(),
            locked_by: (!locks.is_empty()).then(|| locks.join("; ")),
            error: state.error.clone(),
        }
    }

    fn columns(&self) -> String {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let text = |text: &Option<String>| match text.as_deref() {
            None | Some("") => "-".to_owned(),
            Some(text) => text.to_owned(),
        };
        let columns = [
            self.state.clone(),
            self.workspace.clone(),
            number(self.serial),
            number(self.resources),
            number(self.data_resources),
            number(self.outputs),
            self.size.to_string(),
            text(&self.terraform_version),
            text(&self.last_modified),
            self.digest.to_owned(),
            text(&self.locked_by),
        ];
        columns.join("\t") + "\n"
    }
}

/// Where rows go, in one of the forms.
enum Writer {
    Json(ui::Data),
    Csv(Box<csv::Writer<ui::Data>>),
    /// Tabs between columns.
    Plain(ui::Data),
    /// Columns laid out for people, some lines at a time.
    Table(ui::Data, Vec<String>),
}

impl Writer {
    fn new(args: &Catalog) -> Self {
        let data = ui::Data::new();
        if args.json {
            Self::Json(data)
        } else if args.csv {
            Self::Csv(Box::new(csv::Writer::from_writer(data)))
        } else if std::io::stdout().is_terminal() {
            Self::Table(data, Vec::new())
        } else {
            Self::Plain(data)
        }
    }

    fn write(&mut self, row: &Row) -> Result<()> {
        match self {
            Self::Json(data) => {
                // Texts and numbers always serialise.
                ui::line(data, &serde_json::to_string(row).unwrap_or_default())
            }
            Self::Csv(writer) => writer.serialize(row).map_err(|cause| not_laid_out(&cause)),
            Self::Plain(data) => ui::line(data, row.columns().trim_end_matches('\n')),
            Self::Table(data, lines) => {
                lines.push(row.columns());
                if lines.len() < LINES_A_PAGE { Ok(()) } else { laid_out(data, lines) }
            }
        }
    }

    fn finish(self, written: Result<()>) -> Result<()> {
        match self {
            Self::Json(data) | Self::Plain(data) => data.finish(written),
            Self::Csv(writer) => match writer.into_inner() {
                Ok(data) => data.finish(written),
                Err(error) => written.and(Err(not_laid_out(&error))),
            },
            Self::Table(mut data, mut lines) => {
                let written = written.and_then(|()| laid_out(&mut data, &mut lines));
                data.finish(written)
            }
        }
    }
}

fn laid_out(data: &mut ui::Data, lines: &mut Vec<String>) -> Result<()> {
    let mut table = TabWriter::new(Vec::new());
    let text = COLUMNS.to_owned() + &std::mem::take(lines).concat();
    let laid_out = table.write_all(text.as_bytes()).and_then(|()| table.flush());
    laid_out.map_err(|cause| not_laid_out(&cause))?;
    let bytes = table.into_inner().map_err(|error| not_laid_out(&error))?;
    ui::line(data, String::from_utf8_lossy(&bytes).trim_end_matches('\n'))
}

fn not_laid_out(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("can't write to standard output: {why}"))
}
