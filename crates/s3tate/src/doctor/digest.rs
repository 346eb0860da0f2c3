//! Object, recorded digest and version history held against each other: what happened, and how that is known.

use super::commands::Commands;
use super::finding::{Finding, FindingKind};
use super::fix::Fix;
use crate::digest::StateDigest;
use crate::digest_item::RecordedDigest;
use crate::read::Snapshot;
use crate::state::{self, Header, StateError};
use crate::versions::{Version, Versions};

/// Everything that bears on one state.
#[derive(Debug)]
pub(super) struct Case<'a> {
    /// The state's URL.
    pub(super) url: String,
    /// Where its digest is recorded.
    pub(super) place: String,
    pub(super) object: &'a Snapshot,
    /// What is recorded; `None` where there is no table.
    pub(super) recorded: Option<&'a RecordedDigest>,
    /// The versions that are kept, or why they can't be listed.
    pub(super) versions: Result<&'a Versions, String>,
    pub(super) commands: &'a Commands,
    /// Whether somebody holds a lock, and so may be writing.
    pub(super) locked: bool,
}

/// What was found, and the repair of it where it is proven what was meant to be.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) findings: Vec<Finding>,
    pub(super) fix: Option<Fix>,
}

impl From<Finding> for Judged {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding], fix: None }
    }
}

