//! `GetObject` and `HeadObject`.

use s3s::dto::{GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput};
use s3s::{S3Request, S3Result};

use super::checksum::{checksum_type, show_checksum};
use super::condition::ReadCondition;
use super::encryption::{CustomerKey, show_encryption};
use super::read::{self, Content, Extent};
use crate::store::bucket::{self, Bucket};
use crate::store::version::Version;
use crate::store::{Reading, Store, Stored};

const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// What both operations ask for.
struct Wanted {
    bucket: String,
    key: String,
    version_id: Option<String>,
    condition: ReadCondition,
    customer_key: Option<CustomerKey>,
    range: Option<s3s::dto::Range>,
    part: Option<i32>,
}

/// What both operations find.
struct Found {
    bucket: Bucket,
    version: Version,
    extent: Extent,
    /// `None` for `HeadObject`.
    content: Option<Content>,
}

macro_rules! wanted {
    ($request:expr) => {{
        let customer_key = CustomerKey::of_object(&$request.headers)?;
        let input = &mut $request.input;
        let condition = ReadCondition {
            matches: input.if_match.take(),
            none_match: input.if_none_match.take(),
            modified_since: input.if_modified_since.take(),
            unmodified_since: input.if_unmodified_since.take(),
        };
        Wanted {
            bucket: std::mem::take(&mut input.bucket),
            key: std::mem::take(&mut input.key),
            version_id: input.version_id.take(),
            condition,
            customer_key,
            range: input.range.take(),
            part: input.part_number,
        }
    }};
}

/// Fills the answer's fields that both operations have.
macro_rules! describe {
    ($output:expr, $found:expr, $key:expr, $with_checksum:expr) => {{
        let version = $found.version;
        show_encryption!($output, version.meta.encryption, $key.as_ref());
        if $with_checksum && let Some(checksum) = &version.meta.checksum {
            show_checksum!($output, Some(checksum));
            $output.checksum_type = Some(checksum_type(checksum.composite));
        }
        let headers = version.meta.headers;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.cache_control = headers.cache_control;
        $output.content_disposition = headers.content_disposition;
        $output.content_encoding = headers.content_encoding;
        $output.content_language = headers.content_language;
        $output.content_length = i64::try_from($found.extent.range.end - $found.extent.range.start).ok();
        $output.content_range = $found.extent.content_range;
        $output.content_type = Some(headers.content_type.unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned()));
        $output.e_tag = Some(read::etag(&version.etag));
        $output.expires = headers.expires;
        $output.last_modified = Some(read::timestamp(version.modified_ms));
        $output.metadata = Some(version.meta.user.into_iter().collect());
        $output.parts_count = $found.extent.parts;
        $output.storage_class = headers.storage_class.map(Into::into);
        $output.website_redirect_location = headers.website_redirect;
    }};
}

/// Answers an object, or a part of it.
pub(crate) async fn get_object(
    store: &Store,
    mut request: S3Request<GetObjectInput>,
) -> S3Result<GetObjectOutput> {
    let wanted = wanted!(request);
    let key = wanted.customer_key.clone();
    let mut found = store.read(move |reading| find(reading, &wanted, true)).await?;
    let content = found.content.take().map(|content| content.into_body(store));
    let tags = i32::try_from(found.version.tags.len()).ok().filter(|count| *count > 0);
    let version_id = read::shown_version_id(&found.bucket, &found.version);
    let mut output = GetObjectOutput { body: content, tag_count: tags, version_id, ..Default::default() };
    let with_checksum = request.input.checksum_mode.is_some() && found.extent.content_range.is_none();
    describe!(output, found, key, with_checksum);
    Ok(output)
}

/// Answers what [`get_object`] would, without the bytes.
pub(crate) async fn head_object(
    store: &Store,
    mut request: S3Request<HeadObjectInput>,
) -> S3Result<HeadObjectOutput> {
    let wanted = wanted!(request);
    let key = wanted.customer_key.clone();
    let found = store.read(move |reading| find(reading, &wanted, false)).await?;
    let version_id = read::shown_version_id(&found.bucket, &found.version);
    let mut output = HeadObjectOutput { version_id, ..Default::default() };
    let with_checksum = request.input.checksum_mode.is_some() && found.extent.content_range.is_none();
    describe!(output, found, key, with_checksum);
    Ok(output)
}

fn find(reading: &Reading<'_>, wanted: &Wanted, with_content: bool) -> Stored<Found> {
    let bucket = bucket::get(reading.connection, &wanted.bucket)?;
    let version = read::find(reading.connection, &bucket, &wanted.key, wanted.version_id.as_deref())?;
    version.meta.encryption.check(wanted.customer_key.as_ref())?;
    wanted.condition.check(&version)?;
    let extent = read::extent(&version, wanted.range.as_ref(), wanted.part)?;
    let content = with_content.then(|| read::content(reading, &version, extent.range.clone())).transpose()?;
    Ok(Found { bucket, version, extent, content })
}
