//! The index on disk: a file a state, with what can be searched of it.
//!
//! A file begins with a line that names the format, and one of JSON that says which object it is of; the [`super::lines`]
//! follow, compressed. It is replaced as a whole, so runs at the same time don't disturb each other, and what can't be
//! read counts as not there.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lz4_flex::frame::{BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempDir};

use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::state::Header;

/// The first line of a file; another one is that of another version of s3tate.
const FORMAT: &str = "s3tate-index 2\n";

/// Where what is known of states is kept.
#[derive(Debug, Clone)]
pub struct Index {
    directory: PathBuf,
    /// Keeps a directory that is only for this run.
    temporary: Option<Arc<TempDir>>,
}

/// What is known of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) size_bytes: u64,
    /// MD5 of its bytes; `None` where not all of them were read.
    pub(super) digest: Option<String>,
    #[serde(flatten)]
    pub(super) summary: Summary,
}

/// What it is in brief.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) header: Option<StoredHeader>,
    pub(super) resources: u64,
    pub(super) data: u64,
    pub(super) outputs: u64,
    /// Why it can't be read, where it is a state or is called like one.
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredHeader {
    version: u64,
    terraform_version: String,
    serial: u64,
    lineage: String,
}

impl From<Header> for StoredHeader {
    fn from(header: Header) -> Self {
        let Header { version, terraform_version, serial, lineage } = header;
        Self { version, terraform_version, serial, lineage }
    }
}

impl From<StoredHeader> for Header {
    fn from(stored: StoredHeader) -> Self {
        let StoredHeader { version, terraform_version, serial, lineage } = stored;
        Self { version, terraform_version, serial, lineage }
    }
}

impl Entry {
    /// Whether it is a state, or should be one.
    pub(super) fn is_state(&self) -> bool {
        self.summary.header.is_some() || self.summary.error.is_some()
    }
}

impl Index {
    /// An index in this directory, which is made when something is kept. Only its owner can read the files.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), temporary: None }
    }

    /// An index for one run only.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: there is no place for temporary files.
    pub fn temporary(below: &Path) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("s3tate-index-").tempdir_in(below);
        let directory = directory.map_err(|cause| unusable(below, cause))?;
        Ok(Self { directory: directory.path().to_owned(), temporary: Some(Arc::new(directory)) })
    }

    /// What is known of an object, if it is that of the entity tag.
    pub(super) fn entry(&self, bucket: &str, key: &str, etag: &str) -> Option<Entry> {
        let (entry, _) = read(&self.path(bucket, key))?;
        let is_meant = entry.bucket == bucket && entry.key == key && entry.etag == etag;
        is_meant.then_some(entry)
    }

    /// The lines of an object that is known.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it isn't there any more.
    pub(super) fn lines(&self, bucket: &str, key: &str) -> Result<impl BufRead + Send + use<>> {
        let path = self.path(bucket, key);
        let gone = || Error::new(ErrorKind::Corrupt, format!("`{}` is gone from the index", path.display()));
        let (_, file) = read(&path).ok_or_else(gone)?;
        Ok(BufReader::new(FrameDecoder::new(file)))
    }

    /// Begins to write the lines of an object.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: nothing can be written there.
    pub(super) fn writer(&self) -> Result<LineWriter> {
        let failed = |cause| unusable(&self.directory, cause);
        fs::create_dir_all(&self.directory).map_err(failed)?;
        let file = tempfile::tempfile_in(&self.directory).map_err(failed)?;
        // The smallest, since many are open at a time; and a checksum, since disks forget.
        let frame = FrameInfo::new().block_size(BlockSize::Max64KB).content_checksum(true);
        Ok(LineWriter(FrameEncoder::with_frame_info(frame, file)))
    }

    /// Keeps what is known of an object.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: nothing can be written there.
    pub(super) fn keep(&self, entry: &Entry, lines: LineWriter) -> Result<()> {
        self.store(entry, lines).map_err(|cause| unusable(&self.directory, cause))
    }

    fn store(&self, entry: &Entry, lines: LineWriter) -> io::Result<()> {
        let mut lines = lines.0.finish()?;
        lines.rewind()?;
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(FORMAT.as_bytes())?;
        serde_json::to_writer(&mut file, entry)?;
        file.write_all(b"\n")?;
        io::copy(&mut lines, &mut file)?;
        file.persist(self.path(&entry.bucket, &entry.key))?;
        Ok(())
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.directory.join(name(bucket, key))
    }

    /// Forgets what is known of objects below a prefix that a run did not see, if it came to its end.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the directory can't be read.
    pub(super) fn forget_all_but(&self, bucket: &str, prefix: &str, seen: &Seen) -> Result<()> {
        let Some(names) = seen.of_whole_run() else { return Ok(()) };
        if self.temporary.is_some() || !self.directory.is_dir() {
            return Ok(());
        }
        let files = fs::read_dir(&self.directory).map_err(|cause| unusable(&self.directory, cause))?;
        for file in files.flatten() {
            if file.file_name().to_str().and_then(number).is_none_or(|name| names.contains(&name)) {
                continue;
            }
            let Some((entry, _)) = read(&file.path()) else { continue };
            if entry.bucket == bucket && entry.key.starts_with(prefix) {
                // Another run may have removed it.
                drop(fs::remove_file(file.path()));
            }
        }
        Ok(())
    }
}

/// The name of an object's file.
fn name(bucket: &str, key: &str) -> String {
    StateDigest::of(format!("{bucket}\n{key}").as_bytes()).to_string()
}

/// The first half of a name, which tells files apart well enough to leave one too many.
fn number(name: &str) -> Option<u64> {
    u64::from_str_radix(name.get(..16)?, 16).ok()
}

/// What a run saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<SeenNames>>);

#[derive(Debug, Default)]
struct SeenNames {
    names: BTreeSet<u64>,
    broken: bool,
}

impl Seen {
    pub(super) fn saw(&self, bucket: &str, key: &str) {
        self.lock().names.extend(number(&name(bucket, key)));
    }

    pub(super) fn broke_off(&self) {
        self.lock().broken = true;
    }

    fn of_whole_run(&self) -> Option<BTreeSet<u64>> {
        let mut seen = self.lock();
        (!seen.broken).then(|| std::mem::take(&mut seen.names))
    }

    fn lock(&self) -> MutexGuard<'_, SeenNames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines on their way to disk.
#[derive(Debug)]
pub(super) struct LineWriter(FrameEncoder<File>);

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The head of a file, and the rest of it.
fn read(path: &Path) -> Option<(Entry, impl Read + Send + use<>)> {
    let mut file = BufReader::new(File::open(path).ok()?);
    let mut line = String::new();
    file.read_line(&mut line).ok().filter(|_| line == FORMAT)?;
    line.clear();
    file.read_line(&mut line).ok()?;
    Some((serde_json::from_str(&line).ok()?, file))
}

fn unusable(directory: &Path, cause: io::Error) -> Error {
    Error::invalid(format!("can't keep an index in `{}`", directory.display()))
        .hint("choose another directory with `-index`, or keep none with `-no-index`")
        .with_source(cause)
}
