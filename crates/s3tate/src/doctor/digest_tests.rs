use bytes::Bytes;
use jiff::Timestamp;

use super::super::finding::Severity;
use super::*;
use crate::names::{ETag, VersionId};
use crate::object::{Body, Facts, Metadata};

fn state(serial: u64, lineage: &str) -> Vec<u8> {
    format!(r#"{{"version":4,"terraform_version":"1.11.4","serial":{serial},"lineage":"{lineage}","outputs":{{}}}}"#)
        .into_bytes()
}

fn object(bytes: &[u8]) -> Snapshot {
    let tag = ETag::from(format!("\"{}\"", StateDigest::of(bytes)));
    let body = Body {
        bytes: Bytes::copy_from_slice(bytes),
        etag: Some(tag),
        facts: Facts {
            version_id: Some(VersionId::from("now".to_owned())),
            size_bytes: None,
            modified: None,
            metadata: Metadata::default(),
        },
    };
    Snapshot::new(Some(body))
}

/// An object that s3tate wrote over `parent`.
fn written(bytes: &[u8], parent: &[u8]) -> Snapshot {
    let (digest, parent) = (Some(StateDigest::of(bytes)), Some(StateDigest::of(parent)));
    Snapshot { metadata: Metadata { digest, parent, ..Metadata::default() }, ..object(bytes) }
}

/// Versions with the newest first; `None` is a delete marker.
fn versions(all: &[Option<&[u8]>]) -> Versions {
    let version = |(number, bytes): (usize, Option<&[u8]>)| Version {
        id: VersionId::from(format!("v{}", all.len() - number)),
        modified: Timestamp::new(i64::try_from(all.len() - number).unwrap(), 0).ok(),
        latest: number == 0,
        deleted: bytes.is_none(),
        size_bytes: bytes.map_or(0, |bytes| u64::try_from(bytes.len()).unwrap()),
        digest: bytes.map(StateDigest::of),
        body: bytes.map(|bytes| Body {
            bytes: Bytes::copy_from_slice(bytes),
            etag: None,
            facts: Facts::default(),
        }),
    };
    Versions { all: all.iter().copied().enumerate().map(version).collect(), ..Versions::default() }
}

fn judge(object: &Snapshot, recorded: &RecordedDigest, versions: Result<&Versions, String>) -> Judged {
    let commands = Commands::default();
    let case = Case {
        url: "s3://b/k".into(),
        place: "item".into(),
        object,
        recorded: Some(recorded),
        versions,
        commands: &commands,
        locked: false,
    };
    case.judge()
}

fn digest(bytes: &[u8]) -> RecordedDigest {
    RecordedDigest::Digest(StateDigest::of(bytes))
}

/// The only finding, with what it shows in one text.
#[track_caller]
fn only(judged: &Judged) -> (FindingKind, String) {
    assert_eq!(judged.findings.len(), 1, "{judged:?}");
    let finding = &judged.findings[0];
    let facts: Vec<_> = finding.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
    assert_eq!(finding.fixable, judged.fix.is_some());
    (finding.kind, format!("{}\n{}", facts.join("\n"), finding.commands.join("\n")))
}

#[track_caller]
fn shows(judged: &Judged, kind: FindingKind, words: &[&str]) {
    let (found, text) = only(judged);
    assert_eq!(found, kind, "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in\n{text}");
    }
}

#[test]
fn agreement_is_healthy() {
    let bytes = state(1, "l");
    for (object, recorded) in [
        (object(&bytes), digest(&bytes)),
        (Snapshot::default(), RecordedDigest::Nothing),
        (object(b""), RecordedDigest::Nothing),
    ] {
        let judged = judge(&object, &recorded, Ok(&Versions::default()));
        assert_eq!(judged.findings[0].severity, Severity::Ok, "{judged:?}");
    }
}

#[test]
fn only_a_proven_successor_is_fixable() {
    let (old, new) = (state(1, "l"), state(2, "l"));
    let judged = judge(&written(&new, &old), &digest(&old), Ok(&versions(&[Some(&new), Some(&old)])));
    shows(&judged, FindingKind::DigestBehind, &["by the object's own metadata", "s3tate doctor -fix"]);
    let fix = judged.fix.unwrap();
    assert_eq!((fix.digest, fix.recorded), (StateDigest::of(&new), StateDigest::of(&old)));
    // The same bytes by somebody else, and the same metadata under other bytes.
    let by_others = judge(&object(&new), &digest(&old), Ok(&versions(&[Some(&new), Some(&old)])));
    shows(&by_others, FindingKind::ObjectReplaced, &["probably a newer write (serial 2 over 1)"]);
    let metadata = written(&new, &old).metadata;
    let copied = Snapshot { metadata, ..object(&state(3, "l")) };
    shows(
        &judge(&copied, &digest(&old), Ok(&versions(&[Some(&new), Some(&old)]))),
        FindingKind::ObjectAltered,
        &["written as"],
    );
}

