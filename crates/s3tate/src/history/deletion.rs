//! Who deleted a state. What S3 keeps of a deletion has no room for that, so it is kept beside, by the version that was deleted:
//! `.s3tate/deleted/KEY/VERSION`, whose metadata tell.

use bytes::Bytes;
use jiff::Timestamp;

use crate::error::Result;
use crate::kept::OWN;
use crate::names::VersionId;
use crate::object::{Beginning, Condition, Metadata, Put};
use crate::provenance;
use crate::read::Snapshot;
use crate::versions::Version;
use crate::workspace::Workspace;

/// The longest key of S3.
const MOST_KEY_BYTES: usize = 1024;

/// That a state was deleted, and what is known of it.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    /// When, by the store's clock.
    pub time: Option<Timestamp>,
    /// The identity that the server deleted it for.
    pub who: Option<String>,
}

impl Workspace {
    /// Whether the state was deleted, where there is none: otherwise nothing was ever stored.
    ///
    /// One or two requests, and one more for who it was.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Denied`], [`crate::ErrorKind::Unavailable`]: the versions can't be listed.
    pub async fn deletion(&self) -> Result<Option<Deletion>> {
        let versions = self.versions().await?;
        Ok(match versions.as_slice() {
            [newest, rest @ ..] if newest.deleted => {
                let who = self.deleted_by(rest.first()).await.who;
                Some(Deletion { time: newest.modified, who })
            }
            // Copies that s3tate kept, with nothing on top of them.
            [newest, ..] if !newest.latest => Some(Deletion::default()),
            _ => None,
        })
    }

    /// What is known of whoever deleted a version.
    pub(super) async fn deleted_by(&self, version: Option<&Version>) -> Metadata {
        let Some(key) = version.and_then(|version| self.deletion_key(&version.id)) else {
            return Metadata::default();
        };
        match self.bucket().beginning(&key, None, 1).await {
            Ok(Some(Beginning { facts, .. })) => facts.metadata,
            _ => Metadata::default(),
        }
    }

    /// Keeps for whom a state was deleted. The deletion stands, whatever becomes of this.
    pub(crate) async fn keep_deletion(&self, base: &Snapshot) {
        let (Some(writer), Some(id)) = (&self.writer, &base.version_id) else { return };
        let Some(key) = self.deletion_key(id) else { return };
        let metadata = provenance::of_deletion(writer);
        let bytes = Bytes::from_static(b"deleted\n").into();
        let tags = &self.backend.config.state_tags;
        let put = Put { key: &key, bytes, condition: Condition::Always, metadata: &metadata, tags };
        if let Err(failure) = self.bucket().put(put).await {
            let error = failure.into_error("who deleted it was not kept".to_owned());
            tracing::warn!(url = self.url(), "{error}");
        }
    }

    fn deletion_key(&self, version: &VersionId) -> Option<String> {
        let key = format!("{OWN}deleted/{}/{version}", self.key);
        (key.len() <= MOST_KEY_BYTES).then_some(key)
    }
}
