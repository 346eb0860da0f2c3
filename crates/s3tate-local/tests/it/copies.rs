//! `CopyObject`.

use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

use crate::endpoint::{BUCKET, Endpoint, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn copy_takes_or_replaces_headers_and_tags() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    let put =
        s3.put_object().bucket(BUCKET).key("a b/ü").metadata("k", "v").tagging("t=1").content_type("text/x");
    let put = put.body(b"hello".to_vec().into()).send().await.expect("put");
    let copy = || s3.copy_object().bucket(BUCKET).copy_source("states/a%20b/%C3%BC");
    let copied = copy().key("copy").send().await.expect("copy");
    assert_eq!(copied.copy_object_result().and_then(|result| result.e_tag()), put.e_tag());
    assert_eq!(copied.copy_source_version_id(), put.version_id());
    let got = s3.get_object().bucket(BUCKET).key("copy").send().await.expect("get");
    assert_eq!((got.content_type(), got.tag_count()), (Some("text/x"), Some(1)));
    assert_eq!(got.metadata().and_then(|meta| meta.get("k")).map(String::as_str), Some("v"));
    let replaced = copy()
        .key("replaced")
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .content_type("text/y")
        .send();
    replaced.await.expect("copy");
    let got = s3.get_object().bucket(BUCKET).key("replaced").send().await.expect("get");
    assert_eq!((got.content_type(), got.tag_count()), (Some("text/y"), None));
    assert_eq!(got.metadata().map(std::collections::HashMap::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_of_an_old_version_restores_it() {
    let endpoint = Endpoint::memory().await;
    let first = endpoint.put("a", "1").await;
    endpoint.put("a", "2").await;
    let source = format!("{BUCKET}/a?versionId={}", first.version_id().expect("id"));
    endpoint.s3.copy_object().bucket(BUCKET).key("a").copy_source(source).send().await.expect("copy");
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"1".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_onto_itself_must_change_something_and_keeps_the_bytes() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    endpoint.put_in(bucket, "a", "hello").await;
    let copy = || endpoint.s3.copy_object().bucket(bucket).key("a").copy_source("plain/a");
    assert_eq!(refusal(copy().send().await), (400, "InvalidRequest".to_owned()));
    copy().metadata_directive(MetadataDirective::Replace).metadata("x", "y").send().await.expect("copy");
    assert_eq!(endpoint.get_from(bucket, "a").await.as_deref(), Some(b"hello".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_is_conditional_at_both_ends() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint.put("a", "1").await;
    endpoint.put("b", "2").await;
    let copy = || endpoint.s3.copy_object().bucket(BUCKET).key("b").copy_source("states/a");
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal(copy().copy_source_if_match("\"x\"").send().await), failed);
    let etag = put.e_tag().expect("etag");
    assert_eq!(refusal(copy().copy_source_if_none_match(etag).send().await), failed);
    assert_eq!(refusal(copy().if_none_match("*").send().await), failed);
    assert_eq!(refusal(copy().if_match(etag).send().await), failed);
    copy().copy_source_if_match(etag).if_match("*").send().await.expect("copy");
    let missing = endpoint.s3.copy_object().bucket(BUCKET).key("b").copy_source("states/none").send().await;
    assert_eq!(refusal(missing), (404, "NoSuchKey".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_outlive_their_first_owner() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    endpoint.put_in(bucket, "a", "hello").await;
    endpoint.s3.copy_object().bucket(bucket).key("b").copy_source("plain/a").send().await.expect("copy");
    endpoint.s3.delete_object().bucket(bucket).key("a").send().await.expect("delete");
    assert_eq!(endpoint.get_from(bucket, "b").await.as_deref(), Some(b"hello".as_slice()));
}