impl Case<'_> {
    /// Whether the version history has something to say.
    pub(super) fn is_puzzling(&self) -> bool {
        let disagree = match self.recorded {
            Some(RecordedDigest::Digest(digest)) => self.object.digest != Some(*digest),
            _ => false,
        };
        disagree || self.damage().is_some()
    }

    pub(super) fn judge(&self) -> Judged {
        let Some(recorded) = self.recorded else {
            return self
                .damage()
                .unwrap_or_else(|| self.sound("no table is configured: none is recorded"))
                .into();
        };
        match recorded {
            RecordedDigest::Digest(recorded) if self.object.digest == Some(*recorded) => {
                self.damage().unwrap_or_else(|| self.sound("the recorded digest is the state's")).into()
            }
            RecordedDigest::Digest(recorded) => match self.object.digest {
                Some(digest) => self.mismatch(digest, *recorded),
                None => self.without_object(*recorded).into(),
            },
            RecordedDigest::Malformed(text) => self.malformed(text).into(),
            RecordedDigest::Nothing => match self.object.digest {
                Some(digest) => self.damage().unwrap_or_else(|| self.unrecorded(digest)).into(),
                None => self.sound("none is recorded, as there is no state").into(),
            },
        }
    }

    fn sound(&self, digest: &str) -> Finding {
        let summary = match &self.object.bytes {
            Some(bytes) => format!("`{}` can be read: {}", self.url, contents(bytes)),
            None if self.object.etag.is_some() => format!("`{}` is empty, which means no state", self.url),
            None => format!("there is no state at `{}`", self.url),
        };
        let finding = Finding::ok(FindingKind::State, summary).fact("digest", digest);
        match self.object.digest {
            Some(_) => finding.fact("object", self.object_fact()),
            None => finding,
        }
    }

    /// The object as such, whatever is recorded: its bytes are no state, or not those that its writer named.
    fn damage(&self) -> Option<Finding> {
        let bytes = self.object.bytes.as_ref()?;
        let digest = self.object.digest?;
        let written = self.object.metadata.digest.filter(|written| *written != digest);
        let error = unreadable(bytes);
        if written.is_none() && error.is_none() {
            return None;
        }
        let whole = self.whole_of(bytes);
        let kind = match (&error, written) {
            _ if whole.is_some() => FindingKind::ObjectTruncated,
            (Some(StateError::Syntax { .. }), _) if ends_early(bytes) => FindingKind::ObjectTruncated,
            (_, Some(_)) => FindingKind::ObjectAltered,
            _ => FindingKind::ObjectUnreadable,
        };
        let summary = match kind {
            FindingKind::ObjectTruncated => "the state ends early: it is not whole",
            FindingKind::ObjectAltered => {
                "the state's bytes are not those that its writer recorded with them"
            }
            _ => "the object is no state that any client can read",
        };
        let mut finding = Finding::problem(kind, summary).fact("object", self.object_fact());
        if let Some(written) = written {
            finding = finding.fact("written as", format!("md5 {written}, by its own metadata"));
        }
        if let Some(error) = error {
            finding = finding.fact("cause", error.to_string());
        }
        if let Some(whole) = whole {
            let share =
                format!("the first {} of the {} bytes of {}", bytes.len(), whole.size_bytes, whole.named());
            finding = finding.fact("evidence", share);
        }
        Some(self.with_recorded(finding))
    }

    /// The version of which the object is the beginning.
    fn whole_of(&self, bytes: &[u8]) -> Option<&Version> {
        let starts_so = |version: &&Version| {
            let whole = version.body.as_ref().map(|body| &body.bytes);
            whole.is_some_and(|whole| whole.len() > bytes.len() && whole.starts_with(bytes))
        };
        self.versions.as_ref().ok()?.earlier().find(starts_so)
    }

    /// What is recorded, and which version has it; with the way back to that version.
    fn with_recorded(&self, finding: Finding) -> Finding {
        let Some(RecordedDigest::Digest(recorded)) = self.recorded else {
            return finding
                .advice("look into the versions of the object, and restore one that is whole")
                .commands(
                    self.versions
                        .as_ref()
                        .ok()
                        .and_then(|versions| versions.earlier().find(|version| version.header().is_some()))
                        .map(|version| self.commands.restore(&version.id)),
                );
        };
        let finding = finding.fact("recorded", format!("md5 {recorded}, {}", self.place));
        let (label, found) = self.recorded_version(*recorded);
        match found {
            Some(version) if self.object.digest != Some(*recorded) => finding
                .fact(label, described(version))
                .advice("restore the recorded version, after which the digest fits again; what is there now stays as a version")
                .command(self.commands.restore(&version.id)),
            Some(version) => finding.fact(label, described(version)),
            None => finding
                .fact(label, self.no_version())
                .advice("look for a copy of the recorded state elsewhere, such as in backups, and push it with `-force`"),
        }
    }

    fn recorded_version(&self, recorded: StateDigest) -> (&'static str, Option<&Version>) {
        ("recorded version", self.versions.as_ref().ok().and_then(|versions| versions.earlier_with(recorded)))
    }

    fn no_version(&self) -> String {
        match &self.versions {
            Ok(_) => "no version that is still kept has it".to_owned(),
            Err(why) => format!("unknown: the versions can't be listed ({why})"),
        }
    }

    fn mismatch(&self, digest: StateDigest, recorded: StateDigest) -> Judged {
        // A copy of an earlier version carries its metadata along, and is no successor.
        let was_here_before =
            self.versions.as_ref().is_ok_and(|versions| versions.earlier_with(digest).is_some());
        if self.object.succeeds(recorded) && !was_here_before {
            return self.successor(digest, recorded);
        }
        let finding = self.damage().unwrap_or_else(|| self.replaced(digest, recorded));
        let finding = if self.locked {
            finding
                .fact("note", "a lock is held: its holder may be between object and digest; look again later")
        } else {
            finding
        };
        finding.into()
    }

    fn successor(&self, digest: StateDigest, recorded: StateDigest) -> Judged {
        let finding = Finding::problem(
            FindingKind::DigestBehind,
            "a write stopped after the object and before its digest; the object is provably the successor",
        )
        .facts([
            ("object", self.object_fact()),
            ("replaced", format!("md5 {recorded}, by the object's own metadata")),
            ("recorded", format!("md5 {recorded}, {}", self.place)),
            ("so", "every client refuses to read the state until the digest is recorded".to_owned()),
        ])
        .advice("`-fix` records it under lock; the next write of s3tate's does so, too")
        .command("s3tate doctor -fix")
        .fixable();
        let fix = Fix { digest, recorded, etag: self.object.etag.clone() };
        Judged { findings: vec![finding], fix: Some(fix) }
    }

    /// The object is a whole state, and another one than is recorded.
    fn replaced(&self, digest: StateDigest, recorded: StateDigest) -> Finding {
        let versions = self.versions.as_ref().ok();
        let (label, recorded_version) = self.recorded_version(recorded);
        let ours = self.header();
        let theirs = recorded_version.and_then(Version::header);
        let same_bytes = versions.and_then(|versions| versions.earlier_with(digest));
        let is_foreign = match (&ours, &theirs) {
            (Some(ours), Some(theirs)) => unrelated(ours, theirs),
            (Some(ours), None) => versions.is_some_and(|versions| is_new_here(ours, versions)),
            _ => false,
        };
        let is_older = same_bytes.is_some()
            || matches!((&ours, &theirs), (Some(ours), Some(theirs)) if ours.serial < theirs.serial);
        let (kind, summary) = if is_foreign {
            (FindingKind::ObjectForeign, "the object is a state of another lineage")
        } else if is_older {
            (FindingKind::ObjectOlder, "an older state was put over the recorded one")
        } else {
            (FindingKind::ObjectReplaced, "the object was replaced without its digest")
        };
        let mut finding = Finding::problem(kind, summary)
            .fact("object", self.object_fact())
            .fact("recorded", format!("md5 {recorded}, {}", self.place));
        finding = match recorded_version {
            Some(version) => finding.fact(label, described(version)),
            None => finding.fact(label, self.no_version()),
        };
        if let Some(same) = same_bytes {
            finding = finding.fact("same bytes", described(same));
        }
        if kind == FindingKind::ObjectReplaced {
            finding = finding.fact("cause", self.likely_cause(ours.as_ref(), theirs.as_ref()));
        }
        let keep = self.commands.set_digest(digest, Some(recorded));
        finding
            .advice("decide which of the two states is the right one: the first command goes back to the recorded one, the last keeps what is there")
            .commands(recorded_version.map(|version| self.commands.restore(&version.id)))
            .commands(self.object.version_id.as_ref().map(|version| self.commands.fetch(version)))
            .command(keep)
    }

    fn likely_cause(&self, ours: Option<&Header>, theirs: Option<&Header>) -> String {
        match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours.serial > theirs.serial => format!(
                "probably a newer write (serial {} over {}) by a client that has no table configured, or whose put of \
                 the digest failed; nothing proves it",
                ours.serial, theirs.serial
            ),
            _ if self.object.metadata.parent.is_some() => {
                "the object's metadata names another predecessor than the recorded one".to_owned()
            }
            _ => "unknown: nothing tells which of the two is newer".to_owned(),
        }
    }

    /// A digest, and no object or an empty one.
    fn without_object(&self, recorded: StateDigest) -> Finding {
        let evidence = [
            ("recorded", format!("md5 {recorded}, {}", self.place)),
            (
                "so",
                "every client with the table configured fails, and a new state can't be made here".to_owned(),
            ),
        ];
        let (label, version) = self.recorded_version(recorded);
        let removal = self.commands.remove_digest(recorded);
        let with_version = |finding: Finding| match version {
            Some(version) => finding.fact(label, described(version)),
            None => finding.fact(label, self.no_version()),
        };
        if self.object.etag.is_some() {
            let finding =
                Finding::problem(FindingKind::ObjectEmpty, "the object is empty while a digest is recorded");
            return with_version(finding.facts(evidence))
                .advice(
                    "the first command goes back to the recorded state; the last agrees that there is none",
                )
                .commands(version.map(|version| self.commands.restore(&version.id)))
                .command(removal);
        }
        if let Ok(versions) = &self.versions
            && let Some(marker) = versions.latest().filter(|top| top.deleted)
        {
            let hidden = versions.all.get(1).filter(|hidden| hidden.digest == Some(recorded));
            let back = match hidden {
                Some(_) => Some(self.commands.undelete(&marker.id)),
                None => version.map(|version| self.commands.restore(&version.id)),
            };
            let finding = Finding::problem(
                FindingKind::ObjectDeleted,
                "the object was deleted while its digest is still recorded",
            )
            .fact("deleted", format!("delete marker, {}", marker.named()));
            return with_version(finding.facts(evidence))
                .advice(match back {
                    Some(_) => {
                        "the first command brings the recorded state back; the last agrees that it is gone"
                    }
                    None => {
                        "look for a copy of the recorded state in backups; the command agrees that it is gone"
                    }
                })
                .commands(back)
                .command(removal);
        }
        let (kind, summary) = match &self.versions {
            Ok(_) => (
                FindingKind::DigestOrphan,
                "a digest is recorded, and there is neither an object nor a version of one",
            ),
            Err(_) => (FindingKind::ObjectDeleted, "there is no object while its digest is still recorded"),
        };
        with_version(Finding::problem(kind, summary).facts(evidence))
            .advice("if the state is to be empty, remove the digest; else look for the bucket or key that it belongs to")
            .command(removal)
    }

    fn malformed(&self, text: &str) -> Finding {
        let finding = Finding::problem(FindingKind::DigestMalformed, "what is recorded is no digest")
            .fact("recorded", format!("{text}, {}", self.place))
            .fact(
                "so",
                "clients skip the check of integrity: a torn or old state would be taken for the right one",
            );
        match self.object.digest {
            Some(digest) => finding
                .fact("object", self.object_fact())
                .advice("make sure that the object is the right state, then record its digest")
                .command(self.commands.replace_digest(digest)),
            None => {
                finding.advice("there is no state: remove the item").command(self.commands.delete_digest())
            }
        }
    }

    fn unrecorded(&self, digest: StateDigest) -> Finding {
        Finding::warning(FindingKind::DigestMissing, "there is a state and no digest of it")
            .fact("object", self.object_fact())
            .fact("item", self.place.clone())
            .fact("so", "clients skip the check of integrity until the next write records one")
            .advice(
                "make sure that the object is the right state, then record its digest, or write the state",
            )
            .command(self.commands.set_digest(digest, None))
    }

    fn header(&self) -> Option<Header> {
        Header::parse(self.object.bytes.as_ref()?).ok().flatten()
    }

    fn object_fact(&self) -> String {
        let digest =
            self.object.digest.map_or_else(|| "nothing".to_owned(), |digest| format!("md5 {digest}"));
        let what = self.object.bytes.as_ref().map(|bytes| contents(bytes)).unwrap_or_default();
        match &self.object.version_id {
            Some(version) => format!("{digest}, {what}, version {version}"),
            None => format!("{digest}, {what}"),
        }
    }
}

