//! The versions of a state that the bucket keeps, as its history.
//!
//! Which versions there are comes from a listing; what each is, from the first bytes of it and its metadata, several
//! versions at a time. Whole states are only read where one is asked for.

mod deletion;
mod line;
mod restore;
mod spec;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

pub use deletion::Deletion;
pub use restore::Restoration;
pub use spec::VersionSpec;

use crate::aws::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::kept::is_kept;
use crate::names::VersionId;
use crate::object::{Beginning, Bucket, Metadata};
use crate::state::{self, Changes, Header, OutputsReader};
use crate::versions::{self, Version};
use crate::workspace::Workspace;

/// How much of a version is read to know its header; smaller states are read whole.
const HEAD_BYTES: u64 = 64 << 10;
/// How many versions are looked into at a time.
const CONCURRENT_LOOKS: usize = 8;

/// One version of a state, or its deletion.
#[derive(Debug, Clone)]
pub struct StateVersion {
    /// The version's id; `null` in a bucket that keeps no versions.
    pub id: VersionId,
    /// When it was stored, by the store's clock.
    pub modified: Option<Timestamp>,
    /// Whether it is what a read gets.
    pub latest: bool,
    /// Whether it stands for a deletion, and holds nothing.
    pub deleted: bool,
    /// Size of the object.
    pub size_bytes: u64,
    /// Its header; `None` for a deletion and for what is no state.
    pub header: Option<Header>,
    /// How many resource instances it has, where it is small or s3tate wrote it.
    pub resources: Option<u64>,
    /// `user@host` of who wrote it, where s3tate did, or the identity that the server wrote it for.
    pub who: Option<String>,
    /// The address that the server was asked from.
    pub from: Option<String>,
    /// The page of the CI run that wrote it, where its token told the server.
    pub run: Option<String>,
    /// The serial of the state that it replaced, where s3tate wrote it.
    pub serial_before: Option<u64>,
    /// How many resource instances it added, changed and removed, where s3tate wrote it.
    pub changes: Option<Changes>,
}

impl Workspace {
    /// The versions of the state, newest first, deletions included, at most `limit` of them.
    ///
    /// One request a thousand versions, and one of up to 64 KiB a version, eight at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Unavailable`]: the versions can't be listed or read.
    pub async fn history(&self, limit: Option<usize>) -> Result<Vec<StateVersion>> {
        let listed = self.versions().await?;
        let bucket = self.bucket();
        self.look_at(&bucket, &listed).take(limit.unwrap_or(usize::MAX)).try_collect().await
    }

    /// The bytes of the version that `spec` means.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: there is no such version, or it is a deletion. Those of [`Workspace::history`].
    pub async fn version(&self, spec: &VersionSpec) -> Result<Bytes> {
        let id = match spec {
            VersionSpec::Id(id) => id.clone(),
            VersionSpec::Serial(serial) => self.with_serial(*serial, spec).await?,
            VersionSpec::At(time) => {
                let listed = self.versions().await?;
                let at =
                    listed.iter().find(|version| version.modified.is_some_and(|modified| modified <= *time));
                at.filter(|version| !version.deleted).ok_or_else(|| self.no_version(spec))?.id.clone()
            }
        };
        let bucket = self.bucket();
        let found = if is_kept(&id) {
            bucket.get(&self.kept_key(id.as_str())).await
        } else {
            bucket.get_version(self.key.as_str(), &id).await
        };
        match found {
            Ok(Some(body)) => Ok(body.bytes),
            Ok(None) => Err(self.no_version(spec)),
            Err(failure) if is_no_version(&failure) => Err(self.no_version(spec)),
            Err(failure) => Err(self.unread(failure, &id)),
        }
    }

    async fn with_serial(&self, serial: u64, spec: &VersionSpec) -> Result<VersionId> {
        let listed = self.versions().await?;
        let bucket = self.bucket();
        let mut looks = self.look_at(&bucket, &listed);
        while let Some(version) = looks.try_next().await? {
            if version.header.is_some_and(|header| header.serial == serial) {
                return Ok(version.id);
            }
        }
        Err(self.no_version(spec))
    }

