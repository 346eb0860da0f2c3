//! The only place that writes: data to standard output, all else to standard error.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use s3tate::lock::Waiting;
use s3tate::{Env, Error, ErrorKind, Result};

/// Writes the asked-for data.
///
/// # Errors
/// Standard output can't be written; a reader that has seen enough is no error.
pub(crate) fn data(text: impl AsRef<[u8]>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(cause) => {
            Err(Error::new(ErrorKind::Unavailable, "can't write to standard output").with_source(cause))
        }
    }
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
    say(&render(error));
    ExitCode::from(error.kind().exit_code())
}

/// First line: what failed and how things stand; then facts, one a line; after a blank line what to do next.
fn render(error: &Error) -> String {
    let mut text = format!("error: {error}");
    let mut facts: Vec<(&str, String)> =
        error.facts().map(|(label, value)| (label, value.to_owned())).collect();
    let mut source = error.source();
    while let Some(cause) = source {
        facts.push(("cause", cause.to_string()));
        source = cause.source();
    }
    let width = facts.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default() + 1;
    for (label, value) in facts {
        let label = format!("{label}:");
        // Writing to a `String` can't fail.
        let _ = write!(text, "\n  {label:width$} {value}");
    }
    if let Some(hint) = error.hint_text() {
        text.push_str("\n\nhint: ");
        text.push_str(hint);
    }
    text
}

/// Tells who holds the lock that is waited for.
pub(crate) fn waiting(waiting: &Waiting<'_>) {
    let left = waiting.left.as_secs_f64().ceil();
    say(&format!("waiting for the lock held by {}; giving up in {left} s", waiting.holder));
}

/// Asks a question that only `yes` confirms.
///
/// # Errors
/// [`ErrorKind::Invalid`]: there is nobody to answer.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    say(question);
    if std::io::stdin().is_terminal() {
        drop(write!(std::io::stderr().lock(), "Only 'yes' is accepted: "));
    }
    let mut answer = String::new();
    match std::io::stdin().read_line(&mut answer) {
        Ok(0) => Err(Error::invalid("nobody answered; nothing was done").hint("`-force` asks nothing")),
        Ok(_) => Ok(answer.trim() == "yes"),
        Err(cause) => Err(Error::invalid("can't read the answer; nothing was done").with_source(cause)),
    }
}

/// Sends the log to standard error if `S3TATE_LOG` says what of it, such as `s3tate=debug`.
pub(crate) fn start_logging(env: &Env) {
    let filter = env.var("S3TATE_LOG").unwrap_or("error,s3s=off");
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_laid_out_for_people() {
        let error = Error::new(ErrorKind::Locked, "`s3://b/k` is locked")
            .fact("held by", "dana")
            .fact("id", "x")
            .hint("wait")
            .with_source(std::io::Error::other("why"));
        assert_eq!(
            render(&error),
            "error: `s3://b/k` is locked\n  held by: dana\n  id:      x\n  cause:   why\n\nhint: wait"
        );
    }
}
