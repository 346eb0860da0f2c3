//! `s3tate migrate locks`

use std::process::ExitCode;

use clap::Args;
use s3tate::bootstrap::{Role, access_policy};
use s3tate::config::BackendConfig;
use s3tate::{Backend, Error, LockKinds, LockUse, Orphan, Result, UsedWith};
use serde::Serialize;
use serde_json::Value;

use crate::commands::LockArgs;
use crate::commands::fleet::{FleetArgs, holder};
use crate::context::Context;
use crate::ui;

/// Guide a fleet from locks in DynamoDB to lock objects: who still uses what, what to do next, what is left in the table.
///
/// Changes nothing but with `-clean`, which removes digests that belong to nobody, each under the locks of both kinds. Runs
/// with the configuration that still has `dynamodb_table`.
#[derive(Debug, Args)]
pub(crate) struct LockMigration {
    #[command(flatten)]
    fleet: FleetArgs,
    /// Remove digests of states that are gone, or that were since written under a lock object alone.
    #[arg(long)]
    clean: bool,
    /// Don't ask.
    #[arg(long)]
    auto_approve: bool,
    /// One JSON object a state and line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lock: LockArgs,
}

pub(crate) async fn run(context: &Context, args: LockMigration) -> Result<ExitCode> {
    let (backend, prefix) = args.fleet.below(context)?;
    let index = args.fleet.index(context)?;
    let bar = ui::Scan::new();
    let kinds = backend.lock_kinds(&prefix, &index, bar.progress()).await;
    bar.finish();
    let kinds = kinds?;
    let line = if args.json { json_line } else { columns };
    ui::data(kinds.states.iter().map(line).collect::<String>())?;
    ui::say(&guide(&kinds, backend.config()));
    if args.clean {
        clean(&backend, &kinds.orphans, &args).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One state as scripts read it.
#[derive(Serialize)]
struct Line<'a> {
    state: &'a str,
    workspace: &'a str,
    used_with: &'static str,
    last_write: Option<String>,
    last_lock_object: Option<String>,
    digest: &'static str,
    locked_by: Option<String>,
}

impl<'a> Line<'a> {
    fn of(state: &'a LockUse) -> Self {
        let locks: Vec<_> =
            state.holders.iter().map(|lock| format!("{} {}", lock.kind.as_str(), holder(lock))).collect();
        Self {
            state: &state.url,
            workspace: &state.workspace,
            used_with: state.used_with.as_str(),
            last_write: state.last_write.map(|time| time.to_string()),
            last_lock_object: state.last_object.map(|time| time.to_string()),
            digest: state.digest.as_str(),
            locked_by: (!locks.is_empty()).then(|| locks.join("; ")),
        }
    }
}

fn json_line(state: &LockUse) -> String {
    // Texts always serialise.
    serde_json::to_string(&Line::of(state)).unwrap_or_default() + "\n"
}

fn columns(state: &LockUse) -> String {
    let line = Line::of(state);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let columns = [
        line.state.to_owned(),
        line.used_with.to_owned(),
        or_dash(line.last_write),
        or_dash(line.last_lock_object),
        line.digest.to_owned(),
        or_dash(line.locked_by),
    ];
    columns.join("\t") + "\n"
}

/// Where the fleet stands, and what comes next.
fn guide(kinds: &LockKinds, config: &BackendConfig) -> String {
    let count =
        |used_with: UsedWith| kinds.states.iter().filter(|state| state.used_with == used_with).count();
    let (table, both) = (count(UsedWith::Table), count(UsedWith::Both));
    let (object, nothing) = (count(UsedWith::Object), count(UsedWith::Nothing));
    let mut lines = vec![
        format!("last used with: the table alone {table}, both {both}, the lock object alone {object}, no lock {nothing}"),
        "1. grant the lock objects to everybody who locks (below), and keep the table's rights".to_owned(),
        "2. set `use_lockfile = true` beside `dynamodb_table` in every configuration: both locks are held meanwhile"
            .to_owned(),
        "3. once no state is used with the table alone, take `dynamodb_table` out of the configurations".to_owned(),
        "4. `s3tate migrate locks -clean` with the old configuration, then delete the table".to_owned(),
        next(kinds, table, both),
    ];
    if !kinds.orphans.is_empty() {
        lines.push(format!("digests that belong to nobody: {}, which `-clean` removes", kinds.orphans.len()));
    }
    lines.push(access(config));
    lines.join("\n")
}

fn next(kinds: &LockKinds, table: usize, both: usize) -> String {
    if kinds.states.is_empty() {
        "now: there are no states".to_owned()
    } else if table > 0 {
        format!(
            "now: step 2 for the {table} that were last used with the table alone; `apply` once with both"
        )
    } else if both > 0 {
        "now: step 3".to_owned()
    } else {
        "now: step 4".to_owned()
    }
}

/// What roles need more and less, as the statements of policies.
fn access(config: &BackendConfig) -> String {
    let with = |use_lockfile: bool, table: Option<String>| {
        let config = BackendConfig { use_lockfile, table, ..config.clone() };
        statements(&access_policy(&config, Role::Writer))
    };
    let (before, after) = (with(false, config.table.clone()), with(true, None));
    let only = |these: &[Value], others: &[Value]| {
        let these: Vec<_> = these.iter().filter(|statement| !others.contains(statement)).collect();
        serde_json::to_string_pretty(&these).unwrap_or_default()
    };
    format!(
        "to grant for step 1:\n{}\nto take away after step 4:\n{}",
        only(&after, &before),
        only(&before, &after)
    )
}

fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    policy["Statement"].as_array().cloned().unwrap_or_default()
}

async fn clean(backend: &Backend, orphans: &[Orphan], args: &LockMigration) -> Result<()> {
    if orphans.is_empty() {
        ui::say("there is nothing to remove");
        return Ok(());
    }
    for orphan in orphans {
        let why = if orphan.has_state { "of an earlier state" } else { "of a state that is gone" };
        ui::say(&format!("{}: {why}", orphan.key));
    }
    let question = format!("Remove these {} digests from the table?", orphans.len());
    if !args.auto_approve && !ui::confirm(&question, "-auto-approve")? {
        return Err(Error::invalid("cancelled; nothing was removed"));
    }
    let mut removed = 0;
    for orphan in orphans {
        if backend.remove_orphan(orphan, &args.lock.options()).await? {
            removed += 1;
        } else {
            ui::warn(&format!(
                "the digest of `{}` has changed, or is needed after all; it stays",
                orphan.key
            ));
        }
    }
    ui::say(&format!("removed {removed} digests"));
    Ok(())
}
