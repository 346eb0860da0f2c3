//! The data directory and the lock that keeps a second process out of it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::LocalError;

/// A data directory held by this process; others are kept out until it is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes `path` where missing, readable by its owner alone, and takes its lock.
    ///
    /// The lock belongs to the operating system: it goes with the process, however that ends.
    pub(crate) fn hold(path: PathBuf) -> Result<Self, LocalError> {
        let lock = open_lock(&path)
            .map_err(|source| LocalError::DirectoryNotWritable { path: path.clone(), source })?;
        match lock.try_lock() {
            Ok(()) => Self { path, _lock: lock }.private_files(),
            Err(TryLockError::WouldBlock) => Err(LocalError::DirectoryHeld { path }),
            Err(TryLockError::Error(source)) => Err(LocalError::DirectoryNotWritable { path, source }),
        }
    }

    /// Makes the database files where missing, for their owner alone; states hold secrets.
    ///
    /// SQLite takes an empty file for a new database and gives its log the mode of the database.
    fn private_files(self) -> Result<Self, LocalError> {
        for file in [self.objects(), self.tables()] {
            let made = private(OpenOptions::new().create(true).truncate(false).write(true)).open(file);
            made.map_err(|source| LocalError::DirectoryNotWritable { path: self.path.clone(), source })?;
        }
        Ok(self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database of buckets and objects.
    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("objects.sqlite3")
    }

    /// The database of DynamoDB tables.
    pub(crate) fn tables(&self) -> PathBuf {
        self.path.join("tables.sqlite3")
    }
}

fn open_lock(directory: &Path) -> io::Result<File> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    private(OpenOptions::new().create(true).truncate(false).write(true)).open(directory.join("lock"))
}

/// Files made with these options belong to their owner alone, from their first moment on.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
