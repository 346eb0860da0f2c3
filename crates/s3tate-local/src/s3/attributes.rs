//! `GetObjectAttributes`.

use s3s::dto::{
    self, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectAttributes,
    ObjectPart,
};
use s3s::{S3Request, S3Result};

use super::checksum::{Checksum, show_checksum};
use super::encryption::CustomerKey;
use super::read;
use super::uploads::MAX_ENTRIES;
use crate::store::version::Version;
use crate::store::{Store, bucket};

/// Answers the attributes asked for, without the bytes.
pub(crate) async fn get_object_attributes(
    store: &Store,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<GetObjectAttributesOutput> {
    let customer_key = CustomerKey::of_object(&request.headers)?;
    let input = request.input;
    let (name, key, version_id) = (input.bucket, input.key, input.version_id);
    let (bucket, version) = store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &name)?;
            let version = read::find(reading.connection, &bucket, &key, version_id.as_deref())?;
            version.meta.encryption.check(customer_key.as_ref())?;
            Ok((bucket, version))
        })
        .await?;
    let asked = |name: &str| input.object_attributes.iter().any(|attribute| attribute.as_str() == name);
    let checksum = version.meta.checksum.as_ref().map(Checksum::fields);
    let in_parts = asked(ObjectAttributes::OBJECT_PARTS) && !version.meta.parts.is_empty();
    Ok(GetObjectAttributesOutput {
        checksum: checksum.filter(|_| asked(ObjectAttributes::CHECKSUM)),
        delete_marker: None,
        e_tag: asked(ObjectAttributes::ETAG).then(|| read::etag(&version.etag)),
        last_modified: Some(read::timestamp(version.modified_ms)),
        object_parts: in_parts.then(|| parts(&version, input.part_number_marker, input.max_parts)),
        object_size: i64::try_from(version.size).ok().filter(|_| asked(ObjectAttributes::OBJECT_SIZE)),
        request_charged: None,
        storage_class: asked(ObjectAttributes::STORAGE_CLASS).then(|| storage_class(&version)),
        version_id: read::shown_version_id(&bucket, &version),
    })
}

fn storage_class(version: &Version) -> dto::StorageClass {
    version.meta.headers.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned()).into()
}

fn parts(version: &Version, marker: Option<i32>, max_parts: Option<i32>) -> GetObjectAttributesParts {
    let marker = marker.unwrap_or(0);
    let max_parts = max_parts.unwrap_or(MAX_ENTRIES).clamp(0, MAX_ENTRIES);
    let mut listed: Vec<_> = version.meta.parts.iter().filter(|part| part.number > marker).collect();
    let truncated = listed.len() > usize::try_from(max_parts).unwrap_or(0);
    listed.truncate(usize::try_from(max_parts).unwrap_or(0));
    let shown = listed.iter().map(|part| {
        let mut shown = ObjectPart {
            part_number: Some(part.number),
            size: i64::try_from(part.size).ok(),
            ..Default::default()
        };
        show_checksum!(shown, part.checksum.as_ref());
        shown
    });
    GetObjectAttributesParts {
        parts: Some(shown.collect()),
        is_truncated: Some(truncated),
        max_parts: Some(max_parts),
        next_part_number_marker: listed.last().map(|part| part.number),
        part_number_marker: Some(marker),
        total_parts_count: i32::try_from(version.meta.parts.len()).ok(),
    }
}
