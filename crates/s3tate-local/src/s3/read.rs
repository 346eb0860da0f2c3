//! Finding a version and reading its bytes.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode};
use md5::{Digest, Md5};
use rusqlite::Connection;
use s3s::checksum::ChecksumHasher;
use s3s::dto::{self, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::checksum::{Algorithm, Checksum};
use super::error;
use crate::store::blob::{self, EAGER_BYTES, Segment};
use crate::store::bucket::{Bucket, Versioning};
use crate::store::version::{self, Version};
use crate::store::{Pin, Reading, Store, Stored};

/// The version that a read is about: the one named, or else the latest.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, or `MethodNotAllowed` for a delete marker that was named.
pub(crate) fn find(
    connection: &Connection,
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
) -> Stored<Version> {
    let found = match version_id {
        Some(id) => version::named(connection, bucket, key, id)?.ok_or_else(error::no_such_version)?,
        None => version::latest(connection, bucket, key)?.ok_or_else(error::no_such_key)?,
    };
    if found.marker { Err(is_marker(&found, version_id.is_some()).into()) } else { Ok(found) }
}

fn is_marker(marker: &Version, named: bool) -> S3Error {
    let mut error = if named {
        s3_error!(MethodNotAllowed, "The specified method is not allowed against this resource.")
    } else {
        error::no_such_key()
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&marker.version_id) {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    error
}

/// `x-amz-version-id` of an answer; absent where versioning was never enabled.
pub(crate) fn shown_version_id(bucket: &Bucket, version: &Version) -> Option<String> {
    (bucket.versioning != Versioning::Off || version.version_id != version::NULL)
        .then(|| version.version_id.clone())
}

/// An ETag as answers carry it.
pub(crate) fn etag(value: &str) -> dto::ETag {
    dto::ETag::Strong(value.to_owned())
}

/// Whole seconds, as S3 keeps them.
pub(crate) fn timestamp(ms: i64) -> dto::Timestamp {
    let seconds = Duration::from_secs(u64::try_from(ms).unwrap_or(0) / 1000);
    SystemTime::UNIX_EPOCH.checked_add(seconds).map_or_else(dto::Timestamp::default, Into::into)
}

/// The bytes that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) range: Range<u64>,
    /// For the header `Content-Range`; absent when all bytes were asked for.
    pub(crate) content_range: Option<String>,
    /// The object's number of parts, when one of them was asked for.
    pub(crate) parts: Option<i32>,
}

/// # Errors
/// `InvalidRange`: nothing of the object lies in it. `InvalidPartNumber`: it has fewer parts.
pub(crate) fn extent(version: &Version, range: Option<&dto::Range>, part: Option<i32>) -> S3Result<Extent> {
    let size = version.size;
    let whole = Extent { range: 0..size, content_range: None, parts: None };
    let (range, parts) = match (range, part) {
        (Some(_), Some(_)) => {
            return Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            ));
        }
        (None, None) => return Ok(whole),
        (Some(range), None) => (range.check(size).ok().filter(|range| !range.is_empty()), None),
        (None, Some(1)) if version.meta.parts.is_empty() && size == 0 => return Ok(whole),
        (None, Some(number)) => {
            let range = part_range(version, number).ok_or_else(|| {
                let message = "The requested partnumber is not satisfiable";
                error::custom(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidPartNumber", message)
            })?;
            (Some(range), i32::try_from(version.meta.parts.len()).ok().filter(|count| *count > 0))
        }
    };
    let range = range.ok_or_else(|| not_satisfiable(size))?;
    let content_range = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
    Ok(Extent { range, content_range: Some(content_range), parts })
}

fn part_range(version: &Version, number: i32) -> Option<Range<u64>> {
    if version.meta.parts.is_empty() {
        return (number == 1).then_some(0..version.size);
    }
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    let size = version.meta.parts.get(index)?.size;
    let start = version.meta.parts.iter().take(index).map(|part| part.size).sum();
    Some(start..start + size)
}

fn not_satisfiable(size: u64) -> S3Error {
    let mut error =
        S3Error::with_message(S3ErrorCode::InvalidRange, "The requested range is not satisfiable");
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(http::header::CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

/// The bytes of a version, or the right to read them later.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Stream(Pinned),
}

/// A body that stays readable, whatever happens to its version.
#[derive(Debug)]
pub(crate) struct Pinned {
    segments: Arc<[Segment]>,
    range: Range<u64>,
    _pin: Pin,
}

/// Reads `range` of a version's bytes if its body is small, and pins it otherwise.
pub(crate) fn content(reading: &Reading<'_>, version: &Version, range: Range<u64>) -> Stored<Content> {
    if version.size <= EAGER_BYTES {
        let segments = blob::segments(reading.connection, version.id)?;
        return Ok(Content::Bytes(blob::read_all(reading.connection, &segments, &range)?));
    }
    Ok(Content::Stream(pinned(reading, version, range)?))
}

/// Pins `range` of a version's bytes.
pub(crate) fn pinned(reading: &Reading<'_>, version: &Version, range: Range<u64>) -> Stored<Pinned> {
    let segments: Arc<[Segment]> = blob::segments(reading.connection, version.id)?.into();
    let pin = reading.pin(segments.iter().map(|segment| segment.blob));
    Ok(Pinned { segments, range, _pin: pin })
}

impl Content {
    pub(crate) fn into_body(self, store: &Store) -> StreamingBlob {
        match self {
            Self::Bytes(bytes) => s3s::Body::from(bytes).into(),
            Self::Stream(pinned) => StreamingBlob::wrap(pinned.stream(store.clone())),
        }
    }
}

impl Pinned {
    /// The bytes, a chunk at a time, each read when the one before it has been taken.
    pub(crate) fn stream(self, store: Store) -> impl Stream<Item = S3Result<Bytes>> + Send + Sync + 'static {
        futures::stream::try_unfold((self, store), |(mut pinned, store)| async move {
            if pinned.range.is_empty() {
                return Ok(None);
            }
            let (segments, range) = (Arc::clone(&pinned.segments), pinned.range.clone());
            let chunk =
                store.read(move |reading| blob::read_chunk(reading.connection, &segments, &range)).await?;
            pinned.range.start += chunk.len() as u64;
            Ok(Some((Bytes::from(chunk), (pinned, store))))
        })
    }

    /// The MD5 of the bytes, in hexadecimal, and their checksum.
    pub(crate) async fn digest(self, store: &Store, algorithm: Algorithm) -> S3Result<(String, Checksum)> {
        let (mut md5, mut hasher) = (Md5::new(), ChecksumHasher::default());
        algorithm.enable(&mut hasher);
        let mut stream = pin!(self.stream(store.clone()));
        while let Some(chunk) = stream.next().await {
            let chunk = chunk?;
            md5.update(&chunk);
            hasher.update(&chunk);
        }
        let value = algorithm.of(&hasher.finalize()).unwrap_or_default();
        Ok((crate::env::hex(&md5.finalize()), Checksum { algorithm, composite: false, value }))
    }
}
