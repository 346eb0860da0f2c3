//! What a store has to do for locks to exclude and writes to lose nothing, and what it was seen to do.

use super::finding::{Finding, FindingKind, Severity};

/// Something that is relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// `If-None-Match: *` refuses to create what is there.
    CreateOnce,
    /// `If-Match` refuses to overwrite what has changed.
    StaleOverwrite,
    /// A delete marker is no object: a key can be created again.
    CreateOverMarker,
    /// `If-Match` refuses to delete what has changed.
    StaleDelete,
    /// A read finds the last write.
    ReadYourWrite,
    /// The entity tag is the MD5 of the bytes.
    Md5ETag,
    /// The table refuses to put over an item that is there.
    TablePut,
    /// The table refuses to delete an item that has changed.
    TableDelete,
}

impl Behaviour {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateOnce => "store-create-once",
            Self::StaleOverwrite => "store-stale-overwrite",
            Self::CreateOverMarker => "store-create-over-marker",
            Self::StaleDelete => "store-stale-delete",
            Self::ReadYourWrite => "store-read-your-write",
            Self::Md5ETag => "store-md5-etag",
            Self::TablePut => "table-conditional-put",
            Self::TableDelete => "table-conditional-delete",
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::CreateOnce => "creating twice (`If-None-Match: *`)",
            Self::StaleOverwrite => "overwriting what has changed (`If-Match`)",
            Self::CreateOverMarker => "creating over a delete marker",
            Self::StaleDelete => "deleting what has changed (`If-Match`)",
            Self::ReadYourWrite => "reading what was just written",
            Self::Md5ETag => "entity tags that are the MD5",
            Self::TablePut => "putting an item over another one",
            Self::TableDelete => "deleting an item that has changed",
        }
    }

    /// What follows where it is not so.
    fn consequence(self) -> &'static str {
        match self {
            Self::CreateOnce => {
                "two clients can hold the same lock object, and two first writers can overwrite each other; s3tate \
                 refuses `use_lockfile` here"
            }
            Self::StaleOverwrite => {
                "only the lock keeps writers from overwriting each other: a lock that is broken too early, or \
                 `-lock=false`, can lose a state"
            }
            Self::CreateOverMarker => {
                "what was once deleted can't be created again: a lock object serves once, and a workspace can't come back"
            }
            Self::StaleDelete => {
                "the release of a lock object that was broken and retaken at that moment would remove the new one"
            }
            Self::ReadYourWrite => {
                "a read may find an old state: writes on it are refused as conflicts, and digests seem wrong for a while"
            }
            Self::Md5ETag => "states are read whole to prove them where a digest is recorded",
            Self::TablePut => "two clients can hold the same lock item",
            Self::TableDelete => "the release of a lock that was broken and retaken would remove the new one",
        }
    }

    /// How bad it is where it is not so.
    fn severity(self) -> Severity {
        match self {
            Self::Md5ETag => Severity::Note,
            Self::StaleDelete | Self::TableDelete => Severity::Warning,
            _ => Severity::Problem,
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It is so.
    Honoured,
    /// The condition was ignored, or what is relied upon is not so.
    Ignored,
    /// The store refuses such requests; how it said so.
    Refused(String),
    /// The credentials may not try; what the store said.
    Denied(String),
    /// The store failed; how.
    Failed(String),
}

impl Observed {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Honoured } else { Self::Ignored }
    }

    /// The word for it, which is part of the JSON format.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::Ignored => "ignored",
            Self::Refused(_) => "refused",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
        }
    }
}

/// What an observation means.
pub(super) fn finding(behaviour: Behaviour, observed: &Observed) -> Finding {
    let kind = FindingKind::Store(behaviour);
    let what = behaviour.describe();
    let refused = match behaviour {
        // What s3tate then does as stock clients do: read, compare, delete.
        Behaviour::StaleDelete => Severity::Note,
        _ => Severity::Problem,
    };
    let finding = match observed {
        Observed::Honoured => Finding::ok(kind, format!("{what}: as it should be")),
        Observed::Ignored => Finding::new(kind, behaviour.severity(), format!("{what}: not as it should be"))
            .fact("so", behaviour.consequence()),
        Observed::Refused(answer) => {
            Finding::new(kind, refused, format!("{what}: the store refuses the request"))
                .fact("answer", answer.clone())
                .fact("so", refusal(behaviour))
        }
        Observed::Denied(answer) => Finding::note(kind, format!("{what}: not for these credentials to try"))
            .fact("answer", answer.clone()),
        Observed::Failed(answer) => {
            Finding::warning(kind, format!("{what}: could not be tried")).fact("answer", answer.clone())
        }
    };
    finding.fact("behaviour", observed.as_str())
}

fn refusal(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::CreateOnce | Behaviour::StaleOverwrite => {
            "s3tate writes nothing without a condition, so no state can be written here"
        }
        Behaviour::StaleDelete => "lock objects are released as stock clients do: read, compare, delete",
        other => other.consequence(),
    }
}
