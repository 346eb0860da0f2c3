//! Buckets themselves: create, delete, head, list, location, versioning.

use s3s::dto::{
    self, BucketVersioningStatus, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
    PutBucketVersioningInput, PutBucketVersioningOutput,
};
use s3s::{S3Request, S3Result, s3_error};

use super::error::invalid_argument;
use super::{list, read};
use crate::store::bucket::{self, Bucket, Versioning};
use crate::store::{Store, Stored};

/// The region whose name `LocationConstraint` leaves out.
pub(crate) const HOME_REGION: &str = "us-east-1";

/// Makes a bucket in the region asked for, or that of the signature.
///
/// # Errors
/// `BucketAlreadyOwnedByYou` outside of us-east-1, which answers 200 instead.
pub(crate) async fn create_bucket(
    store: &Store,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let input = request.input;
    let constraint = input.create_bucket_configuration.and_then(|config| config.location_constraint);
    let signed = request.region.map_or_else(|| HOME_REGION.to_owned(), |region| region.as_str().to_owned());
    let region = constraint.map_or(signed, |constraint| constraint.as_str().to_owned());
    let location = format!("/{}", input.bucket);
    store
        .write(move |transaction| {
            let Some(existing) = bucket::find(transaction, &input.bucket)? else {
                return bucket::create(transaction, &input.bucket, &region, Versioning::Off);
            };
            if region == HOME_REGION && existing.region == HOME_REGION {
                return Ok(());
            }
            let message =
                "Your previous request to create the named bucket succeeded and you already own it.";
            Err(s3_error!(BucketAlreadyOwnedByYou, "{message}").into())
        })
        .await?;
    Ok(CreateBucketOutput { location: Some(location) })
}

pub(crate) async fn delete_bucket(store: &Store, input: DeleteBucketInput) -> S3Result<DeleteBucketOutput> {
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &input.bucket)?;
            bucket::delete(transaction, &bucket)
        })
        .await?;
    Ok(DeleteBucketOutput::default())
}

pub(crate) async fn head_bucket(store: &Store, input: HeadBucketInput) -> S3Result<HeadBucketOutput> {
    let bucket = find(store, input.bucket).await?;
    Ok(HeadBucketOutput { bucket_region: Some(bucket.region), ..Default::default() })
}

pub(crate) async fn get_bucket_location(
    store: &Store,
    input: GetBucketLocationInput,
) -> S3Result<GetBucketLocationOutput> {
    let bucket = find(store, input.bucket).await?;
    let constraint = Some(bucket.region).filter(|region| region != HOME_REGION);
    Ok(GetBucketLocationOutput { location_constraint: constraint.map(Into::into) })
}

/// Lists buckets by name; the continuation token is the last name of the page before.
pub(crate) async fn list_buckets(store: &Store, input: ListBucketsInput) -> S3Result<ListBucketsOutput> {
    let all = store.read(|reading| bucket::list(reading.connection)).await?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.continuation_token.unwrap_or_default();
    let limit = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or(0);
    let mut matching: Vec<Bucket> = all
        .into_iter()
        .filter(|bucket| bucket.name.starts_with(&prefix) && bucket.name > after)
        .filter(|bucket| input.bucket_region.as_ref().is_none_or(|region| *region == bucket.region))
        .collect();
    let truncated = matching.len() > limit;
    matching.truncate(limit);
    let token = matching.last().filter(|_| truncated).map(|bucket| bucket.name.clone());
    let buckets = matching.into_iter().map(|bucket| dto::Bucket {
        bucket_region: input.bucket_region.is_some().then(|| bucket.region.clone()),
        creation_date: Some(read::timestamp(bucket.created_ms)),
        name: Some(bucket.name),
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token: token,
        owner: Some(list::owner()),
        prefix: input.prefix,
    })
}

pub(crate) async fn get_bucket_versioning(
    store: &Store,
    input: GetBucketVersioningInput,
) -> S3Result<GetBucketVersioningOutput> {
    let versioning = find(store, input.bucket).await?.versioning;
    let status =
        (versioning != Versioning::Off).then(|| BucketVersioningStatus::from_static(versioning.as_str()));
    Ok(GetBucketVersioningOutput { status, ..Default::default() })
}

pub(crate) async fn put_bucket_versioning(
    store: &Store,
    input: PutBucketVersioningInput,
) -> S3Result<PutBucketVersioningOutput> {
    let status = input.versioning_configuration.status;
    let versioning = status.map_or(Versioning::Off, |status| Versioning::parse(status.as_str()));
    if versioning == Versioning::Off {
        return Err(invalid_argument("The Versioning element must be specified"));
    }
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &input.bucket)?;
            bucket::set_versioning(transaction, &bucket, versioning)
        })
        .await?;
    Ok(PutBucketVersioningOutput::default())
}

/// The bucket called `name`.
///
/// # Errors
/// `NoSuchBucket`.
pub(crate) async fn find(store: &Store, name: String) -> S3Result<Bucket> {
    store.read(move |reading| -> Stored<Bucket> { bucket::get(reading.connection, &name) }).await
}
