//! The object database: buckets, versions, bodies and uploads in one SQLite file.
//!
//! One connection writes, any number read. Every write is one `BEGIN IMMEDIATE` transaction with `synchronous = FULL`,
//! so an acknowledged write is on disk, and a condition is evaluated in the transaction of the write that it guards.

pub(crate) mod blob;
pub(crate) mod bucket;
mod error;
pub(crate) mod listing;
mod pins;
mod schema;
pub(crate) mod upload;
pub(crate) mod version;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use s3s::S3Result;

pub(crate) use self::error::{StoreError, Stored};
pub(crate) use self::pins::Pin;
use self::pins::Pins;
use crate::LocalError;

/// Read connections kept open when idle.
const IDLE_READERS: usize = 4;

/// Handle to the object database; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` in memory, where the one connection also reads.
    path: Option<PathBuf>,
    writer: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    pins: Pins,
}

impl Store {
    /// Opens the database file, making it where missing, and removes what unfinished uploads left behind.
    pub(crate) fn open(path: &Path) -> Result<Self, LocalError> {
        let failed = |error: rusqlite::Error| LocalError::Database {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let connection = Connection::open(path).map_err(failed)?;
        Self::set_up(connection, Some(path.to_owned()))
            .map_err(failed)?
            .ok_or_else(|| LocalError::NewerDatabase { path: path.to_owned() })
    }

    /// An empty database in memory.
    pub(crate) fn memory() -> Result<Self, LocalError> {
        let failed = |reason: String| LocalError::Database { path: ":memory:".into(), reason };
        let connection = Connection::open_in_memory().map_err(|error| failed(error.to_string()))?;
        let store = Self::set_up(connection, None).map_err(|error| failed(error.to_string()))?;
        store.ok_or_else(|| failed("a new database is not empty".to_owned()))
    }

    /// `None` for a database written by a newer version, which is left as it was.
    fn set_up(mut connection: Connection, path: Option<PathBuf>) -> rusqlite::Result<Option<Self>> {
        let version = schema::version(&connection)?;
        if version > schema::VERSION {
            return Ok(None);
        }
        schema::configure(&connection)?;
        if version == 0 {
            schema::create(&mut connection)?;
        }
        let transaction = connection.transaction()?;
        blob::sweep(&transaction)?;
        transaction.commit()?;
        Ok(Some(Self(Arc::new(Inner {
            path,
            writer: Mutex::new(connection),
            idle: Mutex::default(),
            pins: Pins::default(),
        }))))
    }

    /// Runs `work` on one snapshot of the database, off the async threads.
    pub(crate) async fn read<T, F>(&self, work: F) -> S3Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>) -> Stored<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || inner.read(work)).await;
        Ok(done.map_err(StoreError::from).flatten()?)
    }

    /// Runs `work` in one write transaction, off the async threads; commits if it succeeds.
    ///
    /// When this returns `Ok`, the change is on disk. On an error nothing has changed. Dropping the future does not
    /// stop a transaction under way.
    pub(crate) async fn write<T, F>(&self, work: F) -> S3Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Stored<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || inner.write(work)).await;
        Ok(done.map_err(StoreError::from).flatten()?)
    }

    /// Copies the write-ahead log into the database file, so that nothing but the file is left when the process ends.
    pub(crate) fn close(&self) {
        lock(&self.0.idle).clear();
        let connection = lock(&self.0.writer);
        let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = done {
            tracing::warn!(%error, "the object database was not checkpointed");
        }
    }
}

/// One snapshot of the database.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    /// For queries; all of them see the same state.
    pub(crate) connection: &'a Connection,
    pins: &'a Pins,
}

impl Reading<'_> {
    /// Keeps the chunks of these blobs for as long as the pin lives, past the end of this snapshot.
    pub(crate) fn pin(&self, blobs: impl IntoIterator<Item = i64>) -> Pin {
        self.pins.pin(blobs)
    }
}

impl Inner {
    fn read<T>(&self, work: impl FnOnce(&Reading<'_>) -> Stored<T>) -> Stored<T> {
        let Some(path) = &self.path else {
            // The lock goes first, as in `collect`, which holds it when it waits for the gate.
            let connection = lock(&self.writer);
            let _entered = self.pins.enter();
            return work(&Reading { connection: &connection, pins: &self.pins });
        };
        let _entered = self.pins.enter();
        let idle = lock(&self.idle).pop();
        let connection = idle.map_or_else(|| open_reader(path), Ok)?;
        let snapshot = connection.unchecked_transaction()?;
        let done = work(&Reading { connection: &snapshot, pins: &self.pins });
        snapshot.finish()?;
        let mut idle = lock(&self.idle);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        done
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Stored<T>) -> Stored<T> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        let dropped = blob::any_dropped(&transaction)?;
        transaction.commit()?;
        if dropped && let Err(error) = self.collect(&mut connection) {
            tracing::warn!(%error, "dropped bodies were not removed; the next write tries again");
        }
        Ok(value)
    }

    /// Deletes the dropped blobs that no answer under way still reads.
    fn collect(&self, connection: &mut Connection) -> Stored<()> {
        let mut dropped = blob::dropped(connection)?;
        let pinned = self.pins.snapshot();
        dropped.retain(|blob| !pinned.contains(blob));
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for blob in dropped {
            blob::delete(&transaction, blob)?;
        }
        Ok(transaction.commit()?)
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    schema::configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A panic elsewhere has rolled its transaction back, so what the lock guards is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
