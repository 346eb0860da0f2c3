//! `ListObjects`, `ListObjectsV2` and `ListObjectVersions`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectVersion,
    Owner,
};
use s3s::{S3Result, dto};

use super::checksum::checksum_type;
use super::error::invalid_argument;
use super::read;
use crate::form;
use crate::store::listing::{self, Cursor, Entry, Page, Query};
use crate::store::version::Version;
use crate::store::{Store, bucket, version};

/// Greatest number of entries of a page, and the number when none is asked for.
const MAX_KEYS: i32 = 1000;

/// Lists visible objects, version 1: the marker is a key.
pub(crate) async fn list_objects(store: &Store, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let max_keys = max_keys(input.max_keys)?;
    let marker = input.marker.clone().unwrap_or_default();
    let query = Query {
        from: if marker.is_empty() { Cursor::default() } else { Cursor::after(&marker) },
        skip: Some(marker).filter(|marker| !marker.is_empty()),
        ..query(input.prefix.as_deref(), input.delimiter.as_deref(), max_keys)
    };
    let encode = Encode::new(input.encoding_type.as_ref());
    let page = list(store, input.bucket.clone(), query).await?;
    let next_marker = page.next.as_ref().and_then(|_| last_name(&page));
    let (contents, common_prefixes) = split(page.entries, &encode, true);
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encode.text(input.prefix.unwrap_or_default())),
        marker: Some(encode.text(input.marker.unwrap_or_default())),
        max_keys: Some(max_keys),
        is_truncated: Some(page.next.is_some()),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        next_marker: next_marker.filter(|_| input.delimiter.is_some()).map(|marker| encode.text(marker)),
        delimiter: input.delimiter.map(|delimiter| encode.text(delimiter)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// Lists visible objects, version 2: the continuation token is opaque.
pub(crate) async fn list_objects_v2(
    store: &Store,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let max_keys = max_keys(input.max_keys)?;
    let start_after = input.start_after.clone().unwrap_or_default();
    let from = match input.continuation_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => Cursor::at(read_token(token)?),
        None if start_after.is_empty() => Cursor::default(),
        None => Cursor::after(&start_after),
    };
    let query = Query {
        from,
        skip: Some(start_after).filter(|start| !start.is_empty()),
        ..query(input.prefix.as_deref(), input.delimiter.as_deref(), max_keys)
    };
    let encode = Encode::new(input.encoding_type.as_ref());
    let page = list(store, input.bucket.clone(), query).await?;
    let (contents, common_prefixes) = split(page.entries, &encode, input.fetch_owner.unwrap_or(false));
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encode.text(input.prefix.unwrap_or_default())),
        max_keys: Some(max_keys),
        key_count: i32::try_from(contents.len() + common_prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|next| URL_SAFE_NO_PAD.encode(next.key)),
        contents: Some(contents),
        common_prefixes: Some(common_prefixes),
        delimiter: input.delimiter.map(|delimiter| encode.text(delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|start| encode.text(start)),
        request_charged: None,
    })
}

/// Lists all versions and delete markers, newest first within a key.
pub(crate) async fn list_object_versions(
    store: &Store,
    input: ListObjectVersionsInput,
) -> S3Result<ListObjectVersionsOutput> {
    let max_keys = max_keys(input.max_keys)?;
    let mut query = query(input.prefix.as_deref(), input.delimiter.as_deref(), max_keys);
    query.versions = true;
    let markers = (input.key_marker.clone().unwrap_or_default(), input.version_id_marker.clone());
    let name = input.bucket.clone();
    let page = store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &name)?;
            let (key, version_id) = markers;
            query.from = match version_id.filter(|id| !id.is_empty()) {
                None if key.is_empty() => Cursor::default(),
                None => Cursor::after(&key),
                // A marker that was deleted since is where a client empties the bucket: go on with what is left.
                Some(id) => {
                    let marker = version::named(reading.connection, &bucket, &key, &id)?;
                    Cursor { before: marker.map_or(i64::MAX, |marker| marker.id), key: key.clone() }
                }
            };
            query.skip = Some(key).filter(|key| !key.is_empty());
            listing::list(reading.connection, &bucket, &query)
        })
        .await?;
    Ok(versions_output(input, max_keys, page))
}

