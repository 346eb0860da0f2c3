//! Versions of objects: which one is the latest, and what a write does to the others.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::blob::{self, Segment};
use super::bucket::{Bucket, Versioning};
use super::{StoreError, Stored};
use crate::env;
use crate::s3::meta::{Meta, Tags};

/// Name of the version that writes without versioning replace.
pub(crate) const NULL: &str = "null";

const VERSION_ID_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

pub(super) const COLUMNS: &str = "id, key, version_id, latest, marker, modified_ms, size, etag, meta, tags";

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "`id` names the row, `version_id` is what clients see")]
pub(crate) struct Version {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) version_id: String,
    pub(crate) latest: bool,
    pub(crate) marker: bool,
    pub(crate) modified_ms: i64,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) meta: Meta,
    pub(crate) tags: Tags,
}

/// What [`put`] writes.
#[derive(Debug, Default)]
pub(crate) struct NewVersion {
    pub(crate) key: String,
    pub(crate) marker: bool,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) meta: Meta,
    pub(crate) tags: Tags,
}

impl Version {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            version_id: row.get(2)?,
            latest: row.get(3)?,
            marker: row.get(4)?,
            modified_ms: row.get(5)?,
            size: row.get(6)?,
            etag: row.get(7)?,
            meta: json(row, 8)?,
            tags: json(row, 9)?,
        })
    }
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// The latest version of `key`, which may be a delete marker.
pub(crate) fn latest(connection: &Connection, bucket: &Bucket, key: &str) -> Stored<Option<Version>> {
    let query = format!("SELECT {COLUMNS} FROM version WHERE bucket = ?1 AND key = ?2 AND latest = 1");
    let mut query = connection.prepare_cached(&query)?;
    Ok(query.query_row(params![bucket.id, key], Version::from_row).optional()?)
}

/// The version of `key` called `version_id`.
pub(crate) fn named(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    version_id: &str,
) -> Stored<Option<Version>> {
    let query = format!("SELECT {COLUMNS} FROM version WHERE bucket = ?1 AND key = ?2 AND version_id = ?3");
    let mut query = connection.prepare_cached(&query)?;
    Ok(query.query_row(params![bucket.id, key, version_id], Version::from_row).optional()?)
}

/// Up to `limit` versions in the order of a listing: by key, newest first.
///
/// Starts with the first key that is not below `from_key`; of that very key only with versions older than `before`.
pub(crate) fn page(
    connection: &Connection,
    bucket: &Bucket,
    from_key: &str,
    before: i64,
    limit: usize,
) -> Stored<Vec<Version>> {
    let query = format!(
        "SELECT {COLUMNS} FROM version WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR id < ?3)
         ORDER BY key, id DESC LIMIT ?4"
    );
    let mut query = connection.prepare_cached(&query)?;
    let rows = query.query_map(params![bucket.id, from_key, before, limit], Version::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Makes `new` the latest version of its key, with `segments` as its body, and returns it.
///
/// With versioning enabled it gets an id of its own; otherwise it replaces the version called `null`, if any.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    new: NewVersion,
    segments: &[Segment],
) -> Stored<Version> {
    let (version_id, replaced) = next_version_id(transaction, bucket, &new.key)?;
    transaction
        .prepare_cached("UPDATE version SET latest = 0 WHERE bucket = ?1 AND key = ?2 AND latest = 1")?
        .execute(params![bucket.id, new.key])?;
    let modified_ms = env::now_ms();
    let insert =
        "INSERT INTO version (bucket, key, version_id, latest, marker, modified_ms, size, etag, meta, tags)
                  VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)";
    transaction.prepare_cached(insert)?.execute(params![
        bucket.id,
        new.key,
        version_id,
        new.marker,
        modified_ms,
        new.size,
        new.etag,
        text(&new.meta)?,
        text(&new.tags)?
    ])?;
    let id = transaction.last_insert_rowid();
    blob::attach(transaction, id, segments)?;
    if let Some(replaced) = replaced {
        remove(transaction, bucket, &Version { latest: false, ..replaced })?;
    }
    let NewVersion { key, marker, size, etag, meta, tags } = new;
    Ok(Version { id, key, version_id, latest: true, marker, modified_ms, size, etag, meta, tags })
}

/// The id of the next version, and the version that it replaces.
///
/// That one is only moved out of the way here, since the next one may share its bytes.
fn next_version_id(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    key: &str,
) -> Stored<(String, Option<Version>)> {
    if bucket.versioning == Versioning::Enabled {
        return Ok((env::random_text::<32>(VERSION_ID_ALPHABET)?, None));
    }
    let replaced = named(transaction, bucket, key, NULL)?;
    if let Some(replaced) = &replaced {
        let update = "UPDATE version SET version_id = 'replaced' WHERE id = ?1";
        transaction.prepare_cached(update)?.execute([replaced.id])?;
    }
    Ok((NULL.to_owned(), replaced))
}

/// Removes one version for good; the newest of those left becomes the latest.
pub(crate) fn remove(transaction: &Transaction<'_>, bucket: &Bucket, version: &Version) -> Stored<()> {
    let segments = blob::segments(transaction, version.id)?;
    transaction.prepare_cached("DELETE FROM segment WHERE version = ?1")?.execute([version.id])?;
    transaction.prepare_cached("DELETE FROM version WHERE id = ?1")?.execute([version.id])?;
    for segment in segments {
        blob::release(transaction, segment.blob, version.size)?;
    }
    if version.latest {
        let promote = "UPDATE version SET latest = 1 WHERE id =
            (SELECT id FROM version WHERE bucket = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1)";
        transaction.prepare_cached(promote)?.execute(params![bucket.id, version.key])?;
    }
    Ok(())
}

/// Replaces the tags of a version.
pub(crate) fn set_tags(transaction: &Transaction<'_>, version: &Version, tags: &Tags) -> Stored<()> {
    let update = "UPDATE version SET tags = ?2 WHERE id = ?1";
    transaction.execute(update, params![version.id, text(tags)?])?;
    Ok(())
}

fn text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}
