//! The journal of a job over several states: what a step does is on disk before the step begins, so that a run that was
//! killed can be gone on with.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// Entries of one kind, one JSON document a line, in a file that only its owner can read and one process at a time
/// writes.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    path: PathBuf,
    file: File,
    entries: Vec<T>,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens a journal, or begins one. A last line that was cut off is dropped: its step had not begun.
    ///
    /// # Errors
    /// - [`ErrorKind::Locked`]: another process works by this journal.
    /// - [`ErrorKind::Corrupt`]: it holds what no version of s3tate this old writes; it stays as it is.
    /// - [`ErrorKind::Invalid`]: it can't be made or read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |cause| unusable(path, cause);
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut file = private(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path)),
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let entries = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let entries = entries.map(serde_json::from_slice).collect::<Result<_, _>>();
        let entries = entries.map_err(|cause| unreadable(path, cause))?;
        let end = whole as u64;
        file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, entries })
    }

    /// What is in it, oldest first.
    pub(crate) fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Adds an entry; it is on disk when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it can't be written; the step that it is about must not begin.
    pub(crate) fn record(&mut self, entry: T) -> Result<()> {
        // Texts and numbers always serialise.
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        written.map_err(|cause| unusable(&self.path, cause))?;
        self.entries.push(entry);
        Ok(())
    }

    /// Removes the journal of a job that is done.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it can't be removed.
    pub(crate) fn finish(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(|cause| unusable(&self.path, cause))
    }
}

fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unusable(path: &Path, cause: std::io::Error) -> Error {
    Error::invalid(format!("can't keep the journal `{}`; nothing more was written", path.display()))
        .hint("choose a directory that can be written with `-journal`")
        .with_source(cause)
}

fn in_use(path: &Path) -> Error {
    Error::new(ErrorKind::Locked, format!("another process works by the journal `{}`", path.display()))
        .hint("wait until it has ended, and run the command again")
}

fn unreadable(path: &Path, cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::Corrupt, format!("`{}` is no journal of this command", path.display()))
        .hint("run the command that began it, or move the file away once you know that all is well")
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below").join("journal.jsonl");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn entries_outlive_the_process_and_a_line_that_was_cut_off_is_dropped() {
        let (_directory, path) = journal("");
        let mut first = Journal::<u32>::open(&path).unwrap();
        first.record(1).unwrap();
        first.record(22).unwrap();
        drop(first);
        let mut text = fs::read_to_string(&path).unwrap();
        text += "33";
        fs::write(&path, text).unwrap();
        let mut second = Journal::<u32>::open(&path).unwrap();
        assert_eq!(second.entries(), [1, 22]);
        second.record(4).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n22\n4\n");
        second.finish().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn one_process_at_a_time_works_by_a_journal() {
        let (_directory, path) = journal("");
        let _first = Journal::<u32>::open(&path).unwrap();
        assert_eq!(Journal::<u32>::open(&path).unwrap_err().kind(), ErrorKind::Locked);
    }

    #[test]
    fn what_is_no_journal_stays_as_it_is() {
        let (_directory, path) = journal("1\nnotes of mine\n");
        assert_eq!(Journal::<u32>::open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\nnotes of mine\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let _journal = Journal::<u32>::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
