//! Buckets and their configurations.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, CreateBucketConfiguration, ExpirationStatus,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, PublicAccessBlockConfiguration, Tag,
    Tagging,
};

use crate::endpoint::{BUCKET, Endpoint, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_made_listed_and_removed() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    s3.create_bucket().bucket("second").send().await.expect("create");
    s3.create_bucket().bucket("second").send().await.expect("one's own again in us-east-1");
    let names = || async {
        let list = s3.list_buckets().send().await.expect("list");
        list.buckets().iter().filter_map(|bucket| bucket.name()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["second", BUCKET]);
    let page = s3.list_buckets().max_buckets(1).send().await.expect("list");
    let token = page.continuation_token().expect("token");
    let page = s3.list_buckets().continuation_token(token).send().await.expect("list");
    assert_eq!(page.buckets()[0].name(), Some(BUCKET));
    endpoint.put_in("second", "a", "1").await;
    let full = s3.delete_bucket().bucket("second").send().await;
    assert_eq!(refusal(full), (409, "BucketNotEmpty".to_owned()));
    s3.delete_object().bucket("second").key("a").send().await.expect("delete");
    s3.delete_bucket().bucket("second").send().await.expect("empty");
    assert_eq!(names().await, [BUCKET]);
    let head = s3.head_bucket().bucket("second").send().await.expect_err("gone");
    assert!(head.into_service_error().is_not_found());
    let gone = s3.delete_bucket().bucket("second").send().await;
    assert_eq!(refusal(gone), (404, "NoSuchBucket".to_owned()));
    endpoint.put("a", "1").await;
    s3.delete_object().bucket(BUCKET).key("a").send().await.expect("delete");
    let versions = s3.delete_bucket().bucket(BUCKET).send().await;
    assert_eq!(refusal(versions), (409, "BucketNotEmpty".to_owned()), "versions count");
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_have_a_region() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    let config = CreateBucketConfiguration::builder();
    let config = config.location_constraint(BucketLocationConstraint::EuCentral1).build();
    let create = || s3.create_bucket().bucket("far").create_bucket_configuration(config.clone());
    create().send().await.expect("create");
    assert_eq!(refusal(create().send().await), (409, "BucketAlreadyOwnedByYou".to_owned()));
    let location = s3.get_bucket_location().bucket("far").send().await.expect("location");
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuCentral1));
    let head = s3.head_bucket().bucket("far").send().await.expect("head");
    assert_eq!(head.bucket_region(), Some("eu-central-1"));
    let location = s3.get_bucket_location().bucket(BUCKET).send().await.expect("location");
    assert!(location.location_constraint().is_none_or(|constraint| constraint.as_str().is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_and_public_access_block_are_kept() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    let missing = s3.get_bucket_policy().bucket(BUCKET).send().await;
    assert_eq!(refusal(missing), (404, "NoSuchBucketPolicy".to_owned()));
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    s3.put_bucket_policy().bucket(BUCKET).policy(policy).send().await.expect("put policy");
    let got = s3.get_bucket_policy().bucket(BUCKET).send().await.expect("policy");
    assert_eq!(got.policy(), Some(policy));
    let broken = s3.put_bucket_policy().bucket(BUCKET).policy("{").send().await;
    assert_eq!(refusal(broken), (400, "MalformedPolicy".to_owned()));
    s3.delete_bucket_policy().bucket(BUCKET).send().await.expect("delete policy");
    assert!(s3.get_bucket_policy().bucket(BUCKET).send().await.is_err());

    let missing = s3.get_public_access_block().bucket(BUCKET).send().await;
    assert_eq!(refusal(missing), (404, "NoSuchPublicAccessBlockConfiguration".to_owned()));
    let block =
        PublicAccessBlockConfiguration::builder().block_public_acls(true).restrict_public_buckets(true);
    let block = block.block_public_policy(true).ignore_public_acls(false).build();
    let put = s3.put_public_access_block().bucket(BUCKET).public_access_block_configuration(block.clone());
    put.send().await.expect("put block");
    let got = s3.get_public_access_block().bucket(BUCKET).send().await.expect("block");
    assert_eq!(got.public_access_block_configuration(), Some(&block));
    s3.delete_public_access_block().bucket(BUCKET).send().await.expect("delete block");
    assert!(s3.get_public_access_block().bucket(BUCKET).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn lifecycle_and_tags_are_kept() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    let missing = s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(missing.expect_err("none").code(), Some("NoSuchLifecycleConfiguration"));
    let rule = LifecycleRule::builder()
        .id("old")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("env:/").build())
        .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(90).build())
        .build()
        .expect("rule");
    let config = BucketLifecycleConfiguration::builder().rules(rule.clone()).build().expect("config");
    let put = s3.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(config);
    put.send().await.expect("put lifecycle");
    let got = s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.expect("lifecycle");
    assert_eq!(got.rules(), [rule]);
    s3.delete_bucket_lifecycle().bucket(BUCKET).send().await.expect("delete lifecycle");
    assert!(s3.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.is_err());

    let missing = s3.get_bucket_tagging().bucket(BUCKET).send().await;
    assert_eq!(refusal(missing), (404, "NoSuchTagSet".to_owned()));
    let tag = Tag::builder().key("team").value("infra").build().expect("tag");
    let tagging = Tagging::builder().tag_set(tag.clone()).build().expect("tagging");
    s3.put_bucket_tagging().bucket(BUCKET).tagging(tagging).send().await.expect("put tags");
    let got = s3.get_bucket_tagging().bucket(BUCKET).send().await.expect("tags");
    assert_eq!(got.tag_set(), [tag]);
    s3.delete_bucket_tagging().bucket(BUCKET).send().await.expect("delete tags");
    assert!(s3.get_bucket_tagging().bucket(BUCKET).send().await.is_err());
}
