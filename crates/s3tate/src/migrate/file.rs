//! A state in a file, as Terraform's local backend keeps it.
//!
//! The default workspace's is `terraform.tfstate`, the others' are `terraform.tfstate.d/NAME/terraform.tfstate`. A lock is
//! one of the operating system on the file itself, and `.NAME.lock.info` beside it says whose. Because stock clients keep
//! the file open while they wait for that lock, the file is written in place and never replaced by another one.
//! Observed with Terraform 1.11.4.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Holder, LockInfo, LockKind, LockRecord, LockStore, Refusal, Stamp};

/// One state file. Clones are one: a lock that is taken through one holds for all.
#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// The open file while it is locked. Closing any other handle to the file would end the lock on unix.
    held: Arc<Mutex<Option<File>>>,
    /// Whether a lock makes the file, as one at a destination has to.
    makes: bool,
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, held: Arc::default(), makes: true }
    }

    /// The same file as one that is only read: a lock doesn't make it, since an empty one would be left.
    pub(crate) fn only_read(self) -> Self {
        Self { makes: false, ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn held(&self) -> MutexGuard<'_, Option<File>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock of this file.
    pub(crate) fn lock(&self) -> FileLock {
        FileLock(self.clone())
    }

    /// The bytes; `None` where there is no file or an empty one, which both mean "no state".
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the file can't be read.
    pub(crate) fn read(&self) -> Result<Option<Bytes>> {
        let read = match &mut *self.held() {
            Some(file) => read_all(file),
            None => fs::read(&self.path),
        };
        match read {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(cause) if cause.kind() == IoKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed("read", cause)),
        }
    }

    /// Writes in place, and returns when it is on disk. Until then nobody takes the file for a whole state: the old end
    /// is cut off last.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`]: it is written in part.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        let written = match &mut *self.held() {
            Some(file) => overwrite(file, bytes),
            None => open(&self.path).and_then(|mut file| overwrite(&mut file, bytes)),
        };
        written.map_err(|cause| {
            let message = format!("`{}` was written in part", self.path.display());
            Error::new(ErrorKind::Unknown, message).with_source(cause)
        })
    }

    /// Keeps bytes in a new file beside this one, and tells where. The same bytes are kept once.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it can't be written.
    pub(crate) fn keep_beside(&self, bytes: &[u8]) -> Result<String> {
        keep(&replaced(&self.path, bytes), bytes)
    }

    /// Removes the file, and the directory of a workspace if nothing else is in it.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it can't be removed.
    pub(crate) fn delete(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(()),
            Err(cause) if cause.kind() == IoKind::NotFound => Ok(()),
            Err(cause) => Err(self.failed("remove", cause)),
        }
    }

    /// Removes the directory of a workspace that has gone, if nothing is left in it.
    pub(crate) fn tidy(&self) {
        // One that holds something else, such as a backup, stays.
        drop(self.path.parent().map(fs::remove_dir));
    }

    fn info_path(&self) -> PathBuf {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.path.with_file_name(format!(".{name}.lock.info"))
    }

    fn holder(&self, record: Option<String>) -> Holder {
        let info = record.as_deref().and_then(LockInfo::read);
        let place = format!("the file `{}`", self.path.display());
        Holder { kind: LockKind::File, place, record, info, stamp: Stamp::Tag(None) }
    }

    fn failed(&self, what: &str, cause: std::io::Error) -> Error {
        Error::invalid(format!("can't {what} `{}`", self.path.display())).with_source(cause)
    }

    fn try_acquire(&self, record: &LockRecord) -> Result<Holder, Refusal> {
        let failed = |cause| Refusal::Failed(self.failed("lock", cause));
        let file = match if self.makes { open(&self.path) } else { open_existing(&self.path) } {
            // There is nothing to keep others from.
            Err(cause) if !self.makes && cause.kind() == IoKind::NotFound => {
                return Ok(self.holder(Some(record.text.clone())));
            }
            opened => opened.map_err(failed)?,
        };
        if !lock(&file).map_err(failed)? {
            let record = fs::read_to_string(self.info_path()).ok();
            return Err(Refusal::Held(Box::new(self.holder(record))));
        }
        // It only tells others whose the lock is.
        if let Err(cause) = fs::write(self.info_path(), &record.text) {
            tracing::warn!(path = %self.info_path().display(), %cause, "can't say whose the lock is");
        }
        *self.held() = Some(file);
        Ok(self.holder(Some(record.text.clone())))
    }

    fn release(&self) -> bool {
        let Some(file) = self.held().take() else { return false };
        drop(fs::remove_file(self.info_path()));
        drop(file);
        true
    }
}

/// The file beside a state that keeps what stood in its place.
pub(crate) fn replaced(path: &Path, bytes: &[u8]) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(replaced_name(&name, bytes))
}

/// The name of a copy of what stood in a state's place.
pub(crate) fn replaced_name(name: &str, bytes: &[u8]) -> String {
    format!("{name}.replaced-{}", StateDigest::of(bytes))
}

/// Keeps bytes in a new file that only its owner can read, and tells where.
///
/// # Errors
/// [`ErrorKind::Invalid`]: it can't be written, or holds something else.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<String> {
    let failed = |cause: std::io::Error| {
        let message =
            format!("can't keep what is to be replaced in `{}`; nothing was replaced", path.display());
        Error::invalid(message).with_source(cause)
    };
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(path.display().to_string())
}

fn read_all(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn overwrite(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

/// Opens or makes a state file, with the mode that Terraform gives it.
fn open(path: &Path) -> std::io::Result<File> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn open_existing(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Locks a file as Terraform does; `false` where somebody else has.
#[cfg(unix)]
fn lock(file: &File) -> std::io::Result<bool> {
    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;
    match fcntl_lock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn lock(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(cause)) => Err(cause),
    }
}

/// The lock of a state file. It ends with the process.
#[derive(Debug)]
pub(crate) struct FileLock(StateFile);

impl LockStore for FileLock {
    fn acquire<'a>(&'a self, record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>> {
        std::future::ready(self.0.try_acquire(record)).boxed()
    }

    /// Only what this process holds can be told.
    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>> {
        let record = self.0.held().is_some().then(|| fs::read_to_string(self.0.info_path()).ok());
        std::future::ready(Ok(record.map(|record| self.0.holder(record)))).boxed()
    }

    fn release<'a>(&'a self, _holder: &'a Holder) -> BoxFuture<'a, Result<bool>> {
        std::future::ready(Ok(self.0.release())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> LockRecord {
        LockRecord::new(LockInfo { id: "i".into(), ..LockInfo::default() })
    }

    #[test]
    fn a_shorter_state_leaves_nothing_of_the_longer_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = StateFile::new(directory.path().join("d/terraform.tfstate"));
        assert_eq!(file.read().unwrap(), None);
        file.write(b"a longer one").unwrap();
        file.try_acquire(&record()).unwrap();
        file.write(b"short").unwrap();
        assert_eq!(file.read().unwrap().unwrap(), "short");
        assert!(file.release());
        assert_eq!(fs::read(file.path()).unwrap(), b"short");
        assert!(!file.info_path().exists());
    }

    #[test]
    fn what_is_kept_has_a_name_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let file = StateFile::new(directory.path().join("terraform.tfstate"));
        let (first, second) = (file.keep_beside(b"a").unwrap(), file.keep_beside(b"b").unwrap());
        assert_ne!(first, second);
        assert_eq!(file.keep_beside(b"a").unwrap(), first);
        assert_eq!(fs::read(first).unwrap(), b"a");
    }
}
