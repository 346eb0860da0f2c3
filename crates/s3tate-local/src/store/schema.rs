//! Tables of the object database, and its version.

use rusqlite::Connection;

/// Written to `PRAGMA user_version`; a database with a greater number is refused.
pub(super) const VERSION: i64 = 1;

/// One row a bucket; one row a version of an object, delete markers included; bodies in chunks of a blob.
///
/// The newest version of a key has the greatest `version.id`, and it alone has `latest = 1`. A body is the list of
/// `segment` rows of its version; several versions may share a blob. A blob that nothing refers to is an upload under
/// way; after a crash it is a leftover, removed by the next start.
const TABLES: &str = "
CREATE TABLE bucket (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    region     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    versioning TEXT NOT NULL DEFAULT ''
);
CREATE TABLE bucket_config (
    bucket INTEGER NOT NULL REFERENCES bucket (id) ON DELETE CASCADE,
    kind   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (bucket, kind)
) WITHOUT ROWID;
CREATE TABLE version (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket      INTEGER NOT NULL REFERENCES bucket (id),
    key         TEXT NOT NULL,
    version_id  TEXT NOT NULL,
    latest      INTEGER NOT NULL,
    marker      INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT NOT NULL,
    meta        TEXT NOT NULL,
    tags        TEXT NOT NULL
);
CREATE UNIQUE INDEX version_by_name ON version (bucket, key, version_id);
CREATE INDEX version_by_age ON version (bucket, key, id DESC);
CREATE UNIQUE INDEX version_latest ON version (bucket, key) WHERE latest = 1;
CREATE INDEX version_visible ON version (bucket, key) WHERE latest = 1 AND marker = 0;
CREATE TABLE blob (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    dropped INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX blob_dropped ON blob (id) WHERE dropped = 1;
CREATE TABLE chunk (
    blob INTEGER NOT NULL REFERENCES blob (id),
    at   INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (blob, at)
);
CREATE TABLE segment (
    version INTEGER NOT NULL REFERENCES version (id),
    at      INTEGER NOT NULL,
    blob    INTEGER NOT NULL REFERENCES blob (id),
    size    INTEGER NOT NULL,
    PRIMARY KEY (version, at)
) WITHOUT ROWID;
CREATE INDEX segment_by_blob ON segment (blob);
CREATE TABLE upload (
    id         TEXT PRIMARY KEY,
    bucket     INTEGER NOT NULL REFERENCES bucket (id),
    key        TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    plan       TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX upload_by_key ON upload (bucket, key, id);
CREATE TABLE part (
    upload      TEXT NOT NULL REFERENCES upload (id),
    number      INTEGER NOT NULL,
    blob        INTEGER NOT NULL REFERENCES blob (id),
    size        INTEGER NOT NULL,
    etag        TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    checksum    TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE INDEX part_by_blob ON part (blob);
";

/// Sets what every connection needs: durable commits, patience with a writer, checked references.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA busy_timeout = 10000;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The schema version that the database records; 0 for a new one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Makes the tables of a new database.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
