//! `s3tate lock run`

use std::convert::Infallible;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use s3tate::lock::{LockGuard, LockKind, LockOptions, Operation};
use s3tate::{Env, Error, ErrorKind, Result, Workspace, parse_duration};

use crate::commands::parse_timeout;
use crate::context::Context;
use crate::signals::Stop;
use crate::{child, ui};

/// How often the lock is looked at meanwhile.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// Sets another interval.
const CHECK_VARIABLE: &str = "S3TATE_LOCK_CHECK";

/// Hold the lock of the current workspace while a command runs.
///
/// The command's exit code is passed on, and signals are passed to it; the lock is released when it has ended. Stock
/// commands that are to run under this lock need `-lock=false`. The lock is looked at every 30 s (or `S3TATE_LOCK_CHECK`),
/// which also renews credentials. If it was taken away meanwhile, that is said at once, and success becomes exit code 4.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How long to wait for a lock that somebody else holds, such as `90s`.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_timeout)]
    lock_timeout: Duration,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) async fn run(context: &Context, args: Run) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let every = check_every(&context.env)?;
    let options = LockOptions { timeout: args.lock_timeout, progress: ui::waiting, ..LockOptions::default() };
    let guard = workspace.lock(Operation::LockRun, &options).await?.ok_or_else(|| no_lock(&workspace))?;
    let stop = Stop::listen()?;
    context.signals.pass_on(true);
    let code = under_lock(&guard, &args.command, stop, (every, &context.env)).await;
    context.signals.pass_on(false);
    ended(&workspace, code, guard).await
}

fn check_every(env: &Env) -> Result<Duration> {
    match env.var(CHECK_VARIABLE) {
        None => Ok(CHECK_EVERY),
        Some(text) => match parse_duration(text) {
            Ok(Duration::ZERO) => Err(Error::invalid("the lock can't be looked at all the time")),
            parsed => parsed,
        }
        .map_err(|error| error.fact("variable", CHECK_VARIABLE)),
    }
}

fn no_lock(workspace: &Workspace) -> Error {
    Error::invalid(format!("nothing locks `{}`; the command was not run", workspace.url()))
        .fact("cause", "neither `dynamodb_table` nor `use_lockfile` is set")
}

/// Runs the command to its end, with an eye on the lock.
async fn under_lock(
    guard: &LockGuard,
    command: &[OsString],
    mut stop: Stop,
    (every, env): (Duration, &Env),
) -> Result<u8> {
    let (program, arguments) = command.split_first().ok_or_else(|| Error::invalid("there is no command"))?;
    let mut child = child::start(program, arguments, [("S3TATE_LOCK_ID", guard.info().id.clone())])?;
    tokio::select! {
        code = child::finish(&mut child, &mut stop) => code,
        never = watch(guard, every, env) => match never {},
    }
}

/// Looks at the lock again and again. Tells once that it is lost, and once that it can't be looked at.
async fn watch(guard: &LockGuard, every: Duration, env: &Env) -> Infallible {
    let (mut lost, mut failing) = (Vec::new(), false);
    loop {
        env.sleep(every).await;
        match guard.lost().await {
            Ok(now) => {
                if now.len() > lost.len() {
                    ui::warn(&format!("{}; the command goes on", taken_away(guard, &now)));
                }
                (lost, failing) = (now, false);
            }
            Err(error) if !failing => {
                ui::warn(&format!("can't tell whether the lock is still held: {error}; trying on"));
                failing = true;
            }
            Err(_) => {}
        }
    }
}

fn taken_away(guard: &LockGuard, lost: &[LockKind]) -> String {
    let kinds: Vec<_> = lost.iter().map(|kind| kind.as_str()).collect();
    let info = guard.info();
    format!("the {} lock of `s3://{}` (ID {}) was taken away", kinds.join(" and "), info.path, info.id)
}

/// Releases the lock and decides on the exit code: the command's own, unless it succeeded and its lock did not hold.
async fn ended(workspace: &Workspace, code: Result<u8>, guard: LockGuard) -> Result<ExitCode> {
    let id = guard.info().id.clone();
    let held = match guard.release().await {
        Ok(released) if released.missing.is_empty() => Ok(()),
        Ok(_) => Err(lost(workspace, &id)),
        Err(error) => Err(error.fact("note", "the command has ended")),
    };
    match (code, held) {
        (Ok(code), Ok(())) => Ok(ExitCode::from(code)),
        (Ok(0), Err(error)) => Err(error),
        (Ok(code), Err(error)) => {
            ui::fail(&error);
            Ok(ExitCode::from(code))
        }
        (Err(error), Ok(())) => Err(error.fact("lock", "released")),
        (Err(error), Err(release)) => Err(error.fact("lock", release.to_string())),
    }
}

fn lost(workspace: &Workspace, id: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("the lock of `{}` was taken away while the command ran", workspace.url()),
    )
    .fact("lock id", id)
    .fact("cause", "it was not there any more, or somebody else's was, when it was to be released")
    .hint("somebody may have written meanwhile: compare before you go on; `s3tate lock show` tells who holds it now")
}
