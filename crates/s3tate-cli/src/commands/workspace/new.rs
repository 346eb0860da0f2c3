//! `s3tate workspace new`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, Result, WorkspaceName};

use crate::cli::Global;
use crate::commands::{LockArgs, report};
use crate::context::Context;
use crate::ui;

/// Create a workspace and select it.
///
/// Its state is empty, or with `-state=FILE` that of the file, with its lineage and the serial one above its own.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Its name.
    name: String,
    #[command(flatten)]
    lock: LockArgs,
    /// What `-state` gives here, where all other commands take a URL.
    #[arg(skip)]
    file: Option<PathBuf>,
}

impl New {
    /// Takes a file over that the option for URLs was given.
    pub(crate) fn take_file(&mut self, global: &mut Global) {
        self.file = global.state.pop_if(|state| !state.starts_with("s3://")).map(PathBuf::from);
    }
}

pub(crate) async fn run(context: &Context, args: New) -> Result<ExitCode> {
    let name = WorkspaceName::new(args.name)?;
    if let Some(other) = context.env.var("TF_WORKSPACE").filter(|other| *other != name.as_str()) {
        return Err(Error::invalid(format!("TF_WORKSPACE is set to `{other}`; nothing was created"))
            .hint("unset it, or give it the new name"));
    }
    if name.is_default() {
        return Err(
            Error::invalid("workspace `default` always exists").hint("`s3tate workspace select default`")
        );
    }
    let source = args.file.as_deref().map(read).transpose()?;
    let workspace = context.backend()?.workspace(name.clone());
    let written = match source {
        Some(source) => workspace.create_from(&source, &args.lock.options()).await?,
        None => workspace.create(&args.lock.options()).await?,
    };
    context.select(&name)?;
    ui::say(&format!("created and selected workspace `{name}`"));
    report(Some(&written));
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|cause| {
        Error::invalid(format!("can't read `{}`; nothing was created", file.display())).with_source(cause)
    })
}
