//! `s3tate lock`

mod break_;
mod list;
mod run;
mod show;

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use s3tate::lock::{FoundLock, LockInfo};
use s3tate::{Env, Result, Workspace};
use serde::Serialize;

use crate::context::Context;

/// See who holds locks, remove one that was left behind, hold one while a command runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Lock {
    List(list::List),
    Show(show::Show),
    Break(break_::Break),
    Run(run::Run),
}

pub(crate) async fn run(context: &Context, command: Lock) -> Result<ExitCode> {
    match command {
        Lock::List(args) => list::run(context, args).await,
        Lock::Show(args) => show::run(context, args).await,
        Lock::Break(args) => break_::run(context, args).await,
        Lock::Run(args) => run::run(context, args).await,
    }
}

/// All workspaces, and the current one even before it has a state.
async fn workspaces(context: &Context) -> Result<Vec<Workspace>> {
    if context.has_url() {
        return Ok(vec![context.workspace()?]);
    }
    let backend = context.backend()?;
    let mut names = backend.workspaces().await?;
    let current = context.workspace_name()?;
    if !names.contains(&current) {
        names.push(current);
    }
    Ok(names.into_iter().map(|name| backend.workspace(name)).collect())
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
    state_last_modified: Option<String>,
    place: &'a str,
    /// What is stored instead of a record that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
}

fn json_line(lock: &FoundLock, env: &Env) -> String {
    let holder = &lock.holder;
    let info = holder.info.as_ref();
    let created = info.and_then(LockInfo::created_at);
    let entry = Entry {
        format_version: "1.0",
        state: &lock.url,
        kind: holder.kind.as_str(),
        id: info.map(|info| info.id.as_str()),
        who: info.map(|info| info.who.as_str()),
        operation: info.map(|info| info.operation.as_str()),
        version: info.map(|info| info.version.as_str()),
        created: info.map(|info| info.created.as_str()),
        age_seconds: created.map(|created| env.now().duration_since(created).as_secs()),
        state_last_modified: lock.last_write.map(|time| time.to_string()),
        place: &holder.place,
        unreadable: info.is_none().then(|| holder.record.as_deref().unwrap_or_default()),
    };
    // Texts and numbers always serialise.
    serde_json::to_string(&entry).unwrap_or_default() + "\n"
}

/// A lock for people, a fact a line.
fn describe(lock: &FoundLock, env: &Env) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{label:<12}{value}");
    };
    line("State:", &lock.url);
    line("Kept in:", &lock.holder.place);
    match &lock.holder.info {
        Some(info) => {
            line("ID:", &info.id);
            line("Path:", &info.path);
            line("Operation:", &info.operation);
            line("Who:", &info.who);
            line("Version:", &info.version);
            let age = info.age(env.now()).map(|age| format!(" ({age} ago)"));
            line("Created:", &format!("{}{}", info.created, age.unwrap_or_default()));
            line("Info:", &info.info);
        }
        None => line("Unreadable:", lock.holder.record.as_deref().unwrap_or("there is no record")),
    }
    let last_write =
        lock.last_write.map_or_else(|| "never, or it can't be seen".into(), |time| time.to_string());
    line("Last write:", &last_write);
    text
}