fn versions_output(input: ListObjectVersionsInput, max_keys: i32, page: Page) -> ListObjectVersionsOutput {
    let encode = Encode::new(input.encoding_type.as_ref());
    let next = page.next.as_ref().and_then(|_| page.entries.last());
    let (next_key_marker, next_version_id_marker) = match next {
        Some(Entry::Version(version)) => {
            (Some(encode.text(version.key.clone())), Some(version.version_id.clone()))
        }
        Some(Entry::Prefix(prefix)) => (Some(encode.text(prefix.clone())), None),
        None => (None, None),
    };
    let (mut versions, mut delete_markers, mut common_prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Version(version) if version.marker => delete_markers.push(marker(*version, &encode)),
            Entry::Version(version) => versions.push(object_version(*version, &encode)),
            Entry::Prefix(prefix) => common_prefixes.push(CommonPrefix { prefix: Some(encode.text(prefix)) }),
        }
    }
    ListObjectVersionsOutput {
        common_prefixes: Some(common_prefixes),
        delete_markers: Some(delete_markers),
        delimiter: input.delimiter.map(|delimiter| encode.text(delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.next.is_some()),
        key_marker: Some(encode.text(input.key_marker.unwrap_or_default())),
        max_keys: Some(max_keys),
        name: Some(input.bucket),
        next_key_marker,
        next_version_id_marker,
        prefix: Some(encode.text(input.prefix.unwrap_or_default())),
        request_charged: None,
        version_id_marker: input.version_id_marker,
        versions: Some(versions),
    }
}

async fn list(store: &Store, bucket: String, query: Query) -> S3Result<Page> {
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &bucket)?;
            listing::list(reading.connection, &bucket, &query)
        })
        .await
}

fn query(prefix: Option<&str>, delimiter: Option<&str>, max_keys: i32) -> Query {
    Query {
        prefix: prefix.unwrap_or_default().to_owned(),
        delimiter: delimiter.unwrap_or_default().to_owned(),
        limit: usize::try_from(max_keys).unwrap_or(0),
        ..Query::default()
    }
}

fn max_keys(asked: Option<i32>) -> S3Result<i32> {
    match asked {
        Some(count) if count < 0 => {
            Err(invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"))
        }
        Some(count) => Ok(count.min(MAX_KEYS)),
        None => Ok(MAX_KEYS),
    }
}

fn read_token(token: &str) -> S3Result<String> {
    let invalid = || invalid_argument("The continuation token provided is incorrect");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    String::from_utf8(bytes).map_err(|_| invalid())
}

fn last_name(page: &Page) -> Option<String> {
    match page.entries.last()? {
        Entry::Version(version) => Some(version.key.clone()),
        Entry::Prefix(prefix) => Some(prefix.clone()),
    }
}

fn split(entries: Vec<Entry>, encode: &Encode, with_owner: bool) -> (Vec<Object>, Vec<CommonPrefix>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Version(version) => objects.push(object(*version, encode, with_owner)),
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(encode.text(prefix)) }),
        }
    }
    (objects, prefixes)
}

/// The one account that owns everything.
pub(crate) fn owner() -> Owner {
    Owner { display_name: Some("s3tate".to_owned()), id: Some(crate::sts::CANONICAL_USER.to_owned()) }
}

fn storage_class(version: &Version) -> String {
    version.meta.headers.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
}

fn checksum_algorithm(version: &Version) -> Option<Vec<dto::ChecksumAlgorithm>> {
    let checksum = version.meta.checksum.as_ref()?;
    Some(vec![checksum.algorithm.name().to_owned().into()])
}

fn object(version: Version, encode: &Encode, with_owner: bool) -> Object {
    Object {
        checksum_algorithm: checksum_algorithm(&version),
        checksum_type: version.meta.checksum.as_ref().map(|checksum| checksum_type(checksum.composite)),
        e_tag: Some(read::etag(&version.etag)),
        last_modified: Some(read::timestamp(version.modified_ms)),
        owner: with_owner.then(owner),
        restore_status: None,
        size: i64::try_from(version.size).ok(),
        storage_class: Some(storage_class(&version).into()),
        key: Some(encode.text(version.key)),
    }
}

fn object_version(version: Version, encode: &Encode) -> ObjectVersion {
    ObjectVersion {
        checksum_algorithm: checksum_algorithm(&version),
        checksum_type: version.meta.checksum.as_ref().map(|checksum| checksum_type(checksum.composite)),
        e_tag: Some(read::etag(&version.etag)),
        is_latest: Some(version.latest),
        last_modified: Some(read::timestamp(version.modified_ms)),
        owner: Some(owner()),
        restore_status: None,
        size: i64::try_from(version.size).ok(),
        storage_class: Some(storage_class(&version).into()),
        version_id: Some(version.version_id),
        key: Some(encode.text(version.key)),
    }
}

fn marker(version: Version, encode: &Encode) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        is_latest: Some(version.latest),
        key: Some(encode.text(version.key)),
        last_modified: Some(read::timestamp(version.modified_ms)),
        owner: Some(owner()),
        version_id: Some(version.version_id),
    }
}

/// Names as the answer is to carry them: `encoding-type=url` makes those with control characters fit for XML.
pub(crate) struct Encode {
    url: bool,
}

impl Encode {
    pub(crate) fn new(asked: Option<&EncodingType>) -> Self {
        Self { url: asked.is_some_and(|asked| asked.as_str() == EncodingType::URL) }
    }

    pub(crate) fn text(&self, name: String) -> String {
        if self.url { form::encode(&name, b"/*") } else { name }
    }
}
