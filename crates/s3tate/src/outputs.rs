//! Reading no more of a state than its outputs.

use crate::download::Download;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{OutputsDocument, OutputsReader, Progress, StateError, read_outputs};
use crate::workspace::Workspace;

impl Workspace {
    /// Reads header and root outputs; `None` where there is no state.
    ///
    /// One round trip. Where the object's entity tag or metadata proves the recorded digest, or no digest is recorded,
    /// the body is read only as far as the outputs reach, and the connection dropped; otherwise all of it is read and
    /// hashed.
    ///
    /// # Errors
    /// Those of [`Workspace::read`]; [`ErrorKind::Corrupt`] for a document that is no state.
    pub async fn outputs(&self) -> Result<Option<OutputsDocument>> {
        let bucket = self.bucket();
        let (download, recorded) = self.open(&bucket).await?;
        if let Some(download) = download
            && recorded.is_none_or(|recorded| download.proves(recorded))
            && let Some(read) = self.stream_outputs(download).await
        {
            return read;
        }
        self.outputs_of_all().await
    }

    /// `None` where the whole is needed: the body broke off and can't be continued, or is of a format before 4.
    async fn stream_outputs(&self, mut download: Download<'_>) -> Option<Result<Option<OutputsDocument>>> {
        let mut reader = OutputsReader::new();
        loop {
            let Ok(chunk) = download.next().await else { return None };
            let Some(chunk) = chunk else { break };
            if let Progress::Done = reader.feed(&chunk) {
                return Some(reader.stop().map_err(|error| self.unreadable(error)));
            }
        }
        match reader.finish() {
            Err(StateError::LegacyFormat { .. }) => None,
            read => Some(read.map_err(|error| self.unreadable(error))),
        }
    }

    async fn outputs_of_all(&self) -> Result<Option<OutputsDocument>> {
        let Some(bytes) = self.read().await?.bytes else { return Ok(None) };
        read_outputs(&bytes).map_err(|error| self.unreadable(error))
    }

    /// The error for a stored document that can't be read as a state.
    pub(crate) fn unreadable(&self, error: StateError) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!("`{}` can't be read as a state; nothing was changed", self.url()),
        )
        .with_source(error)
    }
}
