//! The `s3tate` command.

mod arguments;
mod cli;
mod commands;
mod context;
mod memory;
mod report;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use s3tate::Env;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let env = Env::from_process();
    ui::start_logging(&env);
    match arguments::complete(std::env::args_os(), &env)
        .and_then(|arguments| run(Cli::parse_from(arguments), env))
    {
        Ok(code) => code,
        Err(error) => ui::fail(&error),
    }
}

fn run(cli: Cli, env: Env) -> s3tate::Result<ExitCode> {
    if let Some(directory) = &cli.global.chdir {
        std::env::set_current_dir(directory).map_err(|cause| {
            s3tate::Error::invalid(format!("can't change to `{}`; nothing was done", directory.display()))
                .with_source(cause)
        })?;
    }
    // The endpoint serves many clients at once; all else is one command and starts faster on one thread.
    let threads = matches!(cli.command, Command::Local(_));
    let mut builder = if threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build().map_err(|cause| {
        s3tate::Error::new(s3tate::ErrorKind::Bug, "can't start the runtime").with_source(cause)
    })?;
    let code = runtime.block_on(commands::run(cli, env));
    memory::log_peak();
    code
}
