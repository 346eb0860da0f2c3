//! Configurations of buckets: kept and answered. Only the default encryption has an effect here.

use http::StatusCode;
#[allow(clippy::wildcard_imports, reason = "inputs and outputs of all operations below")]
use s3s::dto::*;
use s3s::{S3Error, S3Result, s3_error};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encryption;
use super::error::custom;
use crate::store::{Store, bucket};

const POLICY: &str = "policy";
const PUBLIC_ACCESS: &str = "public-access-block";
const LIFECYCLE: &str = "lifecycle";
const TAGGING: &str = "tagging";
const CORS: &str = "cors";

async fn get<T>(store: &Store, name: String, kind: &'static str, missing: fn() -> S3Error) -> S3Result<T>
where
    T: DeserializeOwned + Send + 'static,
{
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &name)?;
            let stored = bucket::config(reading.connection, &bucket, kind)?.ok_or_else(missing)?;
            Ok(serde_json::from_str(&stored)?)
        })
        .await
}

/// `None` removes the configuration.
async fn set<T>(store: &Store, name: String, kind: &'static str, value: Option<T>) -> S3Result<()>
where
    T: Serialize + Send + 'static,
{
    store
        .write(move |transaction| {
            let bucket = bucket::get(transaction, &name)?;
            let text = value.map(|value| serde_json::to_string(&value)).transpose()?;
            bucket::set_config(transaction, &bucket, kind, text.as_deref())
        })
        .await
}

const NOTHING: Option<()> = None;

pub(crate) async fn get_bucket_policy(
    store: &Store,
    input: GetBucketPolicyInput,
) -> S3Result<GetBucketPolicyOutput> {
    let missing = || s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist");
    Ok(GetBucketPolicyOutput { policy: Some(get(store, input.bucket, POLICY, missing).await?) })
}

/// # Errors
/// `MalformedPolicy`: it is not JSON.
pub(crate) async fn put_bucket_policy(
    store: &Store,
    input: PutBucketPolicyInput,
) -> S3Result<PutBucketPolicyOutput> {
    if !serde_json::from_str::<serde_json::Value>(&input.policy).is_ok_and(|policy| policy.is_object()) {
        let message = "This policy contains invalid Json";
        return Err(custom(StatusCode::BAD_REQUEST, "MalformedPolicy", message));
    }
    set(store, input.bucket, POLICY, Some(input.policy)).await?;
    Ok(PutBucketPolicyOutput::default())
}

pub(crate) async fn delete_bucket_policy(
    store: &Store,
    input: DeleteBucketPolicyInput,
) -> S3Result<DeleteBucketPolicyOutput> {
    set(store, input.bucket, POLICY, NOTHING).await?;
    Ok(DeleteBucketPolicyOutput::default())
}

/// Nothing is public here: every request must be signed.
pub(crate) async fn get_bucket_policy_status(
    store: &Store,
    input: GetBucketPolicyStatusInput,
) -> S3Result<GetBucketPolicyStatusOutput> {
    let missing = || s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist");
    let _policy: String = get(store, input.bucket, POLICY, missing).await?;
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(false) }) })
}

pub(crate) async fn get_public_access_block(
    store: &Store,
    input: GetPublicAccessBlockInput,
) -> S3Result<GetPublicAccessBlockOutput> {
    let missing = || {
        let message = "The public access block configuration was not found";
        custom(StatusCode::NOT_FOUND, "NoSuchPublicAccessBlockConfiguration", message)
    };
    let config = get(store, input.bucket, PUBLIC_ACCESS, missing).await?;
    Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(config) })
}

pub(crate) async fn put_public_access_block(
    store: &Store,
    input: PutPublicAccessBlockInput,
) -> S3Result<PutPublicAccessBlockOutput> {
    set(store, input.bucket, PUBLIC_ACCESS, Some(input.public_access_block_configuration)).await?;
    Ok(PutPublicAccessBlockOutput::default())
}

pub(crate) async fn delete_public_access_block(
    store: &Store,
    input: DeletePublicAccessBlockInput,
) -> S3Result<DeletePublicAccessBlockOutput> {
    set(store, input.bucket, PUBLIC_ACCESS, NOTHING).await?;
    Ok(DeletePublicAccessBlockOutput::default())
}

/// As on AWS, a bucket without configuration answers `AES256`.
pub(crate) async fn get_bucket_encryption(
    store: &Store,
    input: GetBucketEncryptionInput,
) -> S3Result<GetBucketEncryptionOutput> {
    let stored = store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &input.bucket)?;
            let stored = bucket::config(reading.connection, &bucket, encryption::CONFIG)?;
            Ok(stored.map(|stored| serde_json::from_str(&stored)).transpose()?)
        })
        .await?;
    let config = stored.unwrap_or_else(default_encryption);
    Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(config) })
}

