//! Bodies: bytes in chunks of [`CHUNK_BYTES`], so that large ones pass through memory piece by piece.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::Stored;

/// Bytes of a full chunk; the last one of a blob may be shorter.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// Bodies up to this size are read inside one snapshot; larger ones are pinned and streamed.
pub(crate) const EAGER_BYTES: u64 = 4 << 20;

/// A piece of a body: all of `blob`, placed at byte `at`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment {
    pub(crate) at: u64,
    pub(crate) blob: i64,
    pub(crate) size: u64,
}

/// Makes an empty blob that nothing refers to yet.
pub(crate) fn create(transaction: &Transaction<'_>) -> Stored<i64> {
    transaction.execute("INSERT INTO blob (dropped) VALUES (0)", [])?;
    Ok(transaction.last_insert_rowid())
}

/// Writes `data` at byte `at`, a multiple of [`CHUNK_BYTES`].
pub(crate) fn append(transaction: &Transaction<'_>, blob: i64, at: u64, data: &[u8]) -> Stored<()> {
    let mut insert = transaction.prepare_cached("INSERT INTO chunk (blob, at, data) VALUES (?1, ?2, ?3)")?;
    let mut at = at;
    for chunk in data.chunks(CHUNK_BYTES) {
        insert.execute(params![blob, at, chunk])?;
        at += chunk.len() as u64;
    }
    Ok(())
}

/// Removes a blob with its bytes.
pub(crate) fn delete(transaction: &Transaction<'_>, blob: i64) -> Stored<()> {
    transaction.prepare_cached("DELETE FROM chunk WHERE blob = ?1")?.execute([blob])?;
    transaction.prepare_cached("DELETE FROM blob WHERE id = ?1")?.execute([blob])?;
    Ok(())
}

/// Gives up one reference to `blob`, which has been taken out of its table already.
///
/// The last reference takes the bytes along: at once if the body they belonged to was small enough to be read within a
/// snapshot, else as soon as nobody reads them any more.
pub(crate) fn release(transaction: &Transaction<'_>, blob: i64, body_bytes: u64) -> Stored<()> {
    let used = "SELECT EXISTS (SELECT 1 FROM segment WHERE blob = ?1) OR EXISTS (SELECT 1 FROM part WHERE blob = ?1)";
    if transaction.prepare_cached(used)?.query_row([blob], |row| row.get(0))? {
        return Ok(());
    }
    if body_bytes <= EAGER_BYTES {
        return delete(transaction, blob);
    }
    transaction.prepare_cached("UPDATE blob SET dropped = 1 WHERE id = ?1")?.execute([blob])?;
    Ok(())
}

/// Removes blobs that a former process dropped or left unfinished.
pub(super) fn sweep(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TEMP TABLE leftover AS SELECT id FROM blob WHERE dropped = 1
             OR NOT EXISTS (SELECT 1 FROM segment WHERE blob = blob.id)
            AND NOT EXISTS (SELECT 1 FROM part WHERE blob = blob.id);
         DELETE FROM chunk WHERE blob IN (SELECT id FROM leftover);
         DELETE FROM blob WHERE id IN (SELECT id FROM leftover);
         DROP TABLE leftover;",
    )
}

/// Whether a blob waits for [`delete`].
pub(super) fn any_dropped(connection: &Connection) -> Stored<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM blob WHERE dropped = 1)";
    Ok(connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
}

/// The blobs that wait for [`delete`].
pub(super) fn dropped(connection: &Connection) -> Stored<Vec<i64>> {
    let mut query = connection.prepare_cached("SELECT id FROM blob WHERE dropped = 1")?;
    let rows = query.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The pieces of a version's body, in order.
pub(crate) fn segments(connection: &Connection, version: i64) -> Stored<Vec<Segment>> {
    let mut query =
        connection.prepare_cached("SELECT at, blob, size FROM segment WHERE version = ?1 ORDER BY at")?;
    let rows = query
        .query_map([version], |row| Ok(Segment { at: row.get(0)?, blob: row.get(1)?, size: row.get(2)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Makes `segments` the body of `version`.
pub(crate) fn attach(transaction: &Transaction<'_>, version: i64, segments: &[Segment]) -> Stored<()> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO segment (version, at, blob, size) VALUES (?1, ?2, ?3, ?4)")?;
    for segment in segments {
        insert.execute(params![version, segment.at, segment.blob, segment.size])?;
    }
    Ok(())
}

/// Reads the bytes of `range` up to the end of the chunk that it starts in; empty at the end of the body.
pub(crate) fn read_chunk(
    connection: &Connection,
    segments: &[Segment],
    range: &Range<u64>,
) -> Stored<Vec<u8>> {
    let inside = |segment: &&Segment| (segment.at..segment.at + segment.size).contains(&range.start);
    let Some(segment) = segments.iter().find(inside).filter(|_| !range.is_empty()) else {
        return Ok(Vec::new());
    };
    let offset = range.start - segment.at;
    let skip = offset % CHUNK_BYTES as u64;
    let mut query = connection.prepare_cached("SELECT data FROM chunk WHERE blob = ?1 AND at = ?2")?;
    let chunk: Option<Vec<u8>> =
        query.query_row(params![segment.blob, offset - skip], |row| row.get(0)).optional()?;
    let mut bytes = chunk.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    bytes.drain(..usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len()));
    bytes.truncate(wanted);
    Ok(bytes)
}

/// Reads all bytes of `range`.
pub(crate) fn read_all(connection: &Connection, segments: &[Segment], range: &Range<u64>) -> Stored<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = range.clone();
    while !rest.is_empty() {
        let chunk = read_chunk(connection, segments, &rest)?;
        if chunk.is_empty() {
            return Err(rusqlite::Error::QueryReturnedNoRows.into());
        }
        rest.start += chunk.len() as u64;
        if bytes.is_empty() {
            bytes = chunk;
        } else {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(bytes)
}
