//! What an object says of its write: digest, parent, serial, who, from where, by which run, and what changed.
//!
//! It travels as metadata of the object, which stock clients neither read nor keep. S3 takes 2 KB of it, so texts of others
//! are cut: all together stay below that.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::digest::StateDigest;
use crate::object::{Metadata, meta};
use crate::payload::Payload;
use crate::read::Snapshot;
use crate::state::{Census, Changes};

/// Metadata travels as headers, which take visible ASCII only; the rest is percent-encoded.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
/// The longest text of others, encoded.
const MOST_TEXT_BYTES: usize = 480;
/// The longest ID of a lock, encoded. A longer one is left out: part of one would name another lock.
const MOST_LOCK_BYTES: usize = 255;
/// The longest lineage; those of all clients have 36.
const MOST_LINEAGE_BYTES: usize = 128;
/// The longest address.
const MOST_FROM_BYTES: usize = 64;

/// Somebody whose writes are passed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writer {
    /// Their name.
    pub who: String,
    /// The ID of the lock that they write under.
    pub lock: Option<String>,
    /// The address that they write from.
    pub from: Option<String>,
    /// The page of the CI run that writes.
    pub run: Option<String>,
}

/// What is known of a write from its two documents.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    serial: Option<u64>,
    lineage: Option<String>,
    resources: Option<u64>,
    parent_serial: Option<u64>,
    changes: Option<Changes>,
}

impl Contents {
    /// Looks at both documents, one after the other.
    pub(crate) async fn of(base: &Snapshot, sent: &Payload) -> Self {
        let (header, after) = sent.summary().await;
        let (stored, before) = match (base.payload(), &base.etag) {
            (Some(stored), _) => stored.summary().await,
            (None, None) => (None, Some(Census::default())),
            (None, Some(_)) => (None, None),
        };
        Self {
            serial: header.as_ref().map(|header| header.serial),
            lineage: header.map(|header| header.lineage),
            resources: after.as_ref().map(Census::count),
            parent_serial: stored.map(|header| header.serial).or(base.metadata.serial),
            changes: before.zip(after).map(|(before, after)| before.changes_to(&after)),
        }
    }
}

/// The metadata of a write.
pub(crate) fn described(
    base: &Snapshot,
    contents: Contents,
    digest: StateDigest,
    write_id: &str,
    writer: &Writer,
) -> Vec<(&'static str, String)> {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let lineage = contents.lineage.filter(|lineage| is_plain(lineage) && lineage.len() <= MOST_LINEAGE_BYTES);
    let lock = writer.lock.as_deref().map(encoded).filter(|lock| lock.len() <= MOST_LOCK_BYTES);
    let mut metadata = vec![
        (meta::DIGEST, Some(digest.to_string())),
        (meta::WRITER, Some(concat!("s3tate/", env!("CARGO_PKG_VERSION")).to_owned())),
        (meta::WRITE_ID, Some(write_id.to_owned())),
        (meta::PARENT, base.digest.map(|parent| parent.to_string())),
        (meta::SERIAL, number(contents.serial)),
        (meta::LINEAGE, lineage),
        (meta::LOCK, lock),
    ];
    metadata.extend(told(&Metadata {
        who: Some(writer.who.clone()),
        from: writer.from.clone(),
        run: writer.run.clone(),
        resources: contents.resources,
        parent_serial: contents.parent_serial,
        changes: contents.changes,
        ..Metadata::default()
    }));
    set(metadata)
}

/// The metadata of a copy that is kept of a state: what was said of it stays with it.
pub(crate) fn kept(base: &Snapshot, resources: Option<u64>) -> Vec<(&'static str, String)> {
    let mut metadata = vec![(meta::DIGEST, base.digest.map(|digest| digest.to_string()))];
    metadata.extend(told(&Metadata { resources, ..base.metadata.clone() }));
    set(metadata)
}

/// The metadata of what is kept of a deletion.
pub(crate) fn of_deletion(writer: &Writer) -> Vec<(&'static str, String)> {
    let (who, from, run) = (Some(writer.who.clone()), writer.from.clone(), writer.run.clone());
    set(told(&Metadata { who, from, run, ..Metadata::default() }).into())
}

