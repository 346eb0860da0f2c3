//! The real values that runs and contents stand for, and what the library decides about them.
//!
//! There are few enough of them that the library is asked once for each, and its answers are kept.

use std::sync::LazyLock;

use s3tate::lock::{LockInfo, Operation};
use s3tate::protocol::{Reading, push_writes};
use s3tate::{ETag, Snapshot, StateDigest};

use crate::ids::Id;
use crate::store::Object;

static REAL: LazyLock<Real> = LazyLock::new(Real::new);

const IDS: usize = Id::COUNT as usize;

#[derive(Debug)]
struct Real {
    records: Vec<String>,
    write_ids: Vec<String>,
    digests: Vec<StateDigest>,
    etags: Vec<ETag>,
    /// By object, recorded digest, and whether it is read under a lock.
    readings: Vec<Reading>,
    /// By content that is pushed, content that is stored, and force.
    writes: Vec<bool>,
}

/// The record of a run's lock.
pub(crate) fn record(id: Id) -> &'static str {
    &REAL.records[id.index()]
}

/// The id of a run's write.
pub(crate) fn write_id(id: Id) -> &'static str {
    &REAL.write_ids[id.index()]
}

/// The digest of a content.
pub(crate) fn digest(id: Id) -> StateDigest {
    REAL.digests[id.index()]
}

/// The entity tag of a content.
pub(crate) fn etag(id: Id) -> &'static ETag {
    &REAL.etags[id.index()]
}

/// What the library makes of object and digest.
pub(crate) fn reading(object: Option<Object>, recorded: Option<Id>, locked: bool) -> Reading {
    let object = object.map_or(0, |object| {
        let row = object.content.index() * 2 + usize::from(object.described);
        1 + row * (IDS + 1) + place(object.parent)
    });
    REAL.readings[(object * (IDS + 1) + place(recorded)) * 2 + usize::from(locked)]
}

/// Whether the library writes a content over an object.
pub(crate) fn writes(source: Id, stored: Option<Object>, force: bool) -> bool {
    let stored = place(stored.map(|object| object.content));
    REAL.writes[(source.index() * (IDS + 1) + stored) * 2 + usize::from(force)]
}

fn place(id: Option<Id>) -> usize {
    id.map_or(0, |id| id.index() + 1)
}

/// Each of them, and none first.
fn each<T: Clone>(values: &[T]) -> impl Iterator<Item = Option<T>> {
    std::iter::once(None).chain(values.iter().cloned().map(Some))
}

impl Real {
    fn new() -> Self {
        let bytes: Vec<_> = Id::all().map(state).collect();
        let digests: Vec<_> = bytes.iter().map(|bytes| StateDigest::of(bytes)).collect();
        let etags: Vec<_> = digests.iter().map(|digest| ETag::from(format!("\"{digest}\""))).collect();
        Self {
            records: Id::all().map(lock_record).collect(),
            write_ids: Id::all().map(|id| format!("{id:?}")).collect(),
            readings: all_readings(&snapshots(&bytes, &digests, &etags), &digests),
            writes: all_writes(&bytes, &digests, &etags),
            digests,
            etags,
        }
    }
}

/// Every object as the library would have read it, after the one that is not there.
fn snapshots(bytes: &[Vec<u8>], digests: &[StateDigest], etags: &[ETag]) -> Vec<Snapshot> {
    let mut snapshots = vec![Snapshot::default()];
    for content in Id::all().map(Id::index) {
        for written in [None, Some(digests[content])] {
            for parent in each(digests) {
                let (bytes, etag) = (bytes[content].clone().into(), etags[content].clone());
                snapshots.push(Snapshot::assemble(bytes, etag, written, parent));
            }
        }
    }
    snapshots
}

fn all_readings(snapshots: &[Snapshot], digests: &[StateDigest]) -> Vec<Reading> {
    let recorded = |snapshot| each(digests).map(move |recorded| (snapshot, recorded));
    let readings = snapshots.iter().flat_map(recorded);
    readings
        .flat_map(|(snapshot, recorded)| [false, true].map(|locked| Reading::of(snapshot, recorded, locked)))
        .collect()
}

fn all_writes(bytes: &[Vec<u8>], digests: &[StateDigest], etags: &[ETag]) -> Vec<bool> {
    let stored = |content: usize| {
        Snapshot::assemble(
            bytes[content].clone().into(),
            etags[content].clone(),
            Some(digests[content]),
            None,
        )
    };
    let mut snapshots = vec![Snapshot::default()];
    snapshots.extend(Id::all().map(|id| stored(id.index())));
    let pairs = bytes.iter().flat_map(|source| snapshots.iter().map(move |stored| (source, stored)));
    pairs
        .flat_map(|(source, stored)| {
            [false, true].map(|force| push_writes(source, stored, force) == Some(true))
        })
        .collect()
}

fn lock_record(id: Id) -> String {
    let operation = Operation::StatePush.as_str().to_owned();
    LockInfo { id: format!("{id:?}"), operation, ..LockInfo::default() }.encode()
}

/// A state whose serial tells the content, since equal serials with different contents are refused.
fn state(id: Id) -> Vec<u8> {
    let serial = id.index();
    let outputs = format!(r#"{{"v":{{"value":{serial},"type":"number"}}}}"#);
    format!(r#"{{"version":4,"serial":{serial},"lineage":"l","outputs":{outputs},"resources":[]}}"#)
        .into_bytes()
}
