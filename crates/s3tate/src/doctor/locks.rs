//! Who holds locks, for how long, and whether the two kinds agree.

use jiff::Timestamp;

use super::finding::{Finding, FindingKind, Severity};
use super::look::Seen;
use crate::error::Result;
use crate::lock::{Holder, LockKind};
use crate::workspace::Workspace;

/// A lock that is held for longer was probably left behind.
const OLD_SECONDS: i64 = 24 * 60 * 60;

pub(super) fn judge(workspace: &Workspace, seen: &Seen) -> Vec<Finding> {
    let config = &workspace.backend.config;
    let mut findings = Vec::new();
    let object = found(&mut findings, &seen.lock_object);
    let item = seen.lock_item.as_ref().and_then(|look| found(&mut findings, look));
    let complete = findings.is_empty();
    for holder in [object, item].into_iter().flatten() {
        // Judged with the keys.
        let is_digest = holder.kind == LockKind::DynamoDb && workspace.key.as_str().ends_with("-md5");
        if !(is_digest && holder.record.is_none()) {
            findings.push(held(holder, seen.now));
        }
    }
    if object.is_some() && !config.use_lockfile {
        findings.push(foreign());
    }
    if complete && config.use_lockfile && config.table.is_some() {
        findings.extend(halves(object, item));
    }
    if findings.is_empty() && config.locks() {
        findings.push(Finding::ok(FindingKind::LockFree, "nobody holds the lock"));
    }
    findings
}

fn found<'a>(findings: &mut Vec<Finding>, look: &'a Result<Option<Holder>>) -> Option<&'a Holder> {
    match look {
        Ok(holder) => holder.as_ref(),
        Err(error) => {
            findings.push(Finding::of_error(FindingKind::Access, Severity::Warning, error));
            None
        }
    }
}

fn held(holder: &Holder, now: Timestamp) -> Finding {
    let Some(info) = &holder.info else {
        return Finding::problem(FindingKind::LockUnreadable, "a lock record can't be read")
            .fact("kept in", holder.place.clone())
            .fact("record", holder.record.clone().unwrap_or_else(|| "none".to_owned()))
            .fact("so", "whose it is can't be told, and stock clients can't remove it")
            .advice("make sure that nothing is running on this state, then see how to remove it")
            .command("s3tate lock show");
    };
    let age = info.created_at().map(|created| now.duration_since(created).as_secs());
    let old = age.is_none_or(|age| age > OLD_SECONDS);
    let finding = if old {
        let summary =
            "the lock has been held for more than a day; whether its holder still lives can't be told";
        Finding::problem(FindingKind::LockOld, summary)
            .advice("if the run of that holder is over, remove its lock; nothing else waits for it")
            .command(format!("s3tate force-unlock {}", info.id))
    } else {
        Finding::note(FindingKind::LockHeld, "the lock is held")
    };
    finding
        .fact("held by", info.describe(now))
        .fact("operation", info.operation.clone())
        .fact("lock id", info.id.clone())
        .fact("kept in", holder.place.clone())
}

fn foreign() -> Finding {
    Finding::warning(
        FindingKind::LockForeign,
        "there is a lock object, although this configuration doesn't use lock objects",
    )
    .fact("so", "whoever made it and this configuration don't exclude each other")
    .advice("let all configurations of this state use both kinds, `use_lockfile` and `dynamodb_table`")
}

fn halves(object: Option<&Holder>, item: Option<&Holder>) -> Option<Finding> {
    let id = |holder: Option<&Holder>| holder?.info.as_ref().map(|info| info.id.clone());
    let shown = |holder: Option<&Holder>| match holder {
        None => "free".to_owned(),
        Some(holder) => holder.to_string(),
    };
    if object.is_some() == item.is_some() && id(object) == id(item) {
        return None;
    }
    let summary = "the two kinds of locks don't agree on who holds them";
    Some(
        Finding::warning(FindingKind::LockHalf, summary)
            .fact("lock object", shown(object))
            .fact("lock item", shown(item))
            .fact(
                "so",
                "its holder uses one kind only, is about to take or release the other, or died between",
            )
            .advice("look again; one that stays was left behind, and is removed by its ID"),
    )
}
