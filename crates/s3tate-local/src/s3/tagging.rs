//! Tags of objects.

use s3s::S3Result;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput,
};

use super::meta::{self, Tags};
use super::read;
use crate::store::{Store, bucket, version};

pub(crate) async fn get_object_tagging(
    store: &Store,
    input: GetObjectTaggingInput,
) -> S3Result<GetObjectTaggingOutput> {
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &input.bucket)?;
            let version = read::find(reading.connection, &bucket, &input.key, input.version_id.as_deref())?;
            let version_id = read::shown_version_id(&bucket, &version);
            Ok(GetObjectTaggingOutput { tag_set: meta::tag_set(version.tags), version_id })
        })
        .await
}

pub(crate) async fn put_object_tagging(
    store: &Store,
    input: PutObjectTaggingInput,
) -> S3Result<PutObjectTaggingOutput> {
    let tags = meta::tags_from_set(input.tagging.tag_set)?;
    let version_id = set(store, input.bucket, input.key, input.version_id, tags).await?;
    Ok(PutObjectTaggingOutput { version_id })
}

pub(crate) async fn delete_object_tagging(
    store: &Store,
    input: DeleteObjectTaggingInput,
) -> S3Result<DeleteObjectTaggingOutput> {
    let version_id = set(store, input.bucket, input.key, input.version_id, Tags::new()).await?;
    Ok(DeleteObjectTaggingOutput { version_id })
}

/// Replaces the tags of a version and returns its id as answers show it.
async fn set(
    store: &Store,
    bucket: String,
    key: String,
    version_id: Option<String>,
    tags: Tags,
) -> S3Result<Option<String>> {
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &bucket)?;
            let version = read::find(transaction, &bucket, &key, version_id.as_deref())?;
            version::set_tags(transaction, &version, &tags)?;
            Ok(read::shown_version_id(&bucket, &version))
        })
        .await
}
