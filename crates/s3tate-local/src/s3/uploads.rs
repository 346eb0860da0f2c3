//! Multipart uploads: begin, abort, list.

use http::HeaderMap;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload,
};
use s3s::{S3Request, S3Result, s3_error};

use super::checksum::{Algorithm, Form, checksum_type};
use super::encryption::{CustomerKey, Encryption, show_encryption};
use super::list::{Encode, owner};
use super::meta::{self, Meta, Plan, headers};
use super::read;
use crate::store::upload::Upload;
use crate::store::{Store, bucket, listing, upload};

/// Greatest number of uploads or parts of a page, and the number when none is asked for.
pub(super) const MAX_ENTRIES: i32 = 1000;

/// Begins an upload; what the object will be is settled here, except for its bytes.
pub(crate) async fn create_multipart_upload(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let encryption = Encryption::from_headers(&request.headers, customer_key.as_ref())?;
    let tags = meta::tags_from_header(request.input.tagging.as_deref())?;
    let form = form(&request.headers)?;
    let mut input = request.input;
    let meta = Meta { headers: headers!(input), user: meta::user(input.metadata), ..Meta::default() };
    let mut plan = Plan { meta, tags, checksum: form };
    let (name, key) = (input.bucket.clone(), input.key.clone());
    let (id, encryption) = store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &name)?;
            plan.meta.encryption = Encryption::settle(encryption, transaction, &bucket)?;
            let id = upload::create(transaction, &bucket, &key, &plan)?;
            Ok((id, plan.meta.encryption))
        })
        .await?;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: form.map(|form| form.algorithm.name().to_owned().into()),
        checksum_type: form.map(|form| checksum_type(form.composite)),
        ..Default::default()
    };
    show_encryption!(output, encryption, customer_key.as_ref());
    Ok(output)
}

/// The checksum asked for: CRC64NVME only of the whole object, SHA only of the parts' checksums, CRC32 of either.
fn form(headers: &HeaderMap) -> S3Result<Option<Form>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text("x-amz-checksum-type");
    let invalid =
        || s3_error!(InvalidRequest, "The checksum type cannot be used with the checksum algorithm.");
    let Some(name) = text("x-amz-checksum-algorithm") else {
        return if kind.is_none() { Ok(None) } else { Err(invalid()) };
    };
    let unknown = || s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported.");
    let algorithm = Algorithm::parse(name).ok_or_else(unknown)?;
    let composite = match (algorithm, kind) {
        (Algorithm::Crc64Nvme, None | Some("FULL_OBJECT"))
        | (Algorithm::Crc32 | Algorithm::Crc32c, Some("FULL_OBJECT")) => false,
        (Algorithm::Crc64Nvme, _) => return Err(invalid()),
        (_, None | Some("COMPOSITE")) => true,
        _ => return Err(invalid()),
    };
    Ok(Some(Form { algorithm, composite }))
}

/// Ends an upload and forgets its parts.
pub(crate) async fn abort_multipart_upload(
    store: &Store,
    input: AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &input.bucket)?;
            let upload = upload::get(transaction, &bucket, &input.key, &input.upload_id)?;
            upload::delete(transaction, &upload)
        })
        .await?;
    Ok(AbortMultipartUploadOutput::default())
}

/// Lists uploads under way by key, with common prefixes.
pub(crate) async fn list_multipart_uploads(
    store: &Store,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let (name, prefix) = (input.bucket.clone(), input.prefix.clone().unwrap_or_default());
    let listed_prefix = prefix.clone();
    let all = store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &name)?;
            upload::list(reading.connection, &bucket, &listed_prefix)
        })
        .await?;
    let max_uploads = input.max_uploads.unwrap_or(MAX_ENTRIES).clamp(0, MAX_ENTRIES);
    let limit = usize::try_from(max_uploads).unwrap_or(0);
    let delimiter = input.delimiter.clone().unwrap_or_default();
    let rest = all.into_iter().filter(|upload| is_behind(upload, &input));
    let page = page(rest, &prefix, &delimiter, limit);
    let encode = Encode::new(input.encoding_type.as_ref());
    Ok(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        is_truncated: Some(page.truncated),
        key_marker: input.key_marker.map(|marker| encode.text(marker)),
        max_uploads: Some(max_uploads),
        next_key_marker: page
            .last
            .as_ref()
            .filter(|_| page.truncated)
            .map(|(key, _)| encode.text(key.clone())),
        next_upload_id_marker: page.last.filter(|_| page.truncated).and_then(|(_, id)| id),
        common_prefixes: Some(
            page.prefixes.into_iter().map(|p| CommonPrefix { prefix: Some(encode.text(p)) }).collect(),
        ),
        uploads: Some(page.uploads.into_iter().map(|upload| shown(upload, &encode)).collect()),
        delimiter: input.delimiter.map(|delimiter| encode.text(delimiter)),
        encoding_type: input.encoding_type,
        prefix: input.prefix.map(|prefix| encode.text(prefix)),
        upload_id_marker: input.upload_id_marker,
        request_charged: None,
    })
}

#[derive(Default)]
struct Page {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    /// Key and upload id of the last entry; a common prefix has no id.
    last: Option<(String, Option<String>)>,
    truncated: bool,
}

fn is_behind(upload: &Upload, input: &ListMultipartUploadsInput) -> bool {
    let key_marker = input.key_marker.as_deref().unwrap_or_default();
    let common = input.delimiter.as_deref().and_then(|delimiter| {
        listing::common_prefix(&upload.key, input.prefix.as_deref().unwrap_or_default(), delimiter)
    });
    if common == Some(key_marker) {
        return false;
    }
    match input.upload_id_marker.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => (upload.key.as_str(), upload.id.as_str()) > (key_marker, id),
        None => upload.key.as_str() > key_marker,
    }
}

fn page(uploads: impl Iterator<Item = Upload>, prefix: &str, delimiter: &str, limit: usize) -> Page {
    let mut page = Page::default();
    for upload in uploads {
        let common = listing::common_prefix(&upload.key, prefix, delimiter).map(ToOwned::to_owned);
        if common.is_some() && page.prefixes.last() == common.as_ref() {
            continue;
        }
        if page.uploads.len() + page.prefixes.len() == limit {
            page.truncated = limit > 0;
            break;
        }
        if let Some(common) = common {
            page.last = Some((common.clone(), None));
            page.prefixes.push(common);
        } else {
            page.last = Some((upload.key.clone(), Some(upload.id.clone())));
            page.uploads.push(upload);
        }
    }
    page
}

fn shown(upload: Upload, encode: &Encode) -> MultipartUpload {
    let form = upload.plan.checksum;
    MultipartUpload {
        checksum_algorithm: form.map(|form| form.algorithm.name().to_owned().into()),
        checksum_type: form.map(|form| checksum_type(form.composite)),
        initiated: Some(read::timestamp(upload.started_ms)),
        initiator: None,
        key: Some(encode.text(upload.key)),
        owner: Some(owner()),
        storage_class: Some(
            upload.plan.meta.headers.storage_class.unwrap_or_else(|| "STANDARD".to_owned()).into(),
        ),
        upload_id: Some(upload.id),
    }
}
