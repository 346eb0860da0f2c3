//! `If-Match` and its like.

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{ETag, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::error;
use crate::store::version::Version;

/// What must hold for a write; checked in the transaction of the write.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WriteCondition {
    if_match: Option<ETagCondition>,
    if_none_match: bool,
}

impl WriteCondition {
    /// # Errors
    /// `InvalidArgument`: a malformed header. `NotImplemented`: `If-None-Match` with anything but `*`, as on AWS.
    pub(crate) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        let if_none_match = parse(headers, "if-none-match")?;
        if if_none_match.as_ref().is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            ));
        }
        Ok(Self { if_match: parse(headers, "if-match")?, if_none_match: if_none_match.is_some() })
    }

    /// `If-Match` with one ETag, as in a `DeleteObjects` document.
    pub(crate) fn matching(etag: Option<ETag>) -> Self {
        Self { if_match: etag.map(ETagCondition::ETag), if_none_match: false }
    }

    /// # Errors
    /// `PreconditionFailed`, or `NoSuchKey` when `If-Match` meets no object. A delete marker is no object.
    pub(crate) fn check(&self, latest: Option<&Version>) -> S3Result<()> {
        let current = latest.filter(|version| !version.marker);
        if self.if_none_match && current.is_some() {
            return Err(error::precondition_failed());
        }
        let Some(condition) = &self.if_match else { return Ok(()) };
        let current = current.ok_or_else(error::no_such_key)?;
        if is_match(condition, &current.etag) { Ok(()) } else { Err(error::precondition_failed()) }
    }
}

/// What must hold for a read.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadCondition {
    pub(crate) matches: Option<ETagCondition>,
    pub(crate) none_match: Option<ETagCondition>,
    pub(crate) modified_since: Option<Timestamp>,
    pub(crate) unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// Source: RFC 9110, section 13.2.2.
    ///
    /// # Errors
    /// `PreconditionFailed`, or 304 `NotModified` with the headers that describe the version.
    pub(crate) fn check(&self, version: &Version) -> S3Result<()> {
        let modified = version.modified_ms.div_euclid(1000);
        match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) if !is_match(condition, &version.etag) => {
                return Err(error::precondition_failed());
            }
            (None, Some(since)) if modified > seconds(since) => return Err(error::precondition_failed()),
            _ => {}
        }
        match (&self.none_match, &self.modified_since) {
            (Some(condition), _) if is_match(condition, &version.etag) => Err(not_modified(version)),
            (None, Some(since)) if modified <= seconds(since) => Err(not_modified(version)),
            _ => Ok(()),
        }
    }

    /// For the source of a copy, where S3 knows no 304.
    pub(crate) fn check_source(&self, version: &Version) -> S3Result<()> {
        self.check(version).map_err(|_| error::precondition_failed())
    }
}

fn parse(headers: &HeaderMap, name: &str) -> S3Result<Option<ETagCondition>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let condition = ETagCondition::parse_http_header(value.as_bytes());
    condition.map(Some).map_err(|_| s3_error!(InvalidArgument, "invalid header: {name}"))
}

fn is_match(condition: &ETagCondition, etag: &str) -> bool {
    condition.is_any() || condition.as_etag().is_some_and(|wanted| wanted.value() == etag)
}

fn seconds(timestamp: &Timestamp) -> i64 {
    let mut text = Vec::new();
    let written = timestamp.format(s3s::dto::TimestampFormat::EpochSeconds, &mut text);
    let text = written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

fn not_modified(version: &Version) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_status_code(StatusCode::NOT_MODIFIED);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = HeaderValue::try_from(format!("\"{}\"", version.etag)) {
        headers.insert(http::header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}
