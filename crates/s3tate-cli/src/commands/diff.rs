//! `s3tate diff`

use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use s3tate::diff::{Sensitive, StateDiff};
use s3tate::history::VersionSpec;
use s3tate::{Error, ErrorKind, Result};

use crate::context::Context;
use crate::ui;

/// Compare two states by outputs, resources and attributes.
///
/// A state is a version id of `s3tate history`, `serial:N`, `@{TIME}`, a local file, or the URL of another state. Exits
/// with 0 where they hold the same, and with 1 where they differ.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The state before.
    a: String,
    /// The state after; what is stored now if left out.
    b: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Show values that a state marks as sensitive.
    #[arg(long)]
    show_sensitive: bool,
}

pub(crate) async fn run(context: &Context, args: Diff) -> Result<ExitCode> {
    let after = async {
        match &args.b {
            Some(name) => named(context, name).await,
            None => stored(&context.workspace()?).await,
        }
    };
    let (before, after) = futures::future::try_join(named(context, &args.a), after).await?;
    let sensitive = if args.show_sensitive { Sensitive::Shown } else { Sensitive::Masked };
    let diff = StateDiff::between(&before, &after, sensitive).map_err(|cause| incomparable(&args, cause))?;
    ui::data(if args.json { diff.to_json() } else { diff.to_text(ui::colours(context)) })?;
    Ok(if diff.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn incomparable(args: &Diff, cause: s3tate::state::StateError) -> Error {
    Error::new(ErrorKind::Corrupt, "one of the two can't be read as a state")
        .fact("before", args.a.clone())
        .fact("after", args.b.clone().unwrap_or_else(|| "what is stored".to_owned()))
        .with_source(cause)
}

async fn stored(workspace: &s3tate::Workspace) -> Result<Bytes> {
    workspace.read().await?.bytes.ok_or_else(|| workspace.missing())
}

/// The bytes of the state that a name stands for. A file wins over a version id.
async fn named(context: &Context, name: &str) -> Result<Bytes> {
    if name.starts_with("s3://") {
        return stored(&context.workspace_at(name)?).await;
    }
    let spec = VersionSpec::parse(name, context.env.now())?;
    let path = Path::new(name);
    if matches!(spec, VersionSpec::Id(_)) && (path.exists() || name.contains(['/', '\\'])) {
        return std::fs::read(path).map(Bytes::from).map_err(|cause| {
            Error::invalid(format!("can't read `{name}`; nothing was compared")).with_source(cause)
        });
    }
    context.workspace()?.version(&spec).await
}
