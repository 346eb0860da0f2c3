//! The library's one public error: a kind to decide by, a message to read, facts and a hint.

use std::borrow::Cow;
use std::fmt;

use crate::problem::Problem;

/// Result of the library's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller does next; exit codes and HTTP statuses are derived from it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody else holds the lock: wait, or break it knowingly.
    Locked,
    /// The stored state moved since it was read: read again and redo; nothing was written.
    Conflict,
    /// A write may or may not have happened, or only in part: look before anything else.
    Unknown,
    /// No such state, workspace, output or lock.
    NotFound,
    /// Credentials or policy refuse; nothing was written.
    Denied,
    /// The store can't be reached or lacks the bucket or table; nothing was written.
    Unavailable,
    /// What is stored contradicts itself: stop and compare versions.
    Corrupt,
    /// An argument, a file or a configuration is wrong.
    Invalid,
    /// A stop was asked for: nothing more was written.
    Interrupted,
    /// A mistake of s3tate's own: report it.
    Bug,
}

impl ErrorKind {
    /// The exit code of the command line.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Locked => 3,
            Self::Conflict => 4,
            Self::Unknown => 5,
            Self::NotFound | Self::Denied | Self::Unavailable | Self::Corrupt => 1,
            Self::Invalid => 2,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What failed, on which object, how things stand now; then facts, one a line, and a command to paste.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    facts: Vec<(Cow<'static, str>, String)>,
    hint: Option<String>,
    source: Option<Source>,
    problems: Vec<Problem>,
}

impl Error {
    /// Makes an error; `message` names the object and says how things stand now.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            facts: Vec::new(),
            hint: None,
            source: None,
            problems: Vec::new(),
        }))
    }

    /// Shorthand for an [`ErrorKind::Invalid`] error.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Adds a fact, printed as `label: value` on a line of its own.
    #[must_use]
    pub fn fact(mut self, label: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.0.facts.push((label.into(), value.into()));
        self
    }

    /// Adds what to do next, with a command to paste.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Lets the commands to paste that are about a state name this workspace, for callers in another one.
    #[must_use]
    pub(crate) fn in_workspace(mut self, workspace: &str) -> Self {
        let named = |text: &str| {
            ["doctor", "force-unlock", "lock", "state"].iter().fold(text.to_owned(), |text, verb| {
                text.replace(
                    &format!("`s3tate {verb} "),
                    &format!("`TF_WORKSPACE='{workspace}' s3tate {verb} "),
                )
            })
        };
        self.0.hint = self.0.hint.as_deref().map(named);
        self.0.facts.iter_mut().for_each(|(_, value)| *value = named(value));
        self
    }

    /// Adds the cause; the message must not repeat it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds the problems that this error is about.
    #[must_use]
    pub(crate) fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.0.problems = problems;
        self
    }

    /// The problems of a configuration, each with its place; empty for errors of other kinds.
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// What a caller does next.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Facts in the order they were added: label and value.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.facts.iter().map(|(label, value)| (label.as_ref(), value.as_str()))
    }

    /// What to do next, where something can be said.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
