//! Another program that runs for us: its exit code is passed on, and signals are passed to it.

use std::ffi::OsString;
use std::process::ExitStatus;

use s3tate::{Error, ErrorKind, Result};
use tokio::process::{Child, Command};

use crate::signals::{Signal, Stop};

/// Starts a program.
///
/// # Errors
/// [`ErrorKind::Invalid`]: there is no such program, or it can't be run.
pub(crate) fn start(
    program: &OsString,
    arguments: &[OsString],
    variables: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).envs(variables);
    command
        .spawn()
        .map_err(|cause| Error::invalid(format!("can't run `{}`", program.display())).with_source(cause))
}

/// Waits for its end, passing signals to it meanwhile: it decides what becomes of it.
///
/// # Errors
/// [`ErrorKind::Bug`]: the system lost track of it.
pub(crate) async fn finish(child: &mut Child, stop: &mut Stop) -> Result<u8> {
    loop {
        tokio::select! {
            status = child.wait() => break status.map(code_of),
            signal = stop.wait() => pass_on(child, signal),
        }
    }
    .map_err(|cause| Error::new(ErrorKind::Bug, "lost track of the command").with_source(cause))
}

/// Its exit code, or as shells have it 128 and the number of the signal that ended it.
#[cfg(unix)]
fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(1)
}

#[cfg(not(unix))]
fn code_of(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// SIGTERM comes to us alone, so the command is told. Ctrl-C in a terminal goes to both of us.
#[cfg(unix)]
fn pass_on(child: &Child, signal: Signal) {
    use rustix::process::{Pid, Signal as Number, kill_process};
    let number = match signal {
        Signal::Interrupt if in_foreground() => return,
        Signal::Interrupt => Number::INT,
        Signal::Terminate => Number::TERM,
    };
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        // The command may just have ended.
        let _ = kill_process(pid, number);
    }
}

/// Whether a terminal's Ctrl-C comes to this process and its children.
#[cfg(unix)]
fn in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| {
        rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
    })
}

#[cfg(not(unix))]
fn pass_on(_child: &Child, _signal: Signal) {}
