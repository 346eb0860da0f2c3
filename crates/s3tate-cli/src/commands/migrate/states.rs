//! `s3tate migrate -from … -to …`

use std::fmt::Write as _;
use std::process::ExitCode;

use s3tate::migrate::{Action, End, Migration, Options, Outcome, Plan, Step};
use s3tate::{Error, Result, WorkspaceName};

use super::Migrate;
use crate::context::Context;
use crate::ui;

pub(super) async fn run(context: &Context, args: Migrate) -> Result<ExitCode> {
    let mut migration = prepare(context, &args)?;
    if migration.is_resumed() {
        ui::say(&format!("going on by the journal `{}`", migration.journal().display()));
    }
    let plan = migration.plan().await?;
    if args.dry_run {
        ui::data(table(&plan))?;
        return plan.check().map(|()| ExitCode::SUCCESS);
    }
    ui::say(table(&plan).trim_end());
    plan.check()?;
    for place in &plan.unlocked {
        ui::warn(&format!("nothing excludes other writers of `{place}`: let nobody work there meanwhile"));
    }
    if let Some(why) = refusal(&args, &plan, migration.is_resumed()) {
        return Err(why);
    }
    migration.run(|workspace, outcome| ui::say(&line(workspace, outcome))).await?;
    finish(&migration, &args)
}

fn prepare(context: &Context, args: &Migrate) -> Result<Migration> {
    // Both are required where no subcommand is given.
    let end = |end: &Option<String>| context.end(end.as_deref().unwrap_or_default());
    let (from, to) = (end(&args.from)?, end(&args.to)?);
    let journal = args.journal.clone().unwrap_or_else(|| Migration::journal_name(&from, &to));
    let workspaces = args.workspace.iter().map(WorkspaceName::new).collect::<Result<_>>()?;
    let options = Options {
        workspaces,
        force: args.force,
        delete_source: args.delete_source,
        lock: args.lock.options(),
    };
    Migration::prepare(from, to, options, &journal, context.env.clone())
}

/// What is going to happen, a state a line.
fn table(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let header =
            step.header.as_ref().map(|(serial, lineage)| format!(" (serial {serial}, lineage {lineage})"));
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{}: {}{}", step.workspace, intention(step), header.unwrap_or_default());
        let _ = writeln!(text, "  from {}\n  to   {}", step.from, step.to);
    }
    let goes = plan.steps.iter().filter(|step| step.delete_source);
    let (moved, stay): (Vec<_>, Vec<_>) = goes.partition(|step| step.action != Action::Relock);
    for (count, what) in [(moved.len(), "deleted at the source"), (stay.len(), "old digests removed")] {
        if count > 0 {
            let _ = writeln!(text, "afterwards, once all are verified: {count} {what}");
        }
    }
    text
}

fn intention(step: &Step) -> String {
    match &step.action {
        Action::Nothing => "has no state".to_owned(),
        Action::Done => "copied and verified by an earlier run".to_owned(),
        Action::Same => "is there already; verify".to_owned(),
        Action::Copy => "copy".to_owned(),
        Action::Replace(why) => format!("replace, and keep what is there: {why}"),
        Action::Relock => "stays where it is; other locks and digests".to_owned(),
        Action::Refused(why, _) => format!("refused: {why}"),
    }
}

fn line(workspace: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Nothing => format!("{workspace}: no state"),
        Outcome::Done => format!("{workspace}: was verified by an earlier run"),
        Outcome::Same => format!("{workspace}: verified, was there already"),
        Outcome::Copied { kept: None } => format!("{workspace}: copied and verified"),
        Outcome::Copied { kept: Some(kept) } => {
            format!("{workspace}: copied and verified; what was there is kept in `{kept}`")
        }
        Outcome::Relocked => format!("{workspace}: verified under the locks of both ends"),
        Outcome::Retired => format!("{workspace}: deleted at the source"),
        Outcome::Disowned => {
            format!("{workspace}: the digest is gone from the table that isn't used any more")
        }
    }
}

fn refusal(args: &Migrate, plan: &Plan, resumed: bool) -> Option<Error> {
    if args.auto_approve || (plan.is_idle() && !resumed) {
        return None;
    }
    let question = if args.delete_source { "Migrate, and delete the source?" } else { "Migrate?" };
    match ui::confirm(question, "-auto-approve") {
        Ok(true) => None,
        Ok(false) => Some(Error::invalid("cancelled; nothing was written")),
        Err(error) => Some(error),
    }
}

/// Tells what to put into the configuration.
fn finish(migration: &Migration, args: &Migrate) -> Result<ExitCode> {
    let to: &End = migration.destination();
    ui::say(&format!("done; the journal is `{}`", migration.journal().display()));
    ui::say(if migration.source().is_local() && !args.delete_source {
        // Stock clients find the local states, ask whether to copy them, and lose lineage and serial by that.
        "Put this block into the configuration, then run `s3tate init -reconfigure`, after which stock clients go on \
         (`terraform init` would ask to copy the local states again, as long as they are there)."
    } else {
        "Put this block into the configuration, then run `terraform init -reconfigure` or `s3tate init -reconfigure`: \
         nothing is left to be copied."
    });
    if to.has_secrets() {
        ui::say("Credentials are left out of it: give them by variables, a profile, or `-backend-config`.");
    }
    ui::data(to.block())?;
    Ok(ExitCode::SUCCESS)
}