/// A version with what is known of its content.
fn described(version: &Version) -> String {
    let mut text = version.named();
    if let Some(body) = &version.body {
        text = format!("{text}, {}", contents(&body.bytes));
    }
    text
}

/// What bytes hold, without any of it.
fn contents(bytes: &[u8]) -> String {
    let size = format!("{} bytes", bytes.len());
    match Header::parse(bytes) {
        Ok(Some(header)) if !header.lineage.is_empty() => {
            format!("serial {}, lineage {}, {size}", header.serial, header.lineage)
        }
        Ok(Some(header)) => format!("serial {}, {size}", header.serial),
        Ok(None) => "empty".to_owned(),
        Err(_) if state::is_encrypted(bytes) => format!("encrypted by OpenTofu, {size}"),
        Err(_) => size,
    }
}

/// Why bytes are no state; what OpenTofu encrypted is one.
fn unreadable(bytes: &[u8]) -> Option<StateError> {
    Header::parse(bytes).err().filter(|_| !state::is_encrypted(bytes))
}

/// Whether JSON stops before its end, as opposed to being none.
fn ends_early(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_err_and(|error| error.is_eof())
}

fn unrelated(ours: &Header, theirs: &Header) -> bool {
    !ours.lineage.is_empty() && !theirs.lineage.is_empty() && ours.lineage != theirs.lineage
}

/// Whether earlier versions are known to be states, all of them of other lineages.
fn is_new_here(ours: &Header, versions: &Versions) -> bool {
    let mut lineages = versions.earlier().filter_map(Version::header).peekable();
    lineages.peek().is_some() && lineages.all(|theirs| unrelated(ours, &theirs))
}

#[cfg(test)]
#[path = "digest_tests.rs"]
mod tests;
