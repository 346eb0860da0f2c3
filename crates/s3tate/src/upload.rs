//! Compare-and-swap writes of objects: one request, or several for very large ones.
//!
//! One request takes up to 5 GiB, gives the object an entity tag that is the MD5 of its bytes (which proves a recorded
//! digest without reading them), and leaves nothing behind when it fails. Parts are worth their price where an upload
//! takes so long that a break should not cost all of it, and where a store, or a proxy before it, limits what one request
//! may carry. Their condition stands on the completion: until then nothing is replaced.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use percent_encoding::NON_ALPHANUMERIC;
use sha2::Digest as _;

use crate::aws::{Failure, PayloadDigest, Service};
use crate::config::Encryption;
use crate::error::{Error, Result};
use crate::names::{ETag, VersionId};
use crate::object::{Bucket, Condition, Put, Receipt, with_customer_key};

/// The content type of state and lock objects, as stock clients set it.
const CONTENT_TYPE: &str = "application/json";
/// The largest object that one request writes, unless another limit is set.
pub(crate) const WHOLE_BYTES: usize = 256 << 20;
/// The largest object that S3 takes by one request.
const MOST_WHOLE_BYTES: u64 = 5 << 30;
/// S3's least size of a part that isn't the last one.
const LEAST_PART_BYTES: usize = 5 << 20;
/// The largest part: what a break costs at most.
const MOST_PART_BYTES: usize = 16 << 20;
/// How many parts are on their way at the same time, as with stock clients.
const CONCURRENT_PARTS: usize = 5;

/// Adds what an object is stored with, to either request that begins one.
macro_rules! described {
    ($request:expr, $config:expr, $put:expr) => {{
        let mut request = $request.bucket(&$config.bucket).key($put.key).content_type(CONTENT_TYPE);
        for (name, value) in $put.metadata {
            request = request.metadata(*name, value);
        }
        if !$put.tags.is_empty() {
            request = request.tagging(tagging($put.tags));
        }
        if let Some(acl) = &$config.acl {
            request = request.acl(ObjectCannedAcl::from(acl.as_str()));
        }
        match &$config.encryption {
            Encryption::BucketDefault => request,
            Encryption::S3 => request.server_side_encryption(ServerSideEncryption::Aes256),
            Encryption::Kms(key) => {
                request.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key)
            }
            Encryption::Customer(_) => with_customer_key!(request, $config),
        }
    }};
}

/// Adds the condition of a write, to either request that makes it happen.
macro_rules! conditional {
    ($request:expr, $condition:expr) => {
        match $condition {
            Condition::Absent => $request.if_none_match("*"),
            Condition::Is(etag) => $request.if_match(etag.as_str()),
            Condition::Always => $request,
        }
    };
}

impl Bucket {
    /// Writes an object if the condition holds; returns its entity tag and version.
    pub(crate) async fn put(&self, put: Put<'_>) -> Result<Receipt, Failure> {
        if put.bytes.length() > self.whole_bytes as u64 {
            self.put_in_parts(put).await
        } else {
            self.put_whole(put).await
        }
    }

    async fn put_whole(&self, put: Put<'_>) -> Result<Receipt, Failure> {
        let request = described!(self.clients.s3().await.put_object(), self.config, put);
        let sha256 = *put.bytes.sha256();
        let checksum = (!self.config.skip_s3_checksum).then(|| STANDARD.encode(sha256));
        let request = conditional!(request, put.condition).set_checksum_sha256(checksum);
        // A file passes by only once, after the request was signed.
        let request = request.body(put.bytes.byte_stream()).customize().interceptor(PayloadDigest(sha256));
        match request.send().await {
            Ok(output) => Ok(receipt(output.e_tag(), output.version_id())),
            Err(error) => Err(self.clients.failure(Service::S3, &error)),
        }
    }

    /// What S3 is to compare the bytes with.
    fn checksum(&self, bytes: &[u8]) -> Option<String> {
        (!self.config.skip_s3_checksum).then(|| STANDARD.encode(sha2::Sha256::digest(bytes)))
    }

    /// Uploads parts and completes them to an object; what fails is aborted, so that no parts are left to pay for.
    async fn put_in_parts(&self, put: Put<'_>) -> Result<Receipt, Failure> {
        let id = self.begin(&put).await.map_err(Failure::before_any_effect)?;
        let failure = match self.upload_parts(&put, &id).await {
            Ok(parts) => match self.complete(&put, &id, parts).await {
                Ok(receipt) => return Ok(receipt),
                Err(failure) => failure,
            },
            Err(failure) => failure.before_any_effect(),
        };
        // Of an upload that was completed after all, with its reply lost, nothing is left to abort.
        if let Err(abort) = self.abort(put.key, &id).await
            && !abort.is("NoSuchUpload")
        {
            tracing::warn!(key = put.key, id, ?abort, "parts of an upload may be left behind");
        }
        Err(failure)
    }

