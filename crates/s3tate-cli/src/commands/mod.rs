//! The commands: one file a verb, groups are folders.

pub(crate) mod backend;
pub(crate) mod bootstrap;
pub(crate) mod catalog;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod find;
pub(crate) mod fleet;
pub(crate) mod force_unlock;
pub(crate) mod history;
pub(crate) mod init;
pub(crate) mod local;
pub(crate) mod lock;
pub(crate) mod migrate;
pub(crate) mod output;
pub(crate) mod provider;
pub(crate) mod remote_state;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod state;
pub(crate) mod whoami;
pub(crate) mod why;
pub(crate) mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgAction, Args};
use s3tate::lock::LockOptions;
use s3tate::{Env, Result, Written};

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::signals::Signals;
use crate::ui;

/// Runs one command.
pub(crate) async fn run(mut cli: Cli, env: Env, signals: Signals) -> Result<ExitCode> {
    if let Command::Workspace(workspace) = &mut cli.command {
        workspace.take_file(&mut cli.global);
    }
    let context = Context::new(env, cli.global, signals);
    match cli.command {
        Command::Bootstrap(args) => bootstrap::run(&context, args).await,
        Command::Catalog(args) => catalog::run(&context, args).await,
        Command::Find(args) => find::run(&context, args).await,
        Command::Diff(args) => diff::run(&context, args).await,
        Command::Doctor(args) => doctor::run(&context, args).await,
        Command::History(args) => history::run(&context, args).await,
        Command::Init(args) => init::run(&context, args).await,
        Command::Output(args) => output::run(&context, args).await,
        Command::Provider(args) => provider::run(&context, args),
        Command::RemoteState(args) => remote_state::run(&context, args).await,
        Command::Restore(args) => restore::run(&context, args).await,
        Command::State(args) => state::run(&context, args).await,
        Command::Workspace(args) => workspace::run(&context, args).await,
        Command::ForceUnlock(args) => force_unlock::run(&context, args).await,
        Command::Lock(args) => lock::run(&context, args).await,
        Command::Migrate(args) => migrate::run(&context, *args).await,
        Command::Backend(args) => backend::run(&context, args).await,
        Command::Local(args) => local::run(&context, args).await,
        Command::Serve(args) => serve::run(&context, args).await,
        Command::Why(args) => why::run(&context, args).await,
        Command::Whoami(args) => whoami::run(&context, args).await,
    }
}

/// How a command asks for the lock.
#[derive(Debug, Clone, Args)]
pub(crate) struct LockArgs {
    /// Whether to hold the lock meanwhile.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    lock: bool,
    /// How long to wait for a lock that somebody else holds, such as `90s`.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_timeout)]
    lock_timeout: Duration,
}

impl LockArgs {
    pub(crate) fn options(&self) -> LockOptions {
        LockOptions { lock: self.lock, timeout: self.lock_timeout, progress: ui::waiting }
    }
}

/// A duration on the command line.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    s3tate::parse_duration(text).map_err(|error| error.to_string())
}

/// Tells what is odd about a write.
pub(crate) fn report(written: Option<&Written>) {
    if written.is_some_and(|written| written.lock_lost) {
        ui::warn("the lock was taken away meanwhile; the write replaced exactly the state that was read");
    }
}
