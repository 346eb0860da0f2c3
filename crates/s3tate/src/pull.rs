//! Passing the stored bytes on while they come, without holding them.

use std::io::{self, Seek as _, Write};

use tempfile::SpooledTempFile;

use crate::digest::{StateDigest, StateHasher};
use crate::download::{Broken, Download, READINGS};
use crate::error::{Error, ErrorKind, Result};
use crate::names::VersionId;
use crate::payload::{Payload, Spool};
use crate::read::Snapshot;
use crate::workspace::Workspace;

/// Unproven states up to this size are kept in memory, larger ones in a temporary file.
const KEPT_IN_MEMORY: usize = 4 << 20;

/// A state that was passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The object's version, in a versioned bucket.
    pub version_id: Option<VersionId>,
}

/// How a reading ended.
enum Reading {
    /// All of it came: how many bytes, and their digest.
    Whole(u64, StateDigest),
    /// Another version is stored by now, and nothing of this one was passed on.
    Replaced,
}

impl Workspace {
    /// Writes the stored bytes to `sink`; `None` where there is no state.
    ///
    /// Takes one round trip, and memory that does not grow with the state. Bytes are passed on as they come where the
    /// object's entity tag or metadata proves the recorded digest beforehand, or where none is recorded. Otherwise
    /// they are kept until their digest proves them, in a temporary file without a name that only its owner may read.
    /// A body that breaks off is continued.
    ///
    /// # Errors
    /// - those of [`Workspace::read`]; nothing was passed on.
    /// - [`ErrorKind::Conflict`]: the body broke off after some of it was passed on, and the state was replaced before
    ///   it could be continued.
    /// - [`ErrorKind::Corrupt`]: what came, and was passed on, isn't what the store's own headers promised.
    /// - [`ErrorKind::Unavailable`], with its cause as source: `sink` or the temporary file can't be written.
    pub async fn pull(&self, sink: &mut impl Write) -> Result<Option<Pulled>> {
        let bucket = self.bucket();
        for _ in 0..READINGS {
            let (download, recorded) = self.open(&bucket).await?;
            let Some(download) = download.filter(|download| download.length != Some(0)) else {
                if recorded.is_none() {
                    return Ok(None);
                }
                break;
            };
            let pulled = Pulled { version_id: download.facts.version_id.clone() };
            if recorded.is_none_or(|recorded| download.proves(recorded)) {
                match self.pass_on(download, recorded, sink).await? {
                    Reading::Whole(length, _) => return Ok((length > 0).then_some(pulled)),
                    Reading::Replaced => continue,
                }
            }
            let mut kept = tempfile::spooled_tempfile_in(KEPT_IN_MEMORY, self.backend.env.temp_dir());
            match self.keep(download, &mut kept).await? {
                Reading::Whole(_, digest) if recorded == Some(digest) => {
                    kept.rewind().map_err(not_kept)?;
                    return io::copy(&mut kept, sink)
                        .map(|_| Some(pulled))
                        .map_err(|cause| self.not_passed_on(cause));
                }
                Reading::Whole(..) => break,
                Reading::Replaced => {}
            }
        }
        self.pull_settled(sink).await
    }

    /// Where object and recorded digest disagree: waits for both, or tells why they do.
    async fn pull_settled(&self, sink: &mut impl Write) -> Result<Option<Pulled>> {
        let Snapshot { bytes: Some(bytes), version_id, .. } = self.read().await? else { return Ok(None) };
        sink.write_all(&bytes).map_err(|cause| self.not_passed_on(cause))?;
        Ok(Some(Pulled { version_id }))
    }

    /// Passes on what is proven beforehand, or can't be proven at all.
    async fn pass_on(
        &self,
        mut download: Download<'_>,
        promised: Option<StateDigest>,
        sink: &mut impl Write,
    ) -> Result<Reading> {
        let (mut hasher, mut passed) = (StateHasher::default(), 0);
        loop {
            match download.next().await {
                Ok(Some(chunk)) => {
                    hasher.update(&chunk);
                    sink.write_all(&chunk).map_err(|cause| self.not_passed_on(cause))?;
                    passed += chunk.len() as u64;
                }
                Ok(None) => break,
                Err(Broken::Replaced) if passed == 0 => return Ok(Reading::Replaced),
                Err(broken) => return Err(self.broken_off(broken, passed)),
            }
        }
        let digest = hasher.finish();
        match promised {
            Some(promised) if promised != digest => Err(self.not_as_promised(promised, digest)),
            _ => Ok(Reading::Whole(passed, digest)),
        }
    }

    /// Keeps what all bytes together prove, and none of them before.
    async fn keep(&self, mut download: Download<'_>, kept: &mut SpooledTempFile) -> Result<Reading> {
        let (mut hasher, mut length) = (StateHasher::default(), 0);
        loop {
            match download.next().await {
                Ok(Some(chunk)) => {
                    hasher.update(&chunk);
                    kept.write_all(&chunk).map_err(not_kept)?;
                    length += chunk.len() as u64;
                }
                Ok(None) => return Ok(Reading::Whole(length, hasher.finish())),
                Err(Broken::Replaced) => return Ok(Reading::Replaced),
                Err(broken) => return Err(self.broken_off(broken, 0)),
            }
        }
    }

    /// What a body holds, kept; `None` where the object was replaced meanwhile.
    pub(crate) async fn spool(&self, mut download: Download<'_>) -> Result<Option<Payload>> {
        let mut spool = Spool::new(&self.backend.env.temp_dir());
        loop {
            match download.next().await {
                Ok(Some(chunk)) => spool.write_all(&chunk).map_err(not_kept)?,
                Ok(None) => return Ok(Some(spool.finish())),
                Err(Broken::Replaced) => return Ok(None),
                Err(broken) => return Err(self.broken_off(broken, 0)),
            }
        }
    }

    fn broken_off(&self, broken: Broken, passed: u64) -> Error {
        let error = match broken {
            Broken::Failed(failure) => failure.into_error(format!("can't read `{}` to its end", self.url())),
            Broken::Replaced => Error::new(
                ErrorKind::Conflict,
                format!("`{}` was replaced while it was read, so its end can't be had any more", self.url()),
            ),
        };
        if passed == 0 {
            return error;
        }
        error.fact("passed on", format!("its first {passed} bytes, which are no state")).hint("read it again")
    }

    fn not_as_promised(&self, promised: StateDigest, came: StateDigest) -> Error {
        let message = format!("what came of `{}` is not what is stored; do not use it", self.url());
        Error::new(ErrorKind::Corrupt, message)
            .fact("promised", format!("{promised}, by the store's headers and the recorded digest"))
            .fact("came", came.to_string())
            .hint("read it again; if that does not help, compare the object's versions")
    }

    fn not_passed_on(&self, cause: io::Error) -> Error {
        Error::new(ErrorKind::Unavailable, format!("can't pass on what `{}` holds", self.url()))
            .with_source(cause)
    }
}

fn not_kept(cause: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "can't keep the state in a temporary file; nothing was passed on")
        .with_source(cause)
        .hint("set TMPDIR to a directory with room for it")
}