    async fn begin(&self, put: &Put<'_>) -> Result<String, Failure> {
        let request = described!(self.clients.s3().await.create_multipart_upload(), self.config, put);
        let algorithm = (!self.config.skip_s3_checksum).then_some(ChecksumAlgorithm::Sha256);
        match request.set_checksum_algorithm(algorithm).send().await {
            Ok(output) => Ok(output.upload_id().unwrap_or_default().to_owned()),
            Err(error) => Err(self.clients.failure(Service::S3, &error)),
        }
    }

    async fn upload_parts(&self, put: &Put<'_>, id: &str) -> Result<Vec<CompletedPart>, Failure> {
        let size = self.whole_bytes.clamp(LEAST_PART_BYTES, MOST_PART_BYTES);
        let length = put.bytes.length();
        let starts = (0..length).step_by(size);
        let parts = (1..).zip(starts).map(|(number, start)| async move {
            let bytes = put
                .bytes
                .slice(start..length.min(start + size as u64))
                .map_err(|cause| unreadable(&cause))?;
            self.upload_part(put.key, id, number, bytes).await
        });
        futures::stream::iter(parts).buffered(CONCURRENT_PARTS).try_collect().await
    }

    async fn upload_part(
        &self,
        key: &str,
        id: &str,
        number: i32,
        bytes: Bytes,
    ) -> Result<CompletedPart, Failure> {
        let checksum = self.checksum(&bytes);
        let request = self.clients.s3().await.upload_part().bucket(&self.config.bucket).key(key);
        let request = request.upload_id(id).part_number(number).set_checksum_sha256(checksum.clone());
        let sent = with_customer_key!(request, self.config).body(ByteStream::from(bytes)).send().await;
        let sent = sent.map_err(|error| self.clients.failure(Service::S3, &error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag().map(str::to_owned))
            .set_checksum_sha256(checksum)
            .build())
    }

    async fn complete(&self, put: &Put<'_>, id: &str, parts: Vec<CompletedPart>) -> Result<Receipt, Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.clients.s3().await.complete_multipart_upload().bucket(&self.config.bucket);
        let request = request.key(put.key).upload_id(id).multipart_upload(parts);
        match with_customer_key!(conditional!(request, put.condition), self.config).send().await {
            Ok(output) => Ok(receipt(output.e_tag(), output.version_id())),
            Err(error) => Err(self.clients.failure(Service::S3, &error)),
        }
    }

    async fn abort(&self, key: &str, id: &str) -> Result<(), Failure> {
        let request = self.clients.s3().await.abort_multipart_upload();
        let aborted = request.bucket(&self.config.bucket).key(key).upload_id(id).send().await;
        aborted.map(drop).map_err(|error| self.clients.failure(Service::S3, &error))
    }
}

/// Reads the size above which objects are written in parts: a number with `KiB`, `MiB`, `GiB` or no unit, up to 5 GiB.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: no such size.
pub(crate) fn parse_whole_bytes(text: &str) -> Result<usize> {
    let (digits, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("", 0)]
        .into_iter()
        .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim_end(), shift)))
        .unwrap_or((text, 0));
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let fits = bytes.filter(|bytes| *bytes <= MOST_WHOLE_BYTES).and_then(|bytes| usize::try_from(bytes).ok());
    fits.ok_or_else(|| {
        Error::invalid(format!("`{text}` is not a size up to 5 GiB")).hint("write it as `64MiB`")
    })
}

/// A file that can't be read any more.
fn unreadable(cause: &std::io::Error) -> Failure {
    Failure::interrupted(Service::S3, format!("what is to be stored can't be read: {cause}"))
}

fn receipt(tag: Option<&str>, version: Option<&str>) -> Receipt {
    Receipt {
        etag: ETag::from(tag.unwrap_or_default().to_owned()),
        version_id: version.map(|id| VersionId::from(id.to_owned())),
    }
}

/// Tags as S3 wants them in a header: a query string.
fn tagging(tags: &BTreeMap<String, String>) -> String {
    let encode = |text: &str| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = tags.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [("7", 7), ("5MiB", 5 << 20), ("1 GiB", 1 << 30), ("0", 0)] {
            assert_eq!(parse_whole_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MiB", "5MB", "-1", "6GiB", "99999999999GiB"] {
            assert!(parse_whole_bytes(text).is_err(), "{text}");
        }
    }
}