fn default_encryption() -> ServerSideEncryptionConfiguration {
    let by_default = ServerSideEncryptionByDefault {
        kms_master_key_id: None,
        sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(by_default),
        bucket_key_enabled: Some(false),
    };
    ServerSideEncryptionConfiguration { rules: vec![rule] }
}

pub(crate) async fn put_bucket_encryption(
    store: &Store,
    input: PutBucketEncryptionInput,
) -> S3Result<PutBucketEncryptionOutput> {
    set(store, input.bucket, encryption::CONFIG, Some(input.server_side_encryption_configuration)).await?;
    Ok(PutBucketEncryptionOutput::default())
}

pub(crate) async fn delete_bucket_encryption(
    store: &Store,
    input: DeleteBucketEncryptionInput,
) -> S3Result<DeleteBucketEncryptionOutput> {
    set(store, input.bucket, encryption::CONFIG, NOTHING).await?;
    Ok(DeleteBucketEncryptionOutput::default())
}

pub(crate) async fn get_bucket_lifecycle_configuration(
    store: &Store,
    input: GetBucketLifecycleConfigurationInput,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let missing = || s3_error!(NoSuchLifecycleConfiguration, "The lifecycle configuration does not exist");
    let config: BucketLifecycleConfiguration = get(store, input.bucket, LIFECYCLE, missing).await?;
    Ok(GetBucketLifecycleConfigurationOutput { rules: Some(config.rules), ..Default::default() })
}

pub(crate) async fn put_bucket_lifecycle_configuration(
    store: &Store,
    input: PutBucketLifecycleConfigurationInput,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    set(store, input.bucket, LIFECYCLE, Some(input.lifecycle_configuration.unwrap_or_default())).await?;
    Ok(PutBucketLifecycleConfigurationOutput {
        transition_default_minimum_object_size: input.transition_default_minimum_object_size,
    })
}

pub(crate) async fn delete_bucket_lifecycle(
    store: &Store,
    input: DeleteBucketLifecycleInput,
) -> S3Result<DeleteBucketLifecycleOutput> {
    set(store, input.bucket, LIFECYCLE, NOTHING).await?;
    Ok(DeleteBucketLifecycleOutput::default())
}

pub(crate) async fn get_bucket_tagging(
    store: &Store,
    input: GetBucketTaggingInput,
) -> S3Result<GetBucketTaggingOutput> {
    let missing = || s3_error!(NoSuchTagSet, "The TagSet does not exist");
    let tagging: Tagging = get(store, input.bucket, TAGGING, missing).await?;
    Ok(GetBucketTaggingOutput { tag_set: tagging.tag_set })
}

pub(crate) async fn put_bucket_tagging(
    store: &Store,
    input: PutBucketTaggingInput,
) -> S3Result<PutBucketTaggingOutput> {
    set(store, input.bucket, TAGGING, Some(input.tagging)).await?;
    Ok(PutBucketTaggingOutput::default())
}

pub(crate) async fn delete_bucket_tagging(
    store: &Store,
    input: DeleteBucketTaggingInput,
) -> S3Result<DeleteBucketTaggingOutput> {
    set(store, input.bucket, TAGGING, NOTHING).await?;
    Ok(DeleteBucketTaggingOutput::default())
}

pub(crate) async fn get_bucket_cors(
    store: &Store,
    input: GetBucketCorsInput,
) -> S3Result<GetBucketCorsOutput> {
    let missing = || s3_error!(NoSuchCORSConfiguration, "The CORS configuration does not exist");
    let config: CORSConfiguration = get(store, input.bucket, CORS, missing).await?;
    Ok(GetBucketCorsOutput { cors_rules: Some(config.cors_rules) })
}

pub(crate) async fn put_bucket_cors(
    store: &Store,
    input: PutBucketCorsInput,
) -> S3Result<PutBucketCorsOutput> {
    set(store, input.bucket, CORS, Some(input.cors_configuration)).await?;
    Ok(PutBucketCorsOutput::default())
}

pub(crate) async fn delete_bucket_cors(
    store: &Store,
    input: DeleteBucketCorsInput,
) -> S3Result<DeleteBucketCorsOutput> {
    set(store, input.bucket, CORS, NOTHING).await?;
    Ok(DeleteBucketCorsOutput::default())
}
