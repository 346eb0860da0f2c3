//! The journal of a migration, and what it says about a run before this one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::rule::Before;
use crate::lock::LockInfo;

/// One end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    Source,
    Destination,
}

/// What is about to happen, or has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A run begins.
    Begun {
        time: String,
        who: String,
        from: String,
        to: String,
        delete_source: bool,
        workspaces: Vec<String>,
    },
    /// A lock is about to be asked for, by this record.
    Locking { workspace: String, side: Side, state: String, record: LockInfo },
    /// What is about to be replaced is kept there.
    Kept { workspace: String, copy: String },
    /// The destination is about to be written.
    Writing { workspace: String, md5: String, serial: u64, lineage: String },
    /// The destination holds it, by what was read back.
    Verified { workspace: String, md5: String, serial: u64, lineage: String },
    /// Nothing of this workspace is locked any more.
    Released { workspace: String },
    /// The source is about to be deleted.
    Retiring { workspace: String },
    /// The source is gone.
    Retired { workspace: String },
    /// All is done.
    Done { time: String },
}

/// What an unfinished run has come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// Whether there is one.
    pub(super) begun: bool,
    pub(super) workspaces: BTreeSet<String>,
    /// MD5s of what was verified.
    pub(super) verified: BTreeMap<String, String>,
    pub(super) retired: BTreeSet<String>,
    writing: BTreeSet<String>,
    locks: BTreeMap<(String, Side), LockInfo>,
}

impl Progress {
    /// Reads a journal; what was done in full is of the past.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut progress = Self::default();
        for entry in entries {
            progress.add(entry);
        }
        progress
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        match entry.clone() {
            Entry::Begun { workspaces, .. } => {
                self.begun = true;
                self.workspaces.extend(workspaces);
            }
            Entry::Locking { workspace, side, record, .. } => {
                self.locks.insert((workspace, side), record);
            }
            Entry::Kept { .. } | Entry::Retiring { .. } => {}
            Entry::Writing { workspace, .. } => drop(self.writing.insert(workspace)),
            Entry::Verified { workspace, md5, .. } => {
                self.writing.remove(&workspace);
                self.verified.insert(workspace, md5);
            }
            Entry::Released { workspace } => self.locks.retain(|(of, _), _| *of != workspace),
            Entry::Retired { workspace } => drop(self.retired.insert(workspace)),
            Entry::Done { .. } => *self = Self::default(),
        }
    }

    /// The record of a lock that may still be held.
    pub(super) fn lock(&self, workspace: &str, side: Side) -> Option<&LockInfo> {
        self.locks.get(&(workspace.to_owned(), side))
    }

    /// Whether anything of a workspace may still be locked.
    pub(super) fn is_locked(&self, workspace: &str) -> bool {
        self.locks.keys().any(|(of, _)| of == workspace)
    }

    /// Whether the destination may be written in part.
    pub(super) fn before(&self, workspace: &str) -> Before {
        if self.writing.contains(workspace) { Before::Writing } else { Before::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(side: Side) -> Entry {
        let record = LockInfo { id: "i".into(), ..LockInfo::default() };
        Entry::Locking { workspace: "w".into(), side, state: "s".into(), record }
    }

    #[test]
    fn a_journal_tells_what_is_left() {
        let writing =
            Entry::Writing { workspace: "w".into(), md5: "m".into(), serial: 1, lineage: "l".into() };
        let progress = Progress::of(&[lock(Side::Source), lock(Side::Destination), writing]);
        assert!(progress.is_locked("w") && !progress.is_locked("v"));
        assert_eq!(progress.lock("w", Side::Source).unwrap().id, "i");
        assert_eq!((progress.before("w"), progress.before("v")), (Before::Writing, Before::Nothing));
    }

    #[test]
    fn what_is_done_in_full_is_of_the_past() {
        let verified =
            Entry::Verified { workspace: "w".into(), md5: "m".into(), serial: 1, lineage: "l".into() };
        let mut entries = vec![lock(Side::Source), verified, Entry::Released { workspace: "w".into() }];
        assert!(!Progress::of(&entries).is_locked("w"));
        assert_eq!(Progress::of(&entries).verified.len(), 1);
        entries.push(Entry::Done { time: String::new() });
        assert!(Progress::of(&entries).verified.is_empty());
    }

    #[test]
    fn lines_are_read_back_as_they_are_written() {
        let line = serde_json::to_string(&lock(Side::Destination)).unwrap();
        assert!(line.starts_with(r#"{"step":"locking","workspace":"w","side":"destination""#), "{line}");
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), lock(Side::Destination));
    }
}