/// What is told of a version.
fn told(of: &Metadata) -> [(&'static str, Option<String>); 6] {
    let text = |text: &Option<String>, most| text.as_deref().map(|text| cut(text, most));
    [
        (meta::WHO, text(&of.who, MOST_TEXT_BYTES)),
        (meta::FROM, text(&of.from, MOST_FROM_BYTES)),
        // Part of an address would lead elsewhere.
        (meta::RUN, of.run.as_deref().map(encoded).filter(|run| run.len() <= MOST_TEXT_BYTES)),
        (meta::RESOURCES, of.resources.map(|count| count.to_string())),
        (meta::PARENT_SERIAL, of.parent_serial.map(|serial| serial.to_string())),
        (meta::CHANGES, of.changes.map(|it| format!("{},{},{}", it.added, it.changed, it.removed))),
    ]
}

fn set(metadata: Vec<(&'static str, Option<String>)>) -> Vec<(&'static str, String)> {
    let set = metadata.into_iter().filter_map(|(name, value)| Some((name, value?)));
    set.filter(|(_, value)| !value.is_empty()).collect()
}

/// Reads three counts: added, changed, removed.
pub(crate) fn changes(text: &str) -> Option<Changes> {
    let mut counts = text.split(',').map(|count| count.parse().ok());
    let changes = Changes { added: counts.next()??, changed: counts.next()??, removed: counts.next()?? };
    counts.next().is_none().then_some(changes)
}

/// A text as it was before it became metadata.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The encoded text, or as much of its beginning as fits, with a mark.
fn cut(text: &str, most: usize) -> String {
    let whole = encoded(text);
    if whole.len() <= most {
        return whole;
    }
    let mark = encoded("…");
    let mut kept = String::new();
    for character in text.chars() {
        let next = encoded(character.encode_utf8(&mut [0; 4]));
        if kept.len() + next.len() + mark.len() > most {
            break;
        }
        kept.push_str(&next);
    }
    kept + &mark
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        for name in
            ["dana@build-07", "cert:cn:Dana Müller", "100% sure", "ü", "a\tb", "%41", "oidc:x:repo:a/b:ref:c"]
        {
            let text = cut(name, MOST_TEXT_BYTES);
            assert!(is_plain(&text), "{text}");
            assert_eq!(decoded(&text), name);
        }
        assert_eq!(decoded("%ff and %"), "%ff and %", "what others wrote stays as it is");
        let long = cut(&"ü ".repeat(400), MOST_TEXT_BYTES);
        assert!(long.len() <= MOST_TEXT_BYTES && decoded(&long).ends_with('…'), "{long}");
    }

    #[test]
    fn counts_are_three() {
        let counted = Changes { added: 1, changed: 20, removed: 3 };
        assert_eq!(changes("1,20,3"), Some(counted));
        for wrong in ["", "1,2", "1,2,3,4", "a,b,c", "-1,2,3"] {
            assert_eq!(changes(wrong), None, "{wrong}");
        }
    }

    /// S3 refuses more than 2 KB of metadata, names included.
    #[test]
    fn metadata_stays_below_the_limit() {
        let long = || Some("ü".repeat(2000));
        let mut base = Snapshot { digest: Some(StateDigest::of(b"a")), ..Snapshot::default() };
        base.metadata.serial = Some(u64::MAX);
        let contents = Contents {
            serial: Some(u64::MAX),
            lineage: Some("l".repeat(MOST_LINEAGE_BYTES)),
            resources: Some(u64::MAX),
            parent_serial: Some(u64::MAX),
            changes: Some(Changes { added: u64::MAX, changed: u64::MAX, removed: u64::MAX }),
        };
        let writer = Writer {
            who: "ü".repeat(2000),
            lock: Some("l".repeat(255)),
            from: long(),
            run: Some("r".repeat(MOST_TEXT_BYTES)),
        };
        let all = described(&base, contents, StateDigest::of(b"b"), &"w".repeat(36), &writer);
        assert_eq!(all.len(), 13);
        let bytes: usize =
            all.iter().map(|(name, value)| "x-amz-meta-".len() + name.len() + value.len()).sum();
        assert!(bytes <= 2048, "{bytes}");
    }
}
