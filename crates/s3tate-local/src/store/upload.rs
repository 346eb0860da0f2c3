//! Multipart uploads under way: what will be made of them, and their parts.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use s3s::s3_error;

use super::blob;
use super::bucket::Bucket;
use super::{StoreError, Stored};
use crate::env;
use crate::s3::checksum::Checksum;
use crate::s3::meta::Plan;

/// An upload under way.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) started_ms: i64,
    pub(crate) plan: Plan,
}

/// A part of an upload under way.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) number: i32,
    pub(crate) blob: i64,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) checksum: Option<Checksum>,
}

impl Upload {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let plan: String = row.get(3)?;
        Ok(Self {
            id: row.get(0)?,
            key: row.get(1)?,
            started_ms: row.get(2)?,
            plan: serde_json::from_str(&plan)?,
        })
    }
}

impl Part {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let checksum: String = row.get(5)?;
        Ok(Self {
            number: row.get(0)?,
            blob: row.get(1)?,
            size: row.get(2)?,
            etag: row.get(3)?,
            modified_ms: row.get(4)?,
            checksum: serde_json::from_str(&checksum)?,
        })
    }
}

/// Starts an upload and returns its id.
pub(crate) fn create(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    key: &str,
    plan: &Plan,
) -> Stored<String> {
    let id = env::hex(&env::random::<24>()?);
    transaction.execute(
        "INSERT INTO upload (id, bucket, key, started_ms, plan) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, bucket.id, key, env::now_ms(), serde_json::to_string(plan)?],
    )?;
    Ok(id)
}

/// The upload called `id` of `key`; `NoSuchUpload` when there is none.
pub(crate) fn get(connection: &Connection, bucket: &Bucket, key: &str, id: &str) -> Stored<Upload> {
    let query = "SELECT id, key, started_ms, plan FROM upload WHERE bucket = ?1 AND key = ?2 AND id = ?3";
    let mut query = connection.prepare_cached(query)?;
    let row = query.query_row(params![bucket.id, key, id], |row| Ok(Upload::from_row(row))).optional()?;
    row.ok_or_else(|| s3_error!(NoSuchUpload, "The specified multipart upload does not exist."))?
}

/// Uploads of a bucket whose keys start with `prefix`, by key, oldest id first.
pub(crate) fn list(connection: &Connection, bucket: &Bucket, prefix: &str) -> Stored<Vec<Upload>> {
    let query =
        "SELECT id, key, started_ms, plan FROM upload WHERE bucket = ?1 AND key >= ?2 ORDER BY key, id";
    let mut query = connection.prepare_cached(query)?;
    let mut rows = query.query(params![bucket.id, prefix])?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        let upload = Upload::from_row(row)?;
        if !upload.key.starts_with(prefix) {
            break;
        }
        uploads.push(upload);
    }
    Ok(uploads)
}

/// Adds a part, in place of one with the same number.
pub(crate) fn put_part(transaction: &Transaction<'_>, upload: &Upload, part: &Part) -> Stored<()> {
    if let Some(old) = parts(transaction, upload)?.into_iter().find(|old| old.number == part.number) {
        let delete = "DELETE FROM part WHERE upload = ?1 AND number = ?2";
        transaction.execute(delete, params![upload.id, old.number])?;
        blob::release(transaction, old.blob, 0)?;
    }
    transaction.execute(
        "INSERT INTO part (upload, number, blob, size, etag, modified_ms, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            upload.id,
            part.number,
            part.blob,
            part.size,
            part.etag,
            part.modified_ms,
            serde_json::to_string(&part.checksum)?
        ],
    )?;
    Ok(())
}

/// The parts by number.
pub(crate) fn parts(connection: &Connection, upload: &Upload) -> Stored<Vec<Part>> {
    let query =
        "SELECT number, blob, size, etag, modified_ms, checksum FROM part WHERE upload = ?1 ORDER BY number";
    let mut query = connection.prepare_cached(query)?;
    let mut rows = query.query([&upload.id])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        parts.push(Part::from_row(row)?);
    }
    Ok(parts)
}

/// Ends an upload. The bytes of parts that no version has taken over go with it.
pub(crate) fn delete(transaction: &Transaction<'_>, upload: &Upload) -> Stored<()> {
    let parts = parts(transaction, upload)?;
    transaction.execute("DELETE FROM part WHERE upload = ?1", [&upload.id])?;
    transaction.execute("DELETE FROM upload WHERE id = ?1", [&upload.id])?;
    for part in parts {
        blob::release(transaction, part.blob, 0)?;
    }
    Ok(())
}
