//! Ctrl-C and SIGTERM: what has begun comes to a safe end, locks are released, and a second signal ends at once.
//!
//! Signals are waited for on a thread of their own, so that they are heard while the command computes, or asks somebody.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use s3tate::lock::{HeldLock, Keeper};
use s3tate::{Error, ErrorKind, Result};

use crate::cli::Global;
use crate::ui;

/// A signal that asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    /// What shells report of a program that such a signal ended.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Waits for Ctrl-C and SIGTERM from the moment it is made; must be made inside a runtime.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    pub(crate) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |cause| Error::new(ErrorKind::Bug, "can't listen for signals").with_source(cause);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    pub(crate) async fn wait(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Stop;

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn wait(&mut self) -> Signal {
        drop(tokio::signal::ctrl_c().await);
        Signal::Interrupt
    }
}

/// Waits for SIGHUP, by which daemons are told to read their configuration again; must be made inside a runtime.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Hangup(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangup {
    pub(crate) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |cause| Error::new(ErrorKind::Bug, "can't listen for signals").with_source(cause);
        signal(SignalKind::hangup()).map(Self).map_err(failed)
    }

    pub(crate) async fn wait(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn wait(&mut self) {
        std::future::pending().await
    }
}

/// What signals do to this process. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Signals(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    keeper: Keeper,
    /// Exit code of the first signal; 0 before it.
    received: AtomicU8,
    /// Whether a command that runs under a lock gets the signals instead.
    passed_on: AtomicBool,
    /// How to name the same state again on the command line.
    options: String,
}

impl Signals {
    pub(crate) fn new(keeper: Keeper, global: &Global) -> Self {
        let (received, passed_on) = (AtomicU8::new(0), AtomicBool::new(false));
        Self(Arc::new(Shared { keeper, received, passed_on, options: global.to_repeat() }))
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`]: the system has no thread or no signals.
    pub(crate) fn start(&self) -> Result<()> {
        let signals = self.clone();
        let failed = |cause| Error::new(ErrorKind::Bug, "can't listen for signals").with_source(cause);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        let stop = runtime.block_on(async { Stop::listen() })?;
        let listen = move || runtime.block_on(signals.listen(stop));
        std::thread::Builder::new().name("signals".into()).spawn(listen).map(drop).map_err(failed)
    }

    async fn listen(self, mut stop: Stop) {
        loop {
            let signal = stop.wait().await;
            if !self.0.passed_on.load(Ordering::SeqCst) {
                self.receive(signal);
            }
        }
    }

    fn receive(&self, signal: Signal) {
        let code = signal.exit_code();
        let first = self.0.received.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // From here on the command begins nothing new, so nothing is cut off where nothing is under way.
        let idle = self.0.keeper.stop();
        match (idle, first) {
            (true, _) => {
                ui::notes(&self.0.keeper.take_notes());
                leave(code);
            }
            (false, true) => ui::say(&self.announcement()),
            (false, false) => {
                ui::fail(&self.left_behind());
                leave(code);
            }
        }
    }

    /// Who knows which locks are held.
    pub(crate) fn keeper(&self) -> Keeper {
        self.0.keeper.clone()
    }

    /// The exit code of the signal that was received, if one was.
    pub(crate) fn exit_code(&self) -> Option<ExitCode> {
        Some(self.0.received.load(Ordering::SeqCst)).filter(|code| *code != 0).map(ExitCode::from)
    }

    /// Whether a command that runs under a lock gets the signals from now on.
    pub(crate) fn pass_on(&self, passed_on: bool) {
        self.0.passed_on.store(passed_on, Ordering::SeqCst);
    }

    fn announcement(&self) -> String {
        let keeper = &self.0.keeper;
        let quoted =
            |urls: Vec<String>| urls.iter().map(|url| format!("`{url}`")).collect::<Vec<_>>().join(", ");
        let writing = keeper.writing();
        let what = if writing.is_empty() {
            let urls = keeper.held().into_iter().map(|lock| lock.url).collect();
            format!("releasing the lock of {}", quoted(urls))
        } else {
            format!("the write of {} comes to its end first", quoted(writing))
        };
        format!("interrupted: {what}; a second Ctrl-C leaves at once")
    }

    /// What a second signal leaves behind.
    fn left_behind(&self) -> Error {
        let keeper = &self.0.keeper;
        let mut error =
            Error::new(ErrorKind::Interrupted, "interrupted again; left at once, without a clean end");
        for url in keeper.writing() {
            error = error.fact("unknown", format!("whether `{url}` was written"));
        }
        let held = keeper.held();
        for lock in &held {
            let label = if lock.places.is_empty() { "may be locked" } else { "left locked" };
            error = error.fact(label, format!("`{}`, ID {}, {}", lock.url, lock.id, lock.operation));
            error = lock.places.iter().fold(error, |error, place| error.fact("kept in", place.clone()));
        }
        let commands: Vec<_> = held.iter().map(|lock| format!("`{}`", self.unlock(lock))).collect();
        if commands.is_empty() { error } else { error.hint(format!("to unlock: {}", commands.join(", "))) }
    }

    fn unlock(&self, lock: &HeldLock) -> String {
        let workspace = match lock.workspace.as_str() {
            "default" => String::new(),
            name => format!("TF_WORKSPACE='{name}' "),
        };
        format!("{workspace}s3tate force-unlock{} -force {}", self.0.options, lock.id)
    }
}

#[expect(clippy::exit, reason = "the command's thread may wait for a store that doesn't answer")]
fn leave(code: u8) {
    std::process::exit(code.into());
}
