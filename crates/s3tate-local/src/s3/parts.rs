//! Parts of a multipart upload: upload, copy, list.

use s3s::dto::{
    self, CopyPartResult, CopySource, ListPartsInput, ListPartsOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::body::{self, Arrived, Expected};
use super::checksum::{Algorithm, checksum_type, show_checksum};
use super::condition::ReadCondition;
use super::copy::{self, Source};
use super::encryption::{CustomerKey, show_encryption};
use super::error::invalid_argument;
use super::list::owner;
use super::read;
use super::uploads::MAX_ENTRIES;
use crate::env;
use crate::store::upload::{Part, Upload};
use crate::store::{Store, blob, bucket, upload};

/// Greatest part number.
const MAX_PART_NUMBER: i32 = 10_000;

/// Which part of which upload a request is about.
#[derive(Clone)]
struct Place {
    bucket: String,
    key: String,
    upload_id: String,
    number: i32,
}

/// Stores one part.
pub(crate) async fn upload_part(
    store: &Store,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let expected = Expected::from_headers(&request.headers)?;
    let (body, trailers) = (request.input.body.take(), request.trailing_headers.take());
    let input = request.input;
    let place =
        Place { bucket: input.bucket, key: input.key, upload_id: input.upload_id, number: input.part_number };
    let upload = find(store, &place).await?;
    upload.plan.meta.encryption.check(customer_key.as_ref())?;
    let kept = kept(&upload, expected.algorithm())?;
    let arrived = body::receive(store, body, trailers, &expected, kept).await?;
    let part = put(store, place, arrived).await?;
    let mut output = UploadPartOutput { e_tag: Some(read::etag(&part.etag)), ..Default::default() };
    show_checksum!(output, part.checksum.as_ref());
    show_encryption!(output, upload.plan.meta.encryption, customer_key.as_ref());
    Ok(output)
}

/// Stores a range of an object as a part.
pub(crate) async fn upload_part_copy(
    store: &Store,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<UploadPartCopyOutput> {
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let source_key = CustomerKey::of_source(&request.headers)?;
    let input = request.input;
    let place =
        Place { bucket: input.bucket, key: input.key, upload_id: input.upload_id, number: input.part_number };
    let upload = find(store, &place).await?;
    upload.plan.meta.encryption.check(customer_key.as_ref())?;
    let mut source = source(input.copy_source, input.copy_source_range.as_deref(), source_key)?;
    source.condition = ReadCondition {
        matches: input.copy_source_if_match,
        none_match: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    };
    let found = copy::find(store, source).await?;
    let version_id = read::shown_version_id(&found.bucket, &found.version);
    let body = dto::StreamingBlob::wrap(found.content.stream(store.clone()));
    let arrived = body::receive(store, Some(body), None, &Expected::default(), kept(&upload, None)?).await?;
    let part = put(store, place, arrived).await?;
    let mut result = CopyPartResult {
        e_tag: Some(read::etag(&part.etag)),
        last_modified: Some(read::timestamp(part.modified_ms)),
        ..Default::default()
    };
    show_checksum!(result, part.checksum.as_ref());
    let mut output = UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: version_id,
        ..Default::default()
    };
    show_encryption!(output, upload.plan.meta.encryption, customer_key.as_ref());
    Ok(output)
}

fn source(source: CopySource, range: Option<&str>, key: Option<CustomerKey>) -> S3Result<Source> {
    let mut source = Source::new(source, key)?;
    let invalid =
        || invalid_argument("The x-amz-copy-source-range value must be of the form bytes=first-last");
    source.range = range.map(|range| dto::Range::parse(range).map_err(|_| invalid())).transpose()?;
    Ok(source)
}

async fn find(store: &Store, place: &Place) -> S3Result<Upload> {
    if !(1..=MAX_PART_NUMBER).contains(&place.number) {
        return Err(invalid_argument("Part number must be an integer between 1 and 10000, inclusive"));
    }
    let place = place.clone();
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &place.bucket)?;
            upload::get(reading.connection, &bucket, &place.key, &place.upload_id)
        })
        .await
}

/// The algorithm of the upload's checksum, which a part's own must not differ from.
fn kept(upload: &Upload, claimed: Option<Algorithm>) -> S3Result<Algorithm> {
    match (upload.plan.checksum, claimed) {
        (Some(form), Some(claimed)) if form.algorithm != claimed => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            form.algorithm.name().to_ascii_lowercase(),
            claimed.name().to_ascii_lowercase()
        )),
        (Some(form), _) => Ok(form.algorithm),
        (None, _) => Ok(Algorithm::Crc64Nvme),
    }
}

async fn put(store: &Store, place: Place, arrived: Arrived) -> S3Result<Part> {
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &place.bucket)?;
            let upload = upload::get(transaction, &bucket, &place.key, &place.upload_id)?;
            let blob = match arrived.place(transaction)?.first() {
                Some(segment) => segment.blob,
                None => blob::create(transaction)?,
            };
            let part = Part {
                number: place.number,
                blob,
                size: arrived.size,
                etag: etag(&upload, &arrived)?,
                modified_ms: env::now_ms(),
                checksum: Some(arrived.checksum.clone()),
            };
            upload::put_part(transaction, &upload, &part)?;
            Ok(part)
        })
        .await
}

fn etag(upload: &Upload, arrived: &Arrived) -> Result<String, getrandom::Error> {
    if upload.plan.meta.encryption.etag_is_md5() {
        return Ok(arrived.md5.clone());
    }
    Ok(env::hex(&env::random::<16>()?))
}

/// Lists the parts stored so far, by number.
pub(crate) async fn list_parts(store: &Store, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let (name, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let (upload, mut parts) = store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &name)?;
            let upload = upload::get(reading.connection, &bucket, &key, &id)?;
            let parts = upload::parts(reading.connection, &upload)?;
            Ok((upload, parts))
        })
        .await?;
    let marker = input.part_number_marker.unwrap_or(0);
    let max_parts = input.max_parts.unwrap_or(MAX_ENTRIES).clamp(0, MAX_ENTRIES);
    parts.retain(|part| part.number > marker);
    let limit = usize::try_from(max_parts).unwrap_or(0);
    let truncated = parts.len() > limit;
    parts.truncate(limit);
    let form = upload.plan.checksum;
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: form.map(|form| form.algorithm.name().to_owned().into()),
        checksum_type: form.map(|form| checksum_type(form.composite)),
        is_truncated: Some(truncated),
        key: Some(input.key),
        max_parts: Some(max_parts),
        next_part_number_marker: parts.last().filter(|_| truncated).map(|part| part.number),
        owner: Some(owner()),
        part_number_marker: Some(marker),
        parts: Some(parts.iter().map(|part| shown(part, form.is_some())).collect()),
        storage_class: Some("STANDARD".to_owned().into()),
        upload_id: Some(input.upload_id),
        ..Default::default()
    })
}

fn shown(part: &Part, with_checksum: bool) -> dto::Part {
    let mut shown = dto::Part {
        e_tag: Some(read::etag(&part.etag)),
        last_modified: Some(read::timestamp(part.modified_ms)),
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
        ..Default::default()
    };
    show_checksum!(shown, part.checksum.as_ref().filter(|_| with_checksum));
    shown
}