#[test]
fn an_object_that_ends_early_is_recognised() {
    let whole = state(2, "l");
    let half = &whole[..whole.len() / 2];
    let judged = judge(&object(half), &digest(&whole), Ok(&versions(&[Some(half), Some(&whole)])));
    let share = format!("the first {} of the {} bytes of version v1", half.len(), whole.len());
    shows(&judged, FindingKind::ObjectTruncated, &[&share, "versionId=v1"]);
    // Without a version to compare with, the syntax tells.
    let judged = judge(&object(half), &digest(&whole), Err("denied".into()));
    shows(&judged, FindingKind::ObjectTruncated, &["the versions can't be listed (denied)"]);
    // Even if its digest was recorded since.
    let judged = judge(&object(half), &digest(half), Ok(&Versions::default()));
    shows(&judged, FindingKind::ObjectTruncated, &["syntax error"]);
    let judged = judge(&object(b"hello"), &RecordedDigest::Nothing, Ok(&Versions::default()));
    shows(&judged, FindingKind::ObjectUnreadable, &["not valid JSON"]);
}

#[test]
fn an_older_version_that_was_copied_back_is_recognised() {
    let (first, second) = (state(1, "l"), state(2, "l"));
    let all = versions(&[Some(&first), Some(&second), Some(&first)]);
    let judged = judge(&object(&first), &digest(&second), Ok(&all));
    shows(
        &judged,
        FindingKind::ObjectOlder,
        &["same bytes: version v1", "recorded version: version v2", "versionId=v2"],
    );
    // Its bytes were never stored here, but its serial tells.
    let judged =
        judge(&object(&state(1, "l")), &digest(&second), Ok(&versions(&[Some(&first), Some(&second)])));
    shows(&judged, FindingKind::ObjectOlder, &["recorded version: version v1"]);
}

/// Bytes that come again make a copy of an old version look like a successor, by the metadata that it carries along.
#[test]
fn a_copy_of_an_old_version_is_no_successor() {
    let (first, second) = (state(1, "l"), state(2, "l"));
    let all = versions(&[Some(&second), Some(&first), Some(&second), Some(&first)]);
    let judged = judge(&written(&second, &first), &digest(&first), Ok(&all));
    shows(&judged, FindingKind::ObjectOlder, &["same bytes: version v2"]);
    assert_eq!(judged.fix, None);
}

#[test]
fn a_state_of_another_lineage_is_recognised() {
    let (ours, theirs) = (state(1, "ours"), state(9, "theirs"));
    let all = versions(&[Some(&theirs), Some(&ours)]);
    let judged = judge(&object(&theirs), &digest(&ours), Ok(&all));
    shows(&judged, FindingKind::ObjectForeign, &["lineage theirs", "lineage ours"]);
    // The recorded version is gone, and an earlier one is of our lineage.
    let judged = judge(&object(&theirs), &digest(b"gone"), Ok(&all));
    shows(&judged, FindingKind::ObjectForeign, &["no version that is still kept has it"]);
    // Nothing tells what was here before.
    let judged = judge(&object(&theirs), &digest(b"gone"), Ok(&versions(&[Some(&theirs)])));
    shows(&judged, FindingKind::ObjectReplaced, &["nothing tells"]);
}

#[test]
fn a_missing_object_is_told_from_one_that_never_was() {
    let bytes = state(1, "l");
    let judged = judge(&Snapshot::default(), &digest(&bytes), Ok(&versions(&[None, Some(&bytes)])));
    shows(
        &judged,
        FindingKind::ObjectDeleted,
        &["delete marker, version v2", "version v1", "--version-id v2"],
    );
    // What the marker hides is not what is recorded: taking it away would not help.
    let all = versions(&[None, Some(b"other"), Some(&bytes)]);
    let judged = judge(&Snapshot::default(), &digest(&bytes), Ok(&all));
    shows(&judged, FindingKind::ObjectDeleted, &["versionId=v1"]);
    let judged = judge(&Snapshot::default(), &digest(&bytes), Ok(&Versions::default()));
    shows(&judged, FindingKind::DigestOrphan, &["delete-item"]);
    let judged = judge(&Snapshot::default(), &digest(&bytes), Err("no versions".into()));
    shows(&judged, FindingKind::ObjectDeleted, &["can't be listed (no versions)"]);
    let judged = judge(&object(b""), &digest(&bytes), Ok(&versions(&[Some(b""), Some(&bytes)])));
    shows(&judged, FindingKind::ObjectEmpty, &["versionId=v1"]);
}

#[test]
fn digests_that_prove_nothing_are_told() {
    let bytes = state(1, "l");
    let judged = judge(
        &object(&bytes),
        &RecordedDigest::Malformed("`Digest` = \"zz\"".into()),
        Ok(&Versions::default()),
    );
    shows(&judged, FindingKind::DigestMalformed, &["\"zz\"", "put-item"]);
    let judged = judge(&object(&bytes), &RecordedDigest::Nothing, Ok(&Versions::default()));
    shows(&judged, FindingKind::DigestMissing, &["attribute_not_exists"]);
    assert_eq!(judged.findings[0].severity, Severity::Warning);
}

#[test]
fn what_opentofu_encrypted_is_whole() {
    let encrypted =
        br#"{"serial":1,"lineage":"l","meta":{},"encrypted_data":"AA==","encryption_version":"v0"}"#;
    let judged = judge(&object(encrypted), &digest(encrypted), Ok(&Versions::default()));
    assert_eq!(judged.findings[0].severity, Severity::Ok, "{judged:?}");
}
