//! `s3tate lock`

mod list;
mod run;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use s3tate::lock::Holder;
use s3tate::{Env, Result};
use serde::Serialize;

use crate::context::Context;

/// See who holds locks; hold one while a command runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Lock {
    List(list::List),
    Show(show::Show),
    Run(run::Run),
}

pub(crate) async fn run(context: &Context, command: Lock) -> Result<ExitCode> {
    match command {
        Lock::List(args) => list::run(context, args).await,
        Lock::Show(args) => show::run(context, args).await,
        Lock::Run(args) => run::run(context, args).await,
    }
}

/// A lock as JSON: one line each.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    format_version: &'static str,
    state: &'a str,
    kind: &'static str,
    id: Option<&'a str>,
    who: Option<&'a str>,
    operation: Option<&'a str>,
    version: Option<&'a str>,
    created: Option<&'a str>,
    age_seconds: Option<i64>,
}

fn json_line(state: &str, holder: &Holder, env: &Env) -> String {
    let info = holder.info.as_ref();
    let created = info.and_then(s3tate::lock::LockInfo::created_at);
    let entry = Entry {
        format_version: "1.0",
        state,
        kind: holder.kind.as_str(),
        id: info.map(|info| info.id.as_str()),
        who: info.map(|info| info.who.as_str()),
        operation: info.map(|info| info.operation.as_str()),
        version: info.map(|info| info.version.as_str()),
        created: info.map(|info| info.created.as_str()),
        age_seconds: created.map(|created| env.now().duration_since(created).as_secs()),
    };
    // Texts and numbers always serialise.
    serde_json::to_string(&entry).unwrap_or_default() + "\n"
}
