//! `s3tate local`

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, ErrorKind, Result};
use s3tate_local::{Local as Endpoint, LocalError, Options, Storage};

use crate::context::Context;
use crate::ui;

/// The region in the printed lines; the endpoint takes any.
const REGION: &str = "us-east-1";

/// Run the embedded endpoint: S3, DynamoDB and STS on one port, durable, in one process.
///
/// Prints the variables to export and a backend block to paste, then serves until Ctrl-C or SIGTERM. Stock Terraform,
/// the AWS CLI and s3tate itself use it like AWS.
#[derive(Debug, Args)]
pub(crate) struct Local {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4560")]
    listen: SocketAddr,
    /// Directory that everything is kept in, access key included; made if missing.
    #[arg(long, value_name = "DIR", default_value = "s3tate-data")]
    data: PathBuf,
    /// Create this bucket, with versioning, unless it exists.
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Create this lock table, with the key `LockID`, unless it exists.
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Run this command with the variables set, pass on its exit code and stop; must come last.
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    exec: Vec<OsString>,
}

pub(crate) async fn run(_context: &Context, args: Local) -> Result<ExitCode> {
    let mut options = Options::new(Storage::Directory(args.data.clone()));
    options.listen = args.listen;
    options.buckets.clone_from(&args.bucket);
    options.tables.clone_from(&args.table);
    let stop = Stop::listen()?;
    let endpoint = Endpoint::start(options).await.map_err(refused)?;
    if !args.listen.ip().is_loopback() {
        ui::warn(&format!(
            "listening on {}, which others can reach; the keys are the only protection",
            endpoint.addr()
        ));
    }
    let code = match args.exec.split_first() {
        Some((program, rest)) => execute(&endpoint, program, rest, stop).await,
        None => serve(&endpoint, &args, stop).await,
    };
    endpoint.stop().await;
    code
}

fn refused(error: LocalError) -> Error {
    Error::new(ErrorKind::Unavailable, "the embedded endpoint did not start").with_source(error)
}

async fn serve(endpoint: &Endpoint, args: &Local, mut stop: Stop) -> Result<ExitCode> {
    ui::data(instructions(endpoint, args))?;
    ui::say(&format!(
        "serving on {}, data in `{}`; Ctrl-C stops",
        endpoint.endpoint_url(),
        args.data.display()
    ));
    stop.wait().await;
    ui::say("stopping");
    Ok(ExitCode::SUCCESS)
}

/// The variables that make any AWS client use this endpoint.
fn variables(endpoint: &Endpoint) -> [(&'static str, String); 5] {
    let key = endpoint.access_key();
    [
        ("AWS_ENDPOINT_URL", endpoint.endpoint_url()),
        ("AWS_ACCESS_KEY_ID", key.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        // Older clients know this one only.
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
    ]
}

fn instructions(endpoint: &Endpoint, args: &Local) -> String {
    let exports = variables(endpoint).map(|(name, value)| format!("export {name}={value}\n")).concat();
    let bucket = args.bucket.first().map_or("mybucket", String::as_str);
    let lock = match args.table.first() {
        Some(table) => format!("dynamodb_table = \"{table}\""),
        None => "use_lockfile   = true".to_owned(),
    };
    let block = format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket         = \"{bucket}\"\n    key            = \"path/to/my/key\"\n    \
         region         = \"{REGION}\"\n    {lock}\n  }}\n}}\n"
    );
    let commented = block.trim_end().replace('\n', "\n# ");
    format!("{exports}\n# {commented}\n")
}

async fn execute(
    endpoint: &Endpoint,
    program: &OsString,
    rest: &[OsString],
    mut stop: Stop,
) -> Result<ExitCode> {
    let mut command = tokio::process::Command::new(program);
    command.args(rest).envs(variables(endpoint));
    let mut child = command
        .spawn()
        .map_err(|cause| Error::invalid(format!("can't run `{}`", program.display())).with_source(cause))?;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            // The command gets Ctrl-C from the terminal too: it decides what becomes of it.
            signal = stop.wait() => pass_on(&child, signal),
        }
    };
    let status = status.map_err(|cause| {
        Error::new(ErrorKind::Bug, format!("lost track of `{}`", program.display())).with_source(cause)
    })?;
    Ok(ExitCode::from(code_of(status)))
}

#[cfg(unix)]
fn code_of(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(1)
}

#[cfg(not(unix))]
fn code_of(status: std::process::ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// A signal that asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
}

/// Waits for Ctrl-C and SIGTERM from the moment it is made.
#[cfg(unix)]
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |cause| Error::new(ErrorKind::Bug, "can't listen for signals").with_source(cause);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn wait(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self) -> Signal {
        drop(tokio::signal::ctrl_c().await);
        Signal::Interrupt
    }
}

/// SIGTERM came to us alone, so the command is told.
#[cfg(unix)]
fn pass_on(child: &tokio::process::Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let (Signal::Terminate, Some(pid)) = (signal, pid) {
        // The command may just have ended.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

#[cfg(not(unix))]
fn pass_on(_child: &tokio::process::Child, _signal: Signal) {}
