//! The log as a file: lines are appended and on the disk before anybody hears of success. One process writes it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use s3tate::{Error, ErrorKind, Result};

use super::chain::{Chain, Line, hash};
use super::event::{Event, Torn};

/// How much of the end of a file is looked at for its last line, which has a few KiB.
const END_BYTES: u64 = 1 << 20;

/// A log that lines are appended to.
#[derive(Debug)]
pub(super) struct FileLog {
    path: PathBuf,
    /// What is open, and locked; `None` after a failure, which may have left part of a line.
    open: Option<(File, Chain)>,
}

impl FileLog {
    /// Opens a log, or begins one, and writes that it did.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: it can't be written, or another process writes it. [`ErrorKind::Corrupt`]: its last
    /// line is not as it was written.
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<Self> {
        let mut log = Self { path: path.to_owned(), open: None };
        log.open = Some(log.opened(now)?);
        Ok(log)
    }

    /// Appends events, all of them or, as far as anybody may rely on it, none.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: they are not known to be on the disk. The next call begins by looking at what is.
    pub(super) fn append(&mut self, events: &[Event], now: Timestamp) -> Result<()> {
        let (mut file, chain) = match self.open.take() {
            Some(open) => open,
            None => self.opened(now)?,
        };
        let end = write(&mut file, &chain, "", events).map_err(|cause| self.unwritten(cause))?;
        self.open = Some((file, end));
        Ok(())
    }

    fn opened(&self, now: Timestamp) -> Result<(File, Chain)> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path).map_err(|cause| self.unwritten(cause))?;
        file.try_lock().map_err(|cause| match cause {
            TryLockError::WouldBlock => self
                .failed("another process writes the audit log")
                .hint("give each server a file of its own, or `in_bucket = true`"),
            TryLockError::Error(cause) => self.unwritten(cause),
        })?;
        let (chain, torn) = self.end(&mut file)?;
        let newline = if torn.is_some() { "\n" } else { "" };
        let chain = write(&mut file, &chain, newline, &[Event::opened(now, torn)]);
        Ok((file, chain.map_err(|cause| self.unwritten(cause))?))
    }

    /// The chain in a file, and what is left of a line that was being written when its writer ended.
    fn end(&self, file: &mut File) -> Result<(Chain, Option<Torn>)> {
        let read = |file: &mut File| -> io::Result<(u64, Vec<u8>)> {
            let length = file.seek(SeekFrom::End(0))?;
            let from = length.saturating_sub(END_BYTES);
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(END_BYTES).read_to_end(&mut bytes)?;
            Ok((from, bytes))
        };
        let (from, bytes) = read(file).map_err(|cause| self.unwritten(cause))?;
        let newline = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        let whole = newline(&bytes).unwrap_or_default();
        let (lines, rest) = bytes.split_at(whole);
        let torn = (!rest.is_empty()).then(|| Torn { bytes: rest.len() as u64, sha256: hash(rest) });
        let Some((_, before)) = lines.split_last() else {
            // A whole MiB without a line is nothing that a crash leaves.
            return if from == 0 {
                Ok((Chain::default(), torn))
            } else {
                Err(self.no_log("it has no lines"))
            };
        };
        let last = before.get(newline(before).unwrap_or_default()..).unwrap_or_default();
        let line = Line::read(last).map_err(|why| self.no_log(&format!("of its last line: {why}")))?;
        Ok((line.end(), torn))
    }

    fn no_log(&self, why: &str) -> Error {
        let path = self.path.display();
        Error::new(ErrorKind::Corrupt, format!("the audit log `{path}` can't be gone on with; {why}")).hint(
            "`s3tate serve verify` tells what is wrong with it; a new one begins where it is moved away",
        )
    }

    fn failed(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unavailable, format!("{what}: `{}`", self.path.display()))
    }

    fn unwritten(&self, cause: io::Error) -> Error {
        self.failed("the audit log can't be written").with_source(cause)
    }
}

fn write(file: &mut File, chain: &Chain, before: &str, events: &[Event]) -> io::Result<Chain> {
    let (mut text, mut end) = (before.to_owned(), chain.clone());
    for event in events {
        let (line, next) = end.seal(event)?;
        text.push_str(&line);
        end = next;
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Verified, verify};

    fn log(path: &Path) -> Result<FileLog> {
        FileLog::open(path, Timestamp::UNIX_EPOCH)
    }

    fn sound(path: &Path) -> Verified {
        verify(&std::fs::read(path).unwrap()[..], None).unwrap()
    }

    #[test]
    fn a_chain_goes_on_after_a_restart_and_after_a_torn_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        log(&path).unwrap().append(&[Event::default()], Timestamp::UNIX_EPOCH).unwrap();
        drop(log(&path).unwrap());
        assert_eq!((sound(&path).records, sound(&path).torn), (3, 0));
        let whole = std::fs::read(&path).unwrap();
        let cut = &whole[..whole.len() - 9];
        std::fs::write(&path, cut).unwrap();
        assert!(verify(cut, None).is_err(), "until somebody goes on");
        log(&path).unwrap().append(&[Event::default()], Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((sound(&path).records, sound(&path).torn), (4, 1));
        assert!(std::fs::read(&path).unwrap().starts_with(cut), "what was torn stays");
        // What was torn can't be changed unseen either.
        let mut changed = std::fs::read(&path).unwrap();
        changed[cut.len() - 1] ^= 1;
        assert!(verify(&changed[..], None).is_err());
    }

    #[test]
    fn a_changed_last_line_is_not_gone_on_with() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        drop(log(&path).unwrap());
        let changed = std::fs::read_to_string(&path).unwrap().replace("opened", "closed");
        std::fs::write(&path, &changed).unwrap();
        assert_eq!(log(&path).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
    }

    #[test]
    fn one_process_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let first = log(&path).unwrap();
        assert_eq!(log(&path).unwrap_err().kind(), ErrorKind::Unavailable);
        drop(first);
        drop(log(&path).unwrap());
    }
}
