//! `s3tate restore`

use std::process::ExitCode;

use clap::Args;
use s3tate::diff::{Sensitive, StateDiff};
use s3tate::history::{Restoration, VersionSpec};
use s3tate::lock::LockOptions;
use s3tate::{Error, Result};

use super::LockArgs;
use crate::context::Context;
use crate::ui;

/// Store an earlier version of the state again, under lock, with a serial above all before; also after a deletion.
///
/// Shows what that changes and asks. What is stored now stays as a version.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A version id of `s3tate history`, `serial:N` or `@{TIME}`.
    #[arg(value_name = "VERSION")]
    which: String,
    /// Only show what would change; takes no lock.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask.
    #[arg(long)]
    auto_approve: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: Restore) -> Result<ExitCode> {
    let spec = VersionSpec::parse(&args.which, context.env.now())?;
    let workspace = context.workspace()?;
    let options = args.lock.options();
    let options = if args.dry_run { LockOptions { lock: false, ..options } } else { options };
    let restoration = workspace.restore(&spec, &options).await?;
    if restoration.is_needless() {
        restoration.cancel().await?;
        ui::say(&format!("`{}` holds this state already; nothing was written", workspace.url()));
        return Ok(ExitCode::SUCCESS);
    }
    ui::data(changes(&restoration, ui::colours(context)))?;
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(why) = refusal(&args, &workspace.url()) {
        restoration.cancel().await?;
        return Err(why);
    }
    let serial = restoration.serial;
    let written = restoration.write().await?;
    ui::say(&format!("restored `{}`: serial {serial}", workspace.url()));
    super::report(Some(&written));
    Ok(ExitCode::SUCCESS)
}

/// What will be other than now, as far as what is stored can be read.
fn changes(restoration: &Restoration, colours: bool) -> String {
    match StateDiff::between(restoration.stored(), restoration.restored(), Sensitive::Masked) {
        Ok(diff) => diff.to_text(colours),
        Err(cause) => {
            ui::warn(&format!("what changes can't be told, since one of the two can't be read: {cause}"));
            String::new()
        }
    }
}

fn refusal(args: &Restore, url: &str) -> Option<Error> {
    if args.auto_approve {
        return None;
    }
    match ui::confirm(&format!("Store this version at `{url}` again?"), "-auto-approve") {
        Ok(true) => None,
        Ok(false) => Some(Error::invalid("restore cancelled; nothing was written")),
        Err(error) => Some(error),
    }
}
