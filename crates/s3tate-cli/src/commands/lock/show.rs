//! `s3tate lock show`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use s3tate::Result;
use s3tate::lock::Holder;

use super::json_line;
use crate::context::Context;
use crate::ui;

/// Show who holds the lock of the current workspace.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// One JSON object a line, one for each kind of lock.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(context: &Context, args: Show) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let holders = workspace.lock_holders().await?;
    if holders.is_empty() {
        ui::say(&format!("`{}` is not locked", workspace.url()));
    }
    let mut text = String::new();
    for holder in &holders {
        if args.json {
            text.push_str(&json_line(&workspace.url(), holder, &context.env));
        } else {
            describe(&mut text, holder);
        }
    }
    ui::data(text)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(text: &mut String, holder: &Holder) {
    let mut line = |label: &str, value: &str| {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{label:<11}{value}");
    };
    line("Kept in:", &holder.place);
    match &holder.info {
        Some(info) => {
            line("ID:", &info.id);
            line("Path:", &info.path);
            line("Operation:", &info.operation);
            line("Who:", &info.who);
            line("Version:", &info.version);
            line("Created:", &info.created);
            line("Info:", &info.info);
        }
        None => line("Record:", holder.record.as_deref().unwrap_or("none")),
    }
}
