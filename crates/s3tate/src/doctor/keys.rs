//! Keys that mean two things at once: a state's lock object and digest item are named after the state.

use super::finding::{Finding, FindingKind};
use super::look::Seen;
use crate::workspace::Workspace;

pub(super) fn judge(workspace: &Workspace, seen: &Seen) -> Vec<Finding> {
    let key = workspace.key.as_str();
    let table = workspace.backend.config.table.is_some();
    let mut findings = Vec::new();
    if let Some(other) = key.strip_suffix(".tflock") {
        findings.push(
            Finding::problem(
                FindingKind::KeyCollision,
                format!("the state's key is that of the lock object of `{other}`"),
            )
            .fact(
                "so",
                "whoever locks that state with `use_lockfile` meets this one, and the other way round",
            )
            .advice("move the state to a key with another end"),
        );
    }
    if let Some(other) = key.strip_suffix("-md5").filter(|_| table) {
        findings.push(md5_key(seen, other));
    }
    let named = |end: &str| format!("{key}{end}");
    if let Ok(versions) = &seen.versions {
        let taken = named("-md5");
        if table && versions.siblings.contains(&taken) {
            findings.push(
                Finding::problem(
                    FindingKind::KeyCollision,
                    format!("there is a state at `{taken}`, whose lock is the digest of this one"),
                )
                .fact("so", "that state can't be locked while this one has a digest")
                .advice("move that state to a key with another end"),
            );
        }
    }
    findings
}

fn md5_key(seen: &Seen, other: &str) -> Finding {
    let summary = format!("the state's lock item is the digest of `{other}`");
    let finding = if seen.digest_as_lock {
        Finding::problem(FindingKind::KeyCollision, summary)
            .fact("so", "the item is there for good, without a lock record: this state can never be locked")
    } else {
        Finding::warning(FindingKind::KeyCollision, summary)
            .fact("so", "this state can't be locked any more once that one has a digest")
    };
    finding.advice("move the state to a key with another end, or its locks to another table")
}
