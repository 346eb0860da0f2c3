//! `PutObject`, and what every write of an object shares.

use rusqlite::Transaction;
use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Result};

use super::body::{self, Expected};
use super::checksum::{Algorithm, checksum_type, show_checksum};
use super::condition::WriteCondition;
use super::encryption::{CustomerKey, Encryption, show_encryption};
use super::meta::{self, Meta, headers};
use super::read;
use crate::store::blob::Segment;
use crate::store::bucket::{self, Bucket};
use crate::store::version::{self, NewVersion, Version};
use crate::store::{Store, Stored};

/// Stores an object whole, on the conditions of its headers.
pub(crate) async fn put_object(
    store: &Store,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let condition = WriteCondition::from_headers(&request.headers)?;
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let encryption = Encryption::from_headers(&request.headers, customer_key.as_ref())?;
    let tags = meta::tags_from_header(request.input.tagging.as_deref())?;
    let expected = Expected::from_headers(&request.headers)?;
    let kept = expected.algorithm().unwrap_or(Algorithm::Crc64Nvme);
    let (body, trailers) = (request.input.body.take(), request.trailing_headers.take());
    let arrived = body::receive(store, body, trailers, &expected, kept).await?;

    let mut input = request.input;
    let meta = Meta {
        headers: headers!(input),
        user: meta::user(input.metadata),
        checksum: Some(arrived.checksum.clone()),
        ..Meta::default()
    };
    let new = NewVersion {
        key: input.key,
        size: arrived.size,
        etag: arrived.md5.clone(),
        meta,
        tags,
        ..NewVersion::default()
    };
    let (bucket, version) = store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &input.bucket)?;
            let latest = version::latest(transaction, &bucket, &new.key)?;
            condition.check(latest.as_ref())?;
            let segments = arrived.place(transaction)?;
            let version = put(transaction, &bucket, new, encryption, &segments)?;
            Ok((bucket, version))
        })
        .await?;

    let mut output = PutObjectOutput {
        e_tag: Some(read::etag(&version.etag)),
        version_id: read::shown_version_id(&bucket, &version),
        checksum_type: Some(checksum_type(false)),
        ..Default::default()
    };
    show_encryption!(output, version.meta.encryption, customer_key.as_ref());
    show_checksum!(output, version.meta.checksum.as_ref());
    Ok(output)
}

/// Writes `new` with the encryption asked for, or the bucket's.
///
/// As on AWS, the ETag is not the MD5 of the bytes unless the encryption is S3's own.
pub(crate) fn put(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    mut new: NewVersion,
    encryption: Option<Encryption>,
    segments: &[Segment],
) -> Stored<Version> {
    new.meta.encryption = Encryption::settle(encryption, transaction, bucket)?;
    if !new.meta.encryption.etag_is_md5() && new.meta.parts.is_empty() {
        new.etag = crate::env::hex(&crate::env::random::<16>()?);
    }
    version::put(transaction, bucket, new, segments)
}
