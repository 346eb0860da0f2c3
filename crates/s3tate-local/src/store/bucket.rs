//! Buckets and their configurations.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use s3s::s3_error;

use super::Stored;
use crate::env;

/// Whether writes keep what they replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Never enabled: one version a key, called `null`.
    Off,
    /// Every write makes a version.
    Enabled,
    /// Writes replace the version called `null`; older versions stay.
    Suspended,
}

impl Versioning {
    /// As in `VersioningConfiguration`; empty for [`Versioning::Off`].
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "Enabled" => Self::Enabled,
            "Suspended" => Self::Suspended,
            _ => Self::Off,
        }
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) created_ms: i64,
    pub(crate) versioning: Versioning,
}

impl Bucket {
    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let versioning: String = row.get(4)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            region: row.get(2)?,
            created_ms: row.get(3)?,
            versioning: Versioning::parse(&versioning),
        })
    }
}

/// The bucket called `name`, if there is one.
pub(crate) fn find(connection: &Connection, name: &str) -> Stored<Option<Bucket>> {
    let mut query = connection
        .prepare_cached("SELECT id, name, region, created_ms, versioning FROM bucket WHERE name = ?1")?;
    Ok(query.query_row([name], Bucket::from_row).optional()?)
}

/// The bucket called `name`; `NoSuchBucket` when there is none.
pub(crate) fn get(connection: &Connection, name: &str) -> Stored<Bucket> {
    let missing = || s3_error!(NoSuchBucket, "The specified bucket does not exist");
    Ok(find(connection, name)?.ok_or_else(missing)?)
}

/// All buckets by name.
pub(crate) fn list(connection: &Connection) -> Stored<Vec<Bucket>> {
    let mut query = connection
        .prepare_cached("SELECT id, name, region, created_ms, versioning FROM bucket ORDER BY name")?;
    let rows = query.query_map([], Bucket::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Makes a bucket, which must not exist.
pub(crate) fn create(
    transaction: &Transaction<'_>,
    name: &str,
    region: &str,
    versioning: Versioning,
) -> Stored<()> {
    transaction.execute(
        "INSERT INTO bucket (name, region, created_ms, versioning) VALUES (?1, ?2, ?3, ?4)",
        params![name, region, env::now_ms(), versioning.as_str()],
    )?;
    Ok(())
}

/// Removes a bucket; `BucketNotEmpty` while it holds a version, a delete marker or an upload under way.
pub(crate) fn delete(transaction: &Transaction<'_>, bucket: &Bucket) -> Stored<()> {
    let used = "SELECT EXISTS (SELECT 1 FROM version WHERE bucket = ?1)
                    OR EXISTS (SELECT 1 FROM upload WHERE bucket = ?1)";
    if transaction.query_row(used, [bucket.id], |row| row.get(0))? {
        return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty").into());
    }
    transaction.execute("DELETE FROM bucket WHERE id = ?1", [bucket.id])?;
    Ok(())
}

/// Turns versioning on or suspends it.
pub(crate) fn set_versioning(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    versioning: Versioning,
) -> Stored<()> {
    let update = "UPDATE bucket SET versioning = ?2 WHERE id = ?1";
    transaction.execute(update, params![bucket.id, versioning.as_str()])?;
    Ok(())
}

/// The configuration called `kind`, as it was stored.
pub(crate) fn config(connection: &Connection, bucket: &Bucket, kind: &str) -> Stored<Option<String>> {
    let mut query =
        connection.prepare_cached("SELECT value FROM bucket_config WHERE bucket = ?1 AND kind = ?2")?;
    Ok(query.query_row(params![bucket.id, kind], |row| row.get(0)).optional()?)
}

/// Stores the configuration called `kind`; `None` removes it.
pub(crate) fn set_config(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    kind: &str,
    value: Option<&str>,
) -> Stored<()> {
    match value {
        Some(value) => transaction.execute(
            "INSERT OR REPLACE INTO bucket_config (bucket, kind, value) VALUES (?1, ?2, ?3)",
            params![bucket.id, kind, value],
        )?,
        None => transaction
            .execute("DELETE FROM bucket_config WHERE bucket = ?1 AND kind = ?2", params![bucket.id, kind])?,
    };
    Ok(())
}
