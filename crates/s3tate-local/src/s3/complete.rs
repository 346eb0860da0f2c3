//! `CompleteMultipartUpload`: the parts become one object, without being copied.

use http::HeaderMap;
use md5::{Digest, Md5};
use rusqlite::Transaction;
use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart};
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::checksum::{self, Algorithm, Checksum, Form, checksum_type, show_checksum};
use super::condition::WriteCondition;
use super::error::invalid_argument;
use super::meta::PartMeta;
use super::read;
use crate::env;
use crate::store::blob::Segment;
use crate::store::bucket::{self, Bucket};
use crate::store::upload::{Part, Upload};
use crate::store::version::{self, NewVersion, Version};
use crate::store::{Store, Stored, upload};

/// Makes an object of the listed parts; parts that are not listed are dropped.
pub(crate) async fn complete_multipart_upload(
    store: &Store,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let condition = WriteCondition::from_headers(&request.headers)?;
    let claim = claim(&request.headers);
    let input = request.input;
    let (name, key) = (input.bucket.clone(), input.key.clone());
    let listed = input.multipart_upload.and_then(|document| document.parts).unwrap_or_default();
    let (upload_id, size) = (input.upload_id, input.mpu_object_size);
    let (bucket, version) = store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &name)?;
            let upload = upload::get(transaction, &bucket, &key, &upload_id)?;
            let latest = version::latest(transaction, &bucket, &key)?;
            condition.check(latest.as_ref())?;
            let parts = choose(&listed, &upload::parts(transaction, &upload)?)?;
            let version = complete(transaction, &bucket, &upload, &parts, claim.as_ref(), size)?;
            Ok((bucket, version))
        })
        .await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, crate::form::encode(&input.key, b"/"))),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(read::etag(&version.etag)),
        version_id: read::shown_version_id(&bucket, &version),
        checksum_type: version.meta.checksum.as_ref().map(|checksum| checksum_type(checksum.composite)),
        server_side_encryption: version.meta.encryption.algorithm(),
        ssekms_key_id: version.meta.encryption.key_id(),
        bucket_key_enabled: version.meta.encryption.bucket_key(),
        ..Default::default()
    };
    show_checksum!(output, version.meta.checksum.as_ref());
    Ok(output)
}

/// The checksum that the client computed for the object, if it sent one.
fn claim(headers: &HeaderMap) -> Option<(Algorithm, String)> {
    Algorithm::ALL.into_iter().find_map(|algorithm| {
        let value = headers.get(algorithm.header())?.to_str().ok()?;
        Some((algorithm, value.to_owned()))
    })
}

/// The stored parts that the client lists.
///
/// # Errors
/// `InvalidPartOrder`: their numbers don't rise. `InvalidPart`: one is missing or has another ETag or checksum.
fn choose(listed: &[CompletedPart], stored: &[Part]) -> S3Result<Vec<Part>> {
    if listed.is_empty() {
        return Err(s3_error!(MalformedXML, "You must specify at least one part"));
    }
    let rising = listed.windows(2).all(|pair| pair[0].part_number < pair[1].part_number);
    if !rising {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(s3_error!(InvalidPartOrder, "{message}"));
    }
    let fits = |part: &Part, listed: &CompletedPart| {
        Some(part.number) == listed.part_number
            && listed.e_tag.as_ref().is_some_and(|etag| etag.value() == part.etag)
            && has_checksum(part, listed)
    };
    let find = |listed: &CompletedPart| {
        stored.iter().find(|part| fits(part, listed)).cloned().ok_or_else(invalid_part)
    };
    listed.iter().map(find).collect()
}

fn has_checksum(part: &Part, listed: &CompletedPart) -> bool {
    let claims = [
        (Algorithm::Crc32, &listed.checksum_crc32),
        (Algorithm::Crc32c, &listed.checksum_crc32c),
        (Algorithm::Crc64Nvme, &listed.checksum_crc64nvme),
        (Algorithm::Sha1, &listed.checksum_sha1),
        (Algorithm::Sha256, &listed.checksum_sha256),
    ];
    // A part whose checksum is kept in another algorithm was compared with the claim when it was uploaded.
    part.checksum.as_ref().is_none_or(|stored| {
        claims.iter().all(|(algorithm, claimed)| {
            *algorithm != stored.algorithm || claimed.as_ref().is_none_or(|claimed| *claimed == stored.value)
        })
    })
}

fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
         specified entity tag may not match the part's entity tag."
    )
}

fn complete(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    upload: &Upload,
    parts: &[Part],
    claim: Option<&(Algorithm, String)>,
    claimed_size: Option<i64>,
) -> Stored<Version> {
    let size = parts.iter().map(|part| part.size).sum();
    if claimed_size.is_some_and(|claimed| u64::try_from(claimed) != Ok(size)) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was computed."
        )
        .into());
    }
    let form = upload.plan.checksum.unwrap_or(Form { algorithm: Algorithm::Crc64Nvme, composite: false });
    let sums: Vec<_> = parts.iter().map(|part| (part.size, part.checksum.clone())).collect();
    let checksum = checksum::of_parts(form, &sums);
    if let Some(claim) = claim {
        check_claim(claim, checksum.as_ref())?;
    }
    let mut meta = upload.plan.meta.clone();
    meta.checksum = checksum;
    meta.parts = parts.iter().map(part_meta).collect();
    let new = NewVersion {
        key: upload.key.clone(),
        marker: false,
        size,
        etag: etag(parts).ok_or_else(|| invalid_argument("a part has no ETag"))?,
        meta,
        tags: upload.plan.tags.clone(),
    };
    let version = version::put(transaction, bucket, new, &segments(parts))?;
    upload::delete(transaction, upload)?;
    Ok(version)
}

fn check_claim((algorithm, value): &(Algorithm, String), checksum: Option<&Checksum>) -> S3Result<()> {
    let fitting = checksum.filter(|checksum| checksum.algorithm == *algorithm);
    let same = fitting.is_some_and(|checksum| {
        let plain = checksum.value.split('-').next().unwrap_or_default();
        *value == checksum.value || *value == plain
    });
    if same {
        return Ok(());
    }
    Err(s3_error!(BadDigest, "The {} you specified did not match the calculated checksum.", algorithm.name()))
}

fn part_meta(part: &Part) -> PartMeta {
    PartMeta { number: part.number, size: part.size, checksum: part.checksum.clone() }
}

/// The MD5 of the parts' MD5s, and their number.
fn etag(parts: &[Part]) -> Option<String> {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(env::unhex(&part.etag)?);
    }
    Some(format!("{}-{}", env::hex(&md5.finalize()), parts.len()))
}

fn segments(parts: &[Part]) -> Vec<Segment> {
    let mut at = 0;
    let mut segments = Vec::new();
    for part in parts.iter().filter(|part| part.size > 0) {
        segments.push(Segment { at, blob: part.blob, size: part.size });
        at += part.size;
    }
    segments
}
