//! Access control lists and ownership: accepted, and answered as a new bucket's. The one account owns everything.

use s3s::S3Result;
use s3s::dto::{
    GetBucketAclInput, GetBucketAclOutput, GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput,
    GetObjectAclInput, GetObjectAclOutput, Grant, Grantee, ObjectOwnership, OwnershipControls,
    OwnershipControlsRule, Permission, PutBucketAclInput, PutBucketAclOutput, PutObjectAclInput,
    PutObjectAclOutput, Type,
};

use super::list::owner;
use super::{buckets, read};
use crate::store::{Store, bucket};

fn full_control() -> Vec<Grant> {
    let owner = owner();
    let grantee = Grantee {
        display_name: owner.display_name,
        email_address: None,
        id: owner.id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    vec![Grant {
        grantee: Some(grantee),
        permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
    }]
}

pub(crate) async fn get_bucket_acl(store: &Store, input: GetBucketAclInput) -> S3Result<GetBucketAclOutput> {
    buckets::find(store, input.bucket).await?;
    Ok(GetBucketAclOutput { grants: Some(full_control()), owner: Some(owner()) })
}

pub(crate) async fn put_bucket_acl(store: &Store, input: PutBucketAclInput) -> S3Result<PutBucketAclOutput> {
    buckets::find(store, input.bucket).await?;
    Ok(PutBucketAclOutput::default())
}

pub(crate) async fn get_object_acl(store: &Store, input: GetObjectAclInput) -> S3Result<GetObjectAclOutput> {
    check_object(store, input.bucket, input.key, input.version_id).await?;
    Ok(GetObjectAclOutput { grants: Some(full_control()), owner: Some(owner()), request_charged: None })
}

pub(crate) async fn put_object_acl(store: &Store, input: PutObjectAclInput) -> S3Result<PutObjectAclOutput> {
    check_object(store, input.bucket, input.key, input.version_id).await?;
    Ok(PutObjectAclOutput::default())
}

pub(crate) async fn get_bucket_ownership_controls(
    store: &Store,
    input: GetBucketOwnershipControlsInput,
) -> S3Result<GetBucketOwnershipControlsOutput> {
    buckets::find(store, input.bucket).await?;
    let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
    let rules = vec![OwnershipControlsRule { object_ownership }];
    Ok(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules }) })
}

async fn check_object(
    store: &Store,
    bucket: String,
    key: String,
    version_id: Option<String>,
) -> S3Result<()> {
    store
        .read(move |reading| {
            let bucket = bucket::get(reading.connection, &bucket)?;
            read::find(reading.connection, &bucket, &key, version_id.as_deref()).map(drop)
        })
        .await
}