    /// The versions that the bucket keeps; where it does not keep what is on top, also those that s3tate kept.
    async fn versions(&self) -> Result<Vec<Version>> {
        let listed = match versions::list(self).await {
            Err(failure) if failure.unsupported() => versions::only_the_latest(self).await,
            listed => listed,
        };
        let mut listed = listed.map_err(|failure| self.unlisted(failure))?;
        if listed.latest().is_none_or(Version::is_unversioned) {
            listed.all.extend(self.kept().await.map_err(|failure| self.unlisted(failure))?);
            versions::sort(&mut listed.all);
        }
        Ok(listed.all)
    }

    fn unlisted(&self, failure: Failure) -> Error {
        let denied = failure.denied();
        let error = self.bucket().error(failure, format!("can't list the versions of `{}`", self.url()));
        if denied { error.hint("grant s3:ListBucket and s3:ListBucketVersions on the bucket") } else { error }
    }

    fn look_at<'a>(
        &'a self,
        bucket: &'a Bucket,
        versions: &'a [Version],
    ) -> impl Stream<Item = Result<StateVersion>> + Unpin + 'a {
        let below = |at: usize| versions.get(at + 1);
        let looks = versions.iter().enumerate();
        let looks = looks.map(move |(at, version)| self.look_into(bucket, version, below(at)));
        Box::pin(stream::iter(looks).buffered(CONCURRENT_LOOKS))
    }

    /// Looks into a version; a deletion is known by the version `below` it.
    async fn look_into(
        &self,
        bucket: &Bucket,
        version: &Version,
        below: Option<&Version>,
    ) -> Result<StateVersion> {
        let listed = StateVersion {
            id: version.id.clone(),
            modified: version.modified,
            latest: version.latest,
            deleted: version.deleted,
            size_bytes: version.size_bytes,
            header: None,
            resources: None,
            who: None,
            from: None,
            run: None,
            serial_before: None,
            changes: None,
        };
        if version.deleted {
            let Metadata { who, from, run, .. } = self.deleted_by(below).await;
            return Ok(StateVersion { who, from, run, ..listed });
        }
        if version.size_bytes == 0 {
            return Ok(listed);
        }
        let beginning = if is_kept(&version.id) {
            bucket.beginning(&self.kept_key(version.id.as_str()), None, HEAD_BYTES).await
        } else {
            let id = Some(&version.id).filter(|_| !(version.latest && version.is_unversioned()));
            bucket.beginning(self.key.as_str(), id, HEAD_BYTES).await
        };
        let beginning = beginning.map_err(|failure| self.unread(failure, &version.id))?;
        Ok(beginning.map_or(listed.clone(), |beginning| described(listed, beginning)))
    }

    fn no_version(&self, spec: &VersionSpec) -> Error {
        Error::new(ErrorKind::NotFound, format!("`{}` has no version {spec}", self.url()))
            .hint("`s3tate history` shows the versions that are kept")
    }

    fn unread(&self, failure: Failure, id: &VersionId) -> Error {
        let denied = failure.denied();
        let error = failure.into_error(format!("can't read version `{id}` of `{}`", self.url()));
        if denied { error.hint("grant s3:GetObjectVersion on the object") } else { error }
    }
}

/// S3 names an id that was never given out otherwise than one whose version is gone, and a deletion otherwise still.
fn is_no_version(failure: &Failure) -> bool {
    failure.is("NoSuchVersion") || failure.is("InvalidArgument") || failure.status == Some(405)
}

fn described(listed: StateVersion, beginning: Beginning) -> StateVersion {
    let whole = listed.size_bytes <= HEAD_BYTES;
    let header = if whole {
        Header::parse(&beginning.bytes).ok().flatten()
    } else {
        let mut reader = OutputsReader::new();
        reader.feed(&beginning.bytes);
        reader.header().ok().flatten()
    };
    let counted = || state::count_instances(&beginning.bytes).ok().filter(|_| whole);
    let metadata = beginning.facts.metadata;
    let resources = metadata.resources.or_else(counted);
    StateVersion {
        resources: resources.filter(|_| header.is_some()),
        header,
        who: metadata.who,
        from: metadata.from,
        run: metadata.run,
        serial_before: metadata.parent_serial,
        changes: metadata.changes,
        ..listed
    }
}
