//! `DeleteObject` and `DeleteObjects`.

use rusqlite::Transaction;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    ObjectIdentifier,
};
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::condition::WriteCondition;
use crate::store::bucket::{self, Bucket, Versioning};
use crate::store::version::{self, NULL, NewVersion, Version};
use crate::store::{Store, StoreError, Stored};

/// Greatest number of objects in one `DeleteObjects`.
const MAX_OBJECTS: usize = 1000;

/// What a deletion did.
#[derive(Debug, Default)]
struct Deleted {
    /// A delete marker was made, or was what got deleted.
    marker: bool,
    /// The version that was made or deleted.
    version_id: Option<String>,
}

/// Deletes a version for good, or hides the object behind a delete marker.
pub(crate) async fn delete_object(
    store: &Store,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<DeleteObjectOutput> {
    let condition = WriteCondition::from_headers(&request.headers)?;
    let input = request.input;
    let deleted = store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &input.bucket)?;
            delete(transaction, &bucket, &input.key, input.version_id.as_deref(), &condition)
        })
        .await?;
    Ok(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version_id,
        ..Default::default()
    })
}

/// Deletes up to a thousand objects in one transaction; each succeeds or fails on its own.
pub(crate) async fn delete_objects(
    store: &Store,
    request: S3Request<DeleteObjectsInput>,
) -> S3Result<DeleteObjectsOutput> {
    let DeleteObjectsInput { bucket, delete: document, .. } = request.input;
    if document.objects.is_empty() || document.objects.len() > MAX_OBJECTS {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    let quiet = document.quiet.unwrap_or(false);
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &bucket)?;
            let (mut deleted, mut errors) = (Vec::new(), Vec::new());
            for object in document.objects {
                match delete_one(transaction, &bucket, &object) {
                    Ok(done) if !quiet => deleted.push(shown(object, done)),
                    Ok(_) => {}
                    Err(StoreError::Answer(error)) => errors.push(refused(object, &error)),
                    Err(error) => return Err(error),
                }
            }
            Ok(DeleteObjectsOutput {
                deleted: Some(deleted),
                errors: Some(errors).filter(|errors| !errors.is_empty()),
                request_charged: None,
            })
        })
        .await
}

fn delete_one(transaction: &Transaction<'_>, bucket: &Bucket, object: &ObjectIdentifier) -> Stored<Deleted> {
    let condition = WriteCondition::matching(object.e_tag.clone());
    delete(transaction, bucket, &object.key, object.version_id.as_deref(), &condition)
}

fn shown(object: ObjectIdentifier, done: Deleted) -> DeletedObject {
    DeletedObject {
        delete_marker: done.marker.then_some(true),
        delete_marker_version_id: done.version_id.filter(|_| done.marker),
        key: Some(object.key),
        version_id: object.version_id,
    }
}

fn refused(object: ObjectIdentifier, error: &S3Error) -> Error {
    Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(object.key),
        message: error.message().map(ToOwned::to_owned),
        version_id: object.version_id,
    }
}

/// Deleting what does not exist succeeds, unless a condition asks for its existence.
fn delete(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
    condition: &WriteCondition,
) -> Stored<Deleted> {
    let target = match version_id {
        Some(id) => version::named(transaction, bucket, key, id)?,
        None => version::latest(transaction, bucket, key)?,
    };
    condition.check(target.as_ref())?;
    match version_id {
        Some(id) => delete_version(transaction, bucket, target, id),
        None => hide(transaction, bucket, key, target),
    }
}

fn delete_version(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    target: Option<Version>,
    id: &str,
) -> Stored<Deleted> {
    let marker = target.as_ref().is_some_and(|target| target.marker);
    if let Some(target) = target {
        version::remove(transaction, bucket, &target)?;
    }
    Ok(Deleted { marker, version_id: Some(id.to_owned()) })
}

/// Puts a delete marker on top; without versioning removes the object itself.
fn hide(
    transaction: &Transaction<'_>,
    bucket: &Bucket,
    key: &str,
    latest: Option<Version>,
) -> Stored<Deleted> {
    if bucket.versioning == Versioning::Off {
        if let Some(latest) = latest.filter(|latest| latest.version_id == NULL) {
            version::remove(transaction, bucket, &latest)?;
        }
        return Ok(Deleted::default());
    }
    let marker = NewVersion { key: key.to_owned(), marker: true, ..NewVersion::default() };
    let marker = version::put(transaction, bucket, marker, &[])?;
    Ok(Deleted { marker: true, version_id: Some(marker.version_id) })
}
