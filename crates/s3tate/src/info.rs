//! What is known of a state without reading more than its beginning.

use jiff::Timestamp;

use crate::error::Result;
use crate::lock::Holder;
use crate::names::VersionId;
use crate::object::{Beginning, Facts};
use crate::state::{Header, OutputsReader, StateError};
use crate::workspace::Workspace;

/// How much of the object is read to know its header.
const HEAD_BYTES: u64 = 64 << 10;

/// Header and whereabouts of a state, and who holds its lock.
#[derive(Debug, Clone)]
pub struct StateInfo {
    /// Format, writer, serial and lineage.
    pub header: Header,
    /// The object's version, in a versioned bucket.
    pub version_id: Option<VersionId>,
    /// When it was stored, by the store's clock.
    pub modified: Option<Timestamp>,
    /// Size of the object, where the store tells.
    pub size_bytes: Option<u64>,
    /// Who wrote it, where s3tate did.
    pub who: Option<String>,
    /// Who holds the lock, of each kind that somebody holds.
    pub holders: Vec<Holder>,
}

impl Workspace {
    /// Reads what the state says of itself before its content, and who holds its lock; `None` where there is no state.
    ///
    /// One round of requests: 64 KiB of the object at most, and one look at each kind of lock. Only a state whose header
    /// stands elsewhere is read whole. The recorded digest is not looked at, since nothing of the content is used.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] for what is no state; failures of the store.
    pub async fn info(&self) -> Result<Option<StateInfo>> {
        let (beginning, holders) = futures::future::join(self.beginning(), self.lock_holders()).await;
        let (Some(beginning), holders) = (beginning?, holders?) else { return Ok(None) };
        let mut reader = OutputsReader::new();
        reader.feed(&beginning.bytes);
        let header = match reader.header() {
            Ok(Some(header)) => Some(header),
            Ok(None) | Err(StateError::Syntax { .. }) => self.header_of_all().await?,
            Err(error) => return Err(self.unreadable(error)),
        };
        let Facts { version_id, modified, size_bytes, metadata } = beginning.facts;
        let who = metadata.who;
        Ok(header.map(|header| StateInfo { header, version_id, modified, size_bytes, who, holders }))
    }

    async fn beginning(&self) -> Result<Option<Beginning>> {
        let bucket = self.bucket();
        match bucket.beginning(self.key.as_str(), None, HEAD_BYTES).await {
            // An object without a byte has no first one.
            Err(failure) if failure.status == Some(416) => Ok(None),
            read => read.map_err(|failure| self.not_read(&bucket, failure)),
        }
    }

    async fn header_of_all(&self) -> Result<Option<Header>> {
        let Some(bytes) = self.read().await?.bytes else { return Ok(None) };
        Header::parse(&bytes).map_err(|error| self.unreadable(error))
    }
}
