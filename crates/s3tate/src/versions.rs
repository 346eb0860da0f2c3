//! The versions of a state that the bucket keeps, as it lists them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use jiff::Timestamp;

use crate::aws::{Failure, Service};
use crate::digest::StateDigest;
use crate::names::VersionId;
use crate::object::Body;
use crate::state::Header;
use crate::workspace::Workspace;

/// The id of what is stored where the bucket keeps no versions.
const UNVERSIONED: &str = "null";

/// One version, or a delete marker.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) id: VersionId,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) latest: bool,
    /// Whether it is a delete marker.
    pub(crate) deleted: bool,
    pub(crate) size_bytes: u64,
    /// The MD5 by the listing, or of the bytes where these were read.
    pub(crate) digest: Option<StateDigest>,
    /// What is in it, where it was read.
    pub(crate) body: Option<Body>,
}

/// All versions of one state, newest first, and the other keys that begin like its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions {
    pub(crate) all: Vec<Version>,
    pub(crate) siblings: BTreeSet<String>,
}

impl Version {
    pub(crate) fn header(&self) -> Option<Header> {
        Header::parse(&self.body.as_ref()?.bytes).ok().flatten()
    }

    /// Whether the next write replaces it for good.
    pub(crate) fn is_unversioned(&self) -> bool {
        self.id.as_str() == UNVERSIONED
    }

    /// Which it is, and since when, in words.
    pub(crate) fn named(&self) -> String {
        match self.modified {
            Some(modified) => format!("version {} of {modified}", self.id),
            None => format!("version {}", self.id),
        }
    }
}

impl Versions {
    /// The newest version with these bytes, other than the latest.
    pub(crate) fn earlier_with(&self, digest: StateDigest) -> Option<&Version> {
        self.all.iter().find(|version| !version.latest && version.digest == Some(digest))
    }

    /// Versions that hold something, newest first, other than the latest.
    pub(crate) fn earlier(&self) -> impl Iterator<Item = &Version> {
        self.all.iter().filter(|version| !version.latest && !version.deleted && version.size_bytes > 0)
    }

    /// What is on top.
    pub(crate) fn latest(&self) -> Option<&Version> {
        self.all.iter().find(|version| version.latest)
    }
}

/// Lists the versions of a workspace's state, a thousand a request.
pub(crate) async fn list(workspace: &Workspace) -> Result<Versions, Failure> {
    let mut versions = Versions::default();
    let (mut key_marker, mut version_marker) = (None, None);
    loop {
        let page = page(workspace, key_marker, version_marker).await?;
        versions.add(workspace.key.as_str(), &page);
        (key_marker, version_marker) =
            (page.next_key_marker().map(str::to_owned), page.next_version_id_marker().map(str::to_owned));
        // Keys come in order, so behind another key there are none of this state's.
        let ended = key_marker.as_deref().is_none_or(|key| key > workspace.key.as_str());
        if ended || !page.is_truncated().unwrap_or_default() {
            break;
        }
    }
    sort(&mut versions.all);
    Ok(versions)
}

/// What a store without versions holds: what is stored now, if anything.
pub(crate) async fn only_the_latest(workspace: &Workspace) -> Result<Versions, Failure> {
    let mut versions = Versions::default();
    if let Some(size_bytes) = workspace.bucket().size(workspace.key.as_str()).await? {
        versions.all.push(Version {
            id: VersionId::from(UNVERSIONED.to_owned()),
            modified: None,
            latest: true,
            deleted: false,
            size_bytes,
            digest: None,
            body: None,
        });
    }
    Ok(versions)
}

/// Newest first. Within a kind they come that way, which a stable order keeps where the times are the same.
pub(crate) fn sort(versions: &mut [Version]) {
    versions.sort_by_key(|version| (Reverse(version.latest), Reverse(version.modified)));
}

async fn page(
    workspace: &Workspace,
    key_marker: Option<String>,
    version_marker: Option<String>,
) -> Result<ListObjectVersionsOutput, Failure> {
    let clients = &workspace.backend.clients;
    let request = clients.s3().await.list_object_versions().bucket(&workspace.backend.config.bucket);
    let request = request.prefix(workspace.key.as_str());
    let request = request.set_key_marker(key_marker).set_version_id_marker(version_marker);
    request.send().await.map_err(|error| clients.failure(Service::S3, &error))
}

impl Versions {
    fn add(&mut self, key: &str, page: &ListObjectVersionsOutput) {
        for version in page.versions() {
            let (Some(of), Some(id)) = (version.key(), version.version_id()) else { continue };
            if of != key {
                self.siblings.insert(of.to_owned());
                continue;
            }
            self.all.push(Version {
                id: VersionId::from(id.to_owned()),
                modified: version.last_modified().and_then(timestamp),
                latest: version.is_latest().unwrap_or_default(),
                deleted: false,
                size_bytes: version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                digest: version.e_tag().and_then(|tag| StateDigest::from_hex(tag.trim_matches('"'))),
                body: None,
            });
        }
        for marker in page.delete_markers().iter().filter(|marker| marker.key() == Some(key)) {
            let Some(id) = marker.version_id() else { continue };
            self.all.push(Version {
                id: VersionId::from(id.to_owned()),
                modified: marker.last_modified().and_then(timestamp),
                latest: marker.is_latest().unwrap_or_default(),
                deleted: true,
                size_bytes: 0,
                digest: None,
                body: None,
            });
        }
    }
}

fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}
