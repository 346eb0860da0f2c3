//! Bodies of objects: one request, which S3 answers from one version, continued where it breaks off.
//!
//! A whole read is not split into ranges: one answer can't mix two versions and costs one request, whatever its size.
//! Only what is missing after a break is asked for by range, pinned with `If-Match` to the version that was begun.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use bytes::{Bytes, BytesMut};

use crate::aws::{Failure, Service};
use crate::digest::StateDigest;
use crate::names::{ETag, VersionId};
use crate::object::{Body, Bucket, Facts, facts};

/// How often in a row a body may break off without a byte of progress.
const FRUITLESS_BREAKS: usize = 3;
/// How often an object may be replaced while it is read before the read is given up.
pub(crate) const READINGS: usize = 5;

/// An object whose body is on its way.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    bucket: &'a Bucket,
    key: &'a str,
    pub(crate) etag: Option<ETag>,
    pub(crate) facts: Facts,
    /// How many bytes the object has, where the store says so.
    pub(crate) length: Option<u64>,
    received: u64,
    fruitless: usize,
    answer: GetObjectOutput,
}

/// Why a body can't be read to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It broke off, and another version is stored by now.
    Replaced,
    /// It broke off, and can't be continued.
    Failed(Failure),
}

impl Bucket {
    /// Starts reading an object; `None` where there is none.
    pub(crate) async fn open<'a>(&'a self, key: &'a str) -> Result<Option<Download<'a>>, Failure> {
        let answer = self.start_get(key).await?;
        Ok(answer.map(|answer| Download::new(self, key, answer)))
    }

    /// Reads an object whole; `None` where there is none. One that is replaced meanwhile is read anew.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Body>, Failure> {
        let mut reading = 1;
        loop {
            let Some(download) = self.open(key).await? else { return Ok(None) };
            match download.collect().await {
                Ok(body) => return Ok(Some(body)),
                Err(Broken::Failed(failure)) => return Err(failure),
                Err(Broken::Replaced) if reading == READINGS => return Err(replaced_again_and_again()),
                Err(Broken::Replaced) => tracing::warn!(key, reading, "replaced while it was read"),
            }
            reading += 1;
        }
    }
}

impl Bucket {
    /// Reads one version of an object whole; one that breaks off is not continued.
    pub(crate) async fn get_version(&self, key: &str, version: &VersionId) -> Result<Option<Body>, Failure> {
        let Some(answer) = self.start_get_version(key, version).await? else { return Ok(None) };
        match Download::new(self, key, answer).collect().await {
            Ok(body) => Ok(Some(body)),
            Err(Broken::Failed(failure)) => Err(failure),
            Err(Broken::Replaced) => Err(Failure::interrupted(Service::S3, "the body broke off".to_owned())),
        }
    }
}

impl<'a> Download<'a> {
    fn new(bucket: &'a Bucket, key: &'a str, answer: GetObjectOutput) -> Self {
        let (etag, facts) = facts(&answer);
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        Self { bucket, key, etag, facts, length, received: 0, fruitless: 0, answer }
    }

    /// Whether the headers alone prove that the object is the one with this digest.
    ///
    /// An entity tag that is the MD5 of the bytes does (it is one for uploads in one part without KMS or a customer's
    /// key; otherwise it is no MD5 and can't equal one), and so does the digest that travels with what s3tate wrote.
    pub(crate) fn proves(&self, digest: StateDigest) -> bool {
        let tag = self.etag.as_ref().and_then(|tag| StateDigest::from_hex(tag.as_str().trim_matches('"')));
        tag == Some(digest) || self.facts.metadata.digest == Some(digest)
    }

    /// The next bytes; `None` at the end, which is as far as the announced length and no nearer.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            let why = match self.answer.body.next().await {
                Some(Ok(chunk)) => {
                    self.received += chunk.len() as u64;
                    self.fruitless = 0;
                    return Ok(Some(chunk));
                }
                None if self.length.is_none_or(|length| length == self.received) => return Ok(None),
                None => format!("{} of {} bytes came", self.received, self.length.unwrap_or_default()),
                Some(Err(error)) => error.to_string(),
            };
            self.resume(why).await?;
        }
    }

    /// Asks for what is missing, of the same version.
    async fn resume(&mut self, why: String) -> Result<(), Broken> {
        self.fruitless += 1;
        if self.fruitless > FRUITLESS_BREAKS {
            return Err(Broken::Failed(Failure::interrupted(Service::S3, why)));
        }
        tracing::warn!(key = self.key, received = self.received, why, "the body broke off");
        let Some(etag) = &self.etag else { return Err(Broken::Replaced) };
        match self.bucket.start_get_from(self.key, self.received, etag).await {
            Ok(Some(answer)) if self.continues(&answer) => {
                self.answer = answer;
                Ok(())
            }
            // Gone, or answered by a store that knows no conditions or no ranges.
            Ok(_) => Err(Broken::Replaced),
            Err(failure) if failure.precondition_failed() || failure.status == Some(416) => {
                Err(Broken::Replaced)
            }
            Err(failure) => Err(Broken::Failed(failure)),
        }
    }

    /// Whether an answer is the rest of the body that was begun.
    fn continues(&self, answer: &GetObjectOutput) -> bool {
        let from = format!("bytes {}-", self.received);
        answer.content_range().is_some_and(|range| range.starts_with(&from))
            && answer.e_tag() == self.etag.as_ref().map(ETag::as_str)
    }

    async fn collect(mut self) -> Result<Body, Broken> {
        let expected = self.length.and_then(|length| usize::try_from(length).ok());
        let mut bytes = BytesMut::with_capacity(expected.unwrap_or_default());
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(Body { bytes: bytes.freeze(), etag: self.etag, facts: self.facts })
    }
}

fn replaced_again_and_again() -> Failure {
    let why = format!("it was replaced {READINGS} times while it was read");
    Failure::interrupted(Service::S3, why)
}
