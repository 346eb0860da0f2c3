//! `CopyObject`: within the database, sharing the bytes.

use s3s::dto::{self, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource};
use s3s::{S3Request, S3Result, s3_error};

use super::checksum::{Algorithm, checksum_type, show_checksum};
use super::condition::{ReadCondition, WriteCondition};
use super::encryption::{CustomerKey, Encryption, show_encryption};
use super::meta::{self, Meta, headers};
use super::read::{self, Pinned};
use super::{error, put};
use crate::store::bucket::{self, Bucket};
use crate::store::version::{self, NewVersion, Version};
use crate::store::{Store, blob};

/// What is copied.
pub(super) struct Source {
    bucket: String,
    key: String,
    version_id: Option<String>,
    pub(super) range: Option<dto::Range>,
    pub(super) condition: ReadCondition,
    customer_key: Option<CustomerKey>,
}

/// A source that exists, with its bytes pinned.
pub(super) struct FoundSource {
    pub(super) bucket: Bucket,
    pub(super) version: Version,
    pub(super) content: Pinned,
}

impl Source {
    /// # Errors
    /// `NotImplemented`: an ARN of an access point.
    pub(super) fn new(source: CopySource, customer_key: Option<CustomerKey>) -> S3Result<Self> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(NotImplemented, "Access points are not implemented"));
        };
        Ok(Self {
            bucket: bucket.into(),
            key: key.into(),
            version_id: version_id.map(Into::into),
            range: None,
            condition: ReadCondition::default(),
            customer_key,
        })
    }
}

/// Finds the source and pins its bytes.
pub(super) async fn find(store: &Store, source: Source) -> S3Result<FoundSource> {
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &source.bucket)?;
            let version = read::find(reading.connection, &bucket, &source.key, source.version_id.as_deref())?;
            version.meta.encryption.check(source.customer_key.as_ref())?;
            source.condition.check_source(&version)?;
            let extent = read::extent(&version, source.range.as_ref(), None)?;
            let content = read::pinned(reading, &version, extent.range)?;
            Ok(FoundSource { bucket, version, content })
        })
        .await
}

/// Copies an object, its headers and tags, unless others are given in their place.
pub(crate) async fn copy_object(
    store: &Store,
    request: S3Request<CopyObjectInput>,
) -> S3Result<CopyObjectOutput> {
    let condition = WriteCondition::from_headers(&request.headers)?;
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let encryption = Encryption::from_headers(&request.headers, customer_key.as_ref())?;
    let source_key = CustomerKey::of_source(&request.headers)?;
    let mut input = request.input;
    let mut source = Source::new(input.copy_source.clone(), source_key)?;
    refuse_idle(&input, &source, encryption.as_ref())?;
    source.condition = ReadCondition {
        matches: input.copy_source_if_match.take(),
        none_match: input.copy_source_if_none_match.take(),
        modified_since: input.copy_source_if_modified_since.take(),
        unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    let found = find(store, source).await?;
    let source_version_id = read::shown_version_id(&found.bucket, &found.version);
    let bucket_name = input.bucket.clone();
    let (new, original) = prepare(store, input, found).await?;
    let (bucket, version) = store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &bucket_name)?;
            let latest = version::latest(transaction, &bucket, &new.key)?;
            condition.check(latest.as_ref())?;
            let segments = blob::segments(transaction, original.id)?;
            if segments.is_empty() && original.size > 0 {
                // Deleted since it was found.
                return Err(error::no_such_key().into());
            }
            let version = put::put(transaction, &bucket, new, encryption, &segments)?;
            Ok((bucket, version))
        })
        .await?;
    Ok(output(&bucket, &version, source_version_id, customer_key.as_ref()))
}

/// A copy onto itself must change something.
fn refuse_idle(input: &CopyObjectInput, source: &Source, encryption: Option<&Encryption>) -> S3Result<()> {
    let itself = input.bucket == source.bucket && input.key == source.key && source.version_id.is_none();
    let changes = replaces(input.metadata_directive.as_ref().map(dto::MetadataDirective::as_str))
        || encryption.is_some()
        || input.storage_class.is_some()
        || input.website_redirect_location.is_some();
    if itself && !changes {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    Ok(())
}

fn replaces(directive: Option<&str>) -> bool {
    directive == Some("REPLACE")
}

/// What will be written, and the version whose bytes it shares.
///
/// The copy is one piece, so the ETag and checksum of a source in parts are computed anew.
async fn prepare(
    store: &Store,
    mut input: CopyObjectInput,
    found: FoundSource,
) -> S3Result<(NewVersion, Version)> {
    let original = found.version;
    let tags = if replaces(input.tagging_directive.as_ref().map(dto::TaggingDirective::as_str)) {
        meta::tags_from_header(input.tagging.as_deref())?
    } else {
        original.tags.clone()
    };
    let asked = input.checksum_algorithm.as_ref().and_then(|name| Algorithm::parse(name.as_str()));
    let stored = original.meta.checksum.clone().filter(|stored| !stored.composite);
    let algorithm = asked.or(original.meta.checksum.as_ref().map(|stored| stored.algorithm));
    let algorithm = algorithm.unwrap_or(Algorithm::Crc64Nvme);
    let reusable = original.meta.parts.is_empty() && original.meta.encryption.etag_is_md5();
    let (etag, checksum) = match stored.filter(|stored| reusable && stored.algorithm == algorithm) {
        Some(checksum) => (original.etag.clone(), checksum),
        None => found.content.digest(store, algorithm).await?,
    };
    let mut meta = Meta { checksum: Some(checksum), ..Meta::default() };
    if replaces(input.metadata_directive.as_ref().map(dto::MetadataDirective::as_str)) {
        meta.headers = headers!(input);
        meta.user = meta::user(input.metadata);
    } else {
        meta.headers = original.meta.headers.clone();
        meta.headers.storage_class = meta::storage_class(input.storage_class);
        meta.headers.website_redirect = input.website_redirect_location;
        meta.user.clone_from(&original.meta.user);
    }
    let new = NewVersion { key: input.key, marker: false, size: original.size, etag, meta, tags };
    Ok((new, original))
}

fn output(
    bucket: &Bucket,
    version: &Version,
    source_version_id: Option<String>,
    customer_key: Option<&CustomerKey>,
) -> CopyObjectOutput {
    let mut result = CopyObjectResult {
        e_tag: Some(read::etag(&version.etag)),
        last_modified: Some(read::timestamp(version.modified_ms)),
        checksum_type: Some(checksum_type(false)),
        ..Default::default()
    };
    show_checksum!(result, version.meta.checksum.as_ref());
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source_version_id,
        version_id: read::shown_version_id(bucket, version),
        ..Default::default()
    };
    show_encryption!(output, version.meta.encryption, customer_key);
    output
}
