//! One finding: what it is about, how bad it is, the evidence, and what to do about it.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::Behaviour;
use crate::bootstrap::Subject;
use crate::error::Error;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Something protects less than it could; nothing is wrong now.
    Warning,
    /// Something is wrong.
    Problem,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// What a finding is about; the words are part of the JSON format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FindingKind {
            $($(#[$doc])* $name,)+
            /// A setting of bucket or table.
            Setting(Subject),
            /// How the store behaved in the probe.
            Store(Behaviour),
        }

        impl FindingKind {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Setting(subject) => subject.as_str(),
                    Self::Store(behaviour) => behaviour.as_str(),
                }
            }
        }
    };
}

kinds! {
    /// Whose the credentials are.
    Identity = "identity",
    /// Something could not be looked at.
    Access = "access",
    /// Whether the workspaces can be listed.
    Listing = "listing",
    /// Whether bucket and table could be described.
    Settings = "settings",
    /// There is a state that can be read, or none yet.
    State = "state",
    /// The recorded digest is the state's, or none is needed.
    Digest = "digest",
    /// The recorded digest is that of the state that this one provably replaced.
    DigestBehind = "digest-behind",
    /// There is a state and no digest.
    DigestMissing = "digest-missing",
    /// The item holds no digest that any client would look at.
    DigestMalformed = "digest-malformed",
    /// There is a digest, and never was an object.
    DigestOrphan = "digest-orphan",
    /// The object was deleted while its digest is still recorded.
    ObjectDeleted = "object-deleted",
    /// The object holds nothing while a digest is recorded.
    ObjectEmpty = "object-empty",
    /// The object ends early.
    ObjectTruncated = "object-truncated",
    /// The object's bytes are not those that its writer recorded with it.
    ObjectAltered = "object-altered",
    /// The object is no state.
    ObjectUnreadable = "object-unreadable",
    /// An older version was copied over the recorded one.
    ObjectOlder = "object-older",
    /// The object is a state of another lineage.
    ObjectForeign = "object-foreign",
    /// The object was replaced without its digest.
    ObjectReplaced = "object-replaced",
    /// Nobody holds the lock.
    LockFree = "lock-free",
    /// Somebody holds the lock.
    LockHeld = "lock-held",
    /// A lock that has been held for more than a day.
    LockOld = "lock-old",
    /// A lock record that can't be read.
    LockUnreadable = "lock-unreadable",
    /// Two kinds of locks are configured, and they don't agree.
    LockHalf = "lock-half",
    /// A lock of a kind that this configuration doesn't use.
    LockForeign = "lock-foreign",
    /// Nothing excludes other writers.
    NoLocks = "no-locks",
    /// The key is another state's lock or digest.
    KeyCollision = "key-collision",
    /// Whether the probe could be made, and left nothing behind.
    Probe = "probe",
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it says something of.
    pub label: Cow<'static, str>,
    /// What it says.
    pub value: String,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// How bad it is.
    pub severity: Severity,
    /// In one line.
    pub summary: String,
    /// The evidence.
    pub facts: Vec<Fact>,
    /// What to do, in words.
    pub advice: Option<String>,
    /// What to run, after thinking about it. Nothing of it was run.
    pub commands: Vec<String>,
    /// Whether `-fix` repairs it, since it is proven what was meant to be.
    pub fixable: bool,
    /// Whether it was repaired in this run.
    pub fixed: bool,
}

impl Finding {
    pub(super) fn new(kind: FindingKind, severity: Severity, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        let (facts, commands) = (Vec::new(), Vec::new());
        Self { kind, severity, summary, facts, advice: None, commands, fixable: false, fixed: false }
    }

    pub(super) fn ok(kind: FindingKind, summary: impl Into<String>) -> Self {
        Self::new(kind, Severity::Ok, summary)
    }

    pub(super) fn note(kind: FindingKind, summary: impl Into<String>) -> Self {
        Self::new(kind, Severity::Note, summary)
    }

    pub(super) fn warning(kind: FindingKind, summary: impl Into<String>) -> Self {
        Self::new(kind, Severity::Warning, summary)
    }

    pub(super) fn problem(kind: FindingKind, summary: impl Into<String>) -> Self {
        Self::new(kind, Severity::Problem, summary)
    }

    /// What an error says, as evidence.
    pub(super) fn of_error(kind: FindingKind, severity: Severity, error: &Error) -> Self {
        let finding = Self::new(kind, severity, error.to_string());
        let facts = error.facts().map(|(label, value)| (label.to_owned(), value.to_owned()));
        let finding = facts.fold(finding, |finding, (label, value)| finding.fact(label, value));
        match error.hint_text() {
            Some(hint) => finding.advice(hint),
            None => finding,
        }
    }

    pub(super) fn fact(mut self, label: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.facts.push(Fact { label: label.into(), value: value.into() });
        self
    }

    pub(super) fn facts(self, facts: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        facts.into_iter().fold(self, |finding, (label, value)| finding.fact(label, value))
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    pub(super) fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    pub(super) fn commands(mut self, commands: impl IntoIterator<Item = String>) -> Self {
        self.commands.extend(commands);
        self
    }

    pub(super) fn fixable(mut self) -> Self {
        self.fixable = true;
        self
    }

    /// Whether it still asks for something to be done.
    pub fn is_open(&self) -> bool {
        self.severity == Severity::Problem && !self.fixed
    }
}
