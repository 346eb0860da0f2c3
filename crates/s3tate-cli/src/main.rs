//! The `s3tate` command.

mod arguments;
mod child;
mod cli;
mod commands;
mod context;
mod memory;
mod provider;
mod report;
mod signals;
mod traces;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use s3tate::Env;
use s3tate::lock::Keeper;

use cli::{Cli, Command};
use signals::Signals;
use traces::Traces;

/// The stack of a thread. Futures are deep, and without optimisation a request to S3 alone takes a quarter of the usual 2 MiB.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let env = Env::from_process();
    if provider::is_meant(std::env::args_os().next().as_deref()) {
        return provider::run(std::env::args_os(), env);
    }
    let arguments = arguments::complete(std::env::args_os(), &env).map(Cli::parse_from);
    let traces = ui::start_logging(&env, arguments.as_ref().is_ok_and(Cli::serves));
    match arguments.and_then(|cli| run(cli, env, traces?)) {
        Ok(code) => code,
        Err(error) => ui::fail(&error),
    }
}

fn run(cli: Cli, env: Env, traces: Option<Traces>) -> s3tate::Result<ExitCode> {
    if let Some(directory) = &cli.global.chdir {
        std::env::set_current_dir(directory).map_err(|cause| {
            s3tate::Error::invalid(format!("can't change to `{}`; nothing was done", directory.display()))
                .with_source(cause)
        })?;
    }
    let keeper = Keeper::default();
    let signals = Signals::new(keeper.clone(), &cli.global);
    // Endpoint and server serve many clients at once; all else is one command and starts faster on one thread.
    let threads = matches!(cli.command, Command::Local(_) | Command::Serve(_));
    let mut builder = if threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.thread_stack_size(STACK_BYTES).enable_all().build().map_err(|cause| {
        s3tate::Error::new(s3tate::ErrorKind::Bug, "can't start the runtime").with_source(cause)
    })?;
    if !threads {
        signals.start()?;
    }
    if let Some(traces) = &traces {
        traces.send_by(runtime.handle().clone());
    }
    let command = commands::run(cli, env, signals.clone());
    let code = runtime.block_on(until_settled(command, &keeper, &signals));
    if let Some(traces) = traces {
        traces.finish();
    }
    memory::log_peak();
    Ok(code)
}

/// Runs a command to its end, or to where it can stop after a signal; in any case locks are released before.
async fn until_settled(
    command: impl Future<Output = s3tate::Result<ExitCode>>,
    keeper: &Keeper,
    signals: &Signals,
) -> ExitCode {
    let ended = tokio::select! {
        biased;
        result = command => Some(result),
        () = keeper.stopped() => None,
    };
    keeper.settled().await;
    let code = match ended {
        Some(Ok(code)) => code,
        Some(Err(error)) => ui::fail(&error),
        None => {
            ui::say("interrupted: stopped where nothing was being written");
            ExitCode::SUCCESS
        }
    };
    let clean = ui::notes(&keeper.take_notes());
    match signals.exit_code() {
        Some(code) => code,
        None if clean => code,
        None => ExitCode::FAILURE,
    }
}
