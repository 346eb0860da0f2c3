//! The versions of a state that the bucket keeps: which there are, and what is in those that matter.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::aws::{Failure, Service};
use crate::digest::StateDigest;
use crate::names::VersionId;
use crate::object::Body;
use crate::state::Header;
use crate::workspace::Workspace;

/// How many versions are read to see what is in them.
const READ_AT_MOST: usize = 10;
/// How many bytes are read for that.
const READ_BYTES_AT_MOST: u64 = 64 << 20;
/// How many are read at a time.
const CONCURRENT_READS: usize = 4;

/// One version, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) id: VersionId,
    pub(super) modified: Option<Timestamp>,
    pub(super) latest: bool,
    /// Whether it is a delete marker.
    pub(super) deleted: bool,
    pub(super) size_bytes: u64,
    /// The MD5 by the listing, or of the bytes where these were read.
    pub(super) digest: Option<StateDigest>,
    /// What is in it, where it was read.
    pub(super) body: Option<Body>,
}

/// All versions of one state, newest first, and the other keys that begin like its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    pub(super) all: Vec<Version>,
    pub(super) siblings: BTreeSet<String>,
}

impl Version {
    pub(super) fn header(&self) -> Option<Header> {
        Header::parse(&self.body.as_ref()?.bytes).ok().flatten()
    }

    /// Which it is, and since when, in words.
    pub(super) fn named(&self) -> String {
        match self.modified {
            Some(modified) => format!("version {} of {modified}", self.id),
            None => format!("version {}", self.id),
        }
    }
}

impl Versions {
    /// The newest version with these bytes, other than the latest.
    pub(super) fn earlier_with(&self, digest: StateDigest) -> Option<&Version> {
        self.all.iter().find(|version| !version.latest && version.digest == Some(digest))
    }

    /// Versions that hold something, newest first, other than the latest.
    pub(super) fn earlier(&self) -> impl Iterator<Item = &Version> {
        self.all.iter().filter(|version| !version.latest && !version.deleted && version.size_bytes > 0)
    }

    /// What is on top.
    pub(super) fn latest(&self) -> Option<&Version> {
        self.all.iter().find(|version| version.latest)
    }
}

/// Lists the versions of a workspace's state: one request, which shows up to a thousand.
pub(super) async fn list(workspace: &Workspace) -> Result<Versions, Failure> {
    let clients = &workspace.backend.clients;
    let key = workspace.key.as_str();
    let request =
        clients.s3().await.list_object_versions().bucket(&workspace.backend.config.bucket).prefix(key);
    let page = request.send().await.map_err(|error| clients.failure(Service::S3, &error))?;
    let mut versions = Versions::default();
    for version in page.versions() {
        let (Some(of), Some(id)) = (version.key(), version.version_id()) else { continue };
        if of != key {
            versions.siblings.insert(of.to_owned());
            continue;
        }
        versions.all.push(Version {
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
        versions.all.push(Version {
            id: VersionId::from(id.to_owned()),
            modified: marker.last_modified().and_then(timestamp),
            latest: marker.is_latest().unwrap_or_default(),
            deleted: true,
            size_bytes: 0,
            digest: None,
            body: None,
        });
    }
    // Within a kind they come newest first, which a stable order keeps where the times are the same.
    versions.all.sort_by_key(|version| (Reverse(version.latest), Reverse(version.modified)));
    Ok(versions)
}

/// Reads the newest of the earlier versions. Those that are too many, too large or not to be had stay as listed.
pub(super) async fn read(workspace: &Workspace, versions: &mut Versions) {
    let mut left = READ_BYTES_AT_MOST;
    let wanted = versions.all.iter_mut().filter(|version| !version.latest && !version.deleted);
    let wanted = wanted.take(READ_AT_MOST).filter(|version| {
        let fits = version.size_bytes <= left;
        left = left.saturating_sub(version.size_bytes);
        fits
    });
    let bucket = workspace.bucket();
    let key = workspace.key.as_str();
    let bucket = &bucket;
    stream::iter(wanted)
        .for_each_concurrent(CONCURRENT_READS, |version| async move {
            if let Ok(Some(body)) = bucket.get_version(key, &version.id).await {
                version.digest = Some(StateDigest::of(&body.bytes));
                version.body = Some(body);
            }
        })
        .await;
}

fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}
