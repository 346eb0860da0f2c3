//! The only place that writes: data to standard output, all else to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use s3tate::lock::{Note, Waiting};
use s3tate::{Env, Error, ErrorKind, Result};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::context::Context;
use crate::report;
use crate::traces::Traces;

/// Writes the asked-for data.
///
/// # Errors
/// Standard output can't be written; a reader that has seen enough is no error.
pub(crate) fn data(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = Data::new();
    let written = out.write_all(text.as_ref());
    out.finish(written.map_err(not_written))
}

fn not_written(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "can't write to standard output").with_source(cause)
}

/// Standard output for data that comes piece by piece.
#[derive(Debug)]
pub(crate) struct Data {
    out: std::io::StdoutLock<'static>,
    enough: bool,
}

impl Data {
    pub(crate) fn new() -> Self {
        Self { out: std::io::stdout().lock(), enough: false }
    }

    /// What came of writing it: a reader that has seen enough, and went away, is no error.
    ///
    /// # Errors
    /// `written`'s, or what is left can't be written.
    pub(crate) fn finish(mut self, written: Result<()>) -> Result<()> {
        let finished = written.and_then(|()| self.flush().map_err(not_written));
        if self.enough { Ok(()) } else { finished }
    }

    fn note<T>(&mut self, result: std::io::Result<T>) -> std::io::Result<T> {
        self.enough |= matches!(&result, Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe);
        result
    }
}

impl std::io::Write for Data {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

/// Writes a line of data that comes piece by piece.
///
/// # Errors
/// Standard output can't be written.
pub(crate) fn line(data: &mut Data, text: &str) -> Result<()> {
    writeln!(data, "{text}").map_err(not_written)
}

/// Tells people something.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell when standard error is gone.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Warns people.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Prints an error and gives the exit code of its kind.
pub(crate) fn fail(error: &Error) -> ExitCode {
    say(&report::render(error));
    ExitCode::from(error.kind().exit_code())
}

/// Tells who holds the lock that is waited for.
pub(crate) fn waiting(waiting: &Waiting<'_>) {
    let holder = match &waiting.holder.info {
        Some(info) => format!("{}, {}, ID {}", info.describe(waiting.now), info.operation, info.id),
        None => waiting.holder.to_string(),
    };
    let left = waiting.left.as_secs_f64().ceil();
    say(&format!("waiting for the lock of `{}`, held by {holder}; giving up in {left} s", waiting.url));
}

/// Tells what became of locks that nobody waited for; `false` where one may still be held.
pub(crate) fn notes(notes: &[Note]) -> bool {
    for Note { lock, failure } in notes {
        match failure {
            None => say(&format!("released the lock of `{}` ({}, ID {})", lock.url, lock.operation, lock.id)),
            Some(error) => {
                warn(&format!("the lock of `{}` may still be held, ID {}", lock.url, lock.id));
                say(&report::render(error));
            }
        }
    }
    notes.iter().all(|note| note.failure.is_none())
}

/// Whether standard output is to be coloured: it is a terminal, and nobody minds.
pub(crate) fn colours(context: &Context) -> bool {
    context.may_colour() && std::io::stdout().is_terminal()
}

/// How far many like steps have come, shown on standard error where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress(indicatif::ProgressBar);

impl Progress {
    pub(crate) fn new(steps: usize) -> Self {
        // It draws nothing where standard error is no terminal.
        Self(indicatif::ProgressBar::new(steps as u64))
    }

    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// How far a walk over many states has come, shown on standard error where that is a terminal.
#[derive(Debug)]
pub(crate) struct Scan(indicatif::ProgressBar);

impl Scan {
    pub(crate) fn new() -> Self {
        // It draws nothing where standard error is no terminal.
        Self(indicatif::ProgressBar::new(0))
    }

    /// What the walk calls at each step.
    pub(crate) fn progress(&self) -> s3tate::catalog::Progress {
        let bar = self.0.clone();
        std::sync::Arc::new(move |scanned| {
            bar.set_length(scanned.listed);
            bar.set_position(scanned.done);
        })
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Asks a question that only `yes` confirms; `unasked` is the option that asks nothing.
///
/// # Errors
/// [`ErrorKind::Invalid`]: there is nobody to answer.
pub(crate) fn confirm(question: &str, unasked: &str) -> Result<bool> {
    say(question);
    if std::io::stdin().is_terminal() {
        drop(write!(std::io::stderr().lock(), "Only 'yes' is accepted: "));
    }
    let mut answer = String::new();
    match std::io::stdin().read_line(&mut answer) {
        Ok(0) => {
            Err(Error::invalid("nobody answered; nothing was done").hint(format!("`{unasked}` asks nothing")))
        }
        Ok(_) => Ok(answer.trim() == "yes"),
        Err(cause) => Err(Error::invalid("can't read the answer; nothing was done").with_source(cause)),
    }
}

/// Sends a provider's log to standard error, in the form that clients take in, and its panics so that they show them.
pub(crate) fn start_provider_logging(env: &Env) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(s3tate_provider::log::filter(env)))
        .event_format(s3tate_provider::log::Lines::new(env.clone()))
        .with_writer(std::io::stderr)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        say(&format!("panic: {panic}\n{backtrace}"));
    }));
}

/// Sends the log to standard error if `S3TATE_LOG` says what of it, such as `s3tate=debug`; what serves has spans, too.
///
/// # Errors
/// [`s3tate::ErrorKind::Invalid`]: spans can't be sent where they should go.
pub(crate) fn start_logging(env: &Env, serves: bool) -> Result<Option<Traces>> {
    let default = if serves { "error,s3s=off,s3tate_server=info" } else { "error,s3s=off" };
    let filter = EnvFilter::new(env.var("S3TATE_LOG").unwrap_or(default));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match env.var("S3TATE_LOG_FORMAT") {
        Some("json") => lines.json().flatten_event(true).with_filter(filter).boxed(),
        _ => lines.with_filter(filter).boxed(),
    };
    let traces = if serves { Traces::new(env) } else { Ok(None) };
    let spans = traces.as_ref().ok().and_then(Option::as_ref).map(Traces::layer);
    tracing_subscriber::registry().with(lines).with(spans).init();
    traces
}
