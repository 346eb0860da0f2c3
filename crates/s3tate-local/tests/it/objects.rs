//! Objects: put, get, head, delete, ranges, tags.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    Delete, ObjectAttributes, ObjectCannedAcl, ObjectIdentifier, ObjectLockMode, Tag, Tagging,
};

use crate::endpoint::{BUCKET, Endpoint, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn object_round_trips_with_its_headers() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint
        .s3
        .put_object()
        .bucket(BUCKET)
        .key("env:/prod/ä b+c.tfstate")
        .content_type("application/json")
        .cache_control("no-store")
        .content_encoding("gzip")
        .content_language("de")
        .content_disposition("attachment")
        .acl(ObjectCannedAcl::BucketOwnerFullControl)
        .metadata("writer", "s3tate 1")
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .expect("put");
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let get = endpoint.s3.get_object().bucket(BUCKET).key("env:/prod/ä b+c.tfstate");
    let got = get.send().await.expect("get");
    assert_eq!((got.e_tag(), got.version_id()), (put.e_tag(), put.version_id()));
    assert_eq!(got.content_type(), Some("application/json"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.content_encoding(), Some("gzip"), "without aws-chunked");
    assert_eq!(got.content_language(), Some("de"));
    assert_eq!(got.content_disposition(), Some("attachment"));
    assert_eq!(got.content_length(), Some(5));
    assert_eq!(got.accept_ranges(), Some("bytes"));
    assert_eq!(got.metadata().and_then(|meta| meta.get("writer")).map(String::as_str), Some("s3tate 1"));
    assert_eq!(got.body.collect().await.expect("body").to_vec(), b"hello");
    let head =
        endpoint.s3.head_object().bucket(BUCKET).key("env:/prod/ä b+c.tfstate").send().await.expect("head");
    assert_eq!((head.content_length(), head.e_tag()), (Some(5), put.e_tag()));
    assert_eq!(head.metadata().map(std::collections::HashMap::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_things_are_named() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    let no_key = s3.get_object().bucket(BUCKET).key("missing").send().await;
    assert_eq!(refusal(no_key), (404, "NoSuchKey".to_owned()));
    let no_bucket = s3.get_object().bucket("no-bucket").key("a").send().await;
    assert_eq!(refusal(no_bucket), (404, "NoSuchBucket".to_owned()));
    let head = s3.head_object().bucket(BUCKET).key("missing").send().await.expect_err("no object");
    assert!(head.into_service_error().is_not_found());
    let put = s3.put_object().bucket("no-bucket").key("a").send().await;
    assert_eq!(refusal(put), (404, "NoSuchBucket".to_owned()));
    let missing = s3.delete_object().bucket(BUCKET).key("missing").send().await;
    assert!(missing.is_ok(), "deleting nothing succeeds");
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_served_and_refused() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "0123456789").await;
    endpoint.put("empty", "").await;
    for (range, bytes, header) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        let got = endpoint.s3.get_object().bucket(BUCKET).key("a").range(range).send().await.expect(range);
        assert_eq!(got.content_range(), Some(header));
        assert_eq!(got.body.collect().await.expect("body").to_vec(), bytes.as_bytes(), "{range}");
    }
    for (key, range) in [("a", "bytes=10-"), ("a", "bytes=-0"), ("empty", "bytes=0-"), ("empty", "bytes=-1")]
    {
        let got = endpoint.s3.get_object().bucket(BUCKET).key(key).range(range).send().await;
        assert_eq!(refusal(got), (416, "InvalidRange".to_owned()), "{key} {range}");
    }
    assert_eq!(endpoint.get("empty").await, Some(Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_objects_pass_in_chunks() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    let bytes: Vec<u8> = (0..=250).cycle().take((9 << 20) + 12_345).collect();
    let body = ByteStream::from(bytes.clone());
    endpoint.s3.put_object().bucket(BUCKET).key("big").body(body).send().await.expect("put");
    assert!(endpoint.get("big").await.as_ref() == Some(&bytes), "the bytes come back");
    let range = format!("bytes={}-{}", (1 << 20) - 3, (6 << 20) + 1);
    let got = endpoint.s3.get_object().bucket(BUCKET).key("big").range(range).send().await.expect("get");
    let got = got.body.collect().await.expect("body").to_vec();
    assert!(got == bytes[(1 << 20) - 3..=(6 << 20) + 1], "across chunks");
    endpoint.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn download_survives_the_deletion_of_its_object() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    let bytes: Vec<u8> = (0..=250).cycle().take(40 << 20).collect();
    let body = ByteStream::from(bytes.clone());
    endpoint.s3.put_object().bucket(bucket).key("big").body(body).send().await.expect("put");
    let got = endpoint.s3.get_object().bucket(bucket).key("big").send().await.expect("get");
    endpoint.s3.delete_object().bucket(bucket).key("big").send().await.expect("delete");
    endpoint.put_in(bucket, "big", "another").await;
    assert!(got.body.collect().await.expect("body").to_vec() == bytes, "as it was");
    assert_eq!(endpoint.get_from(bucket, "big").await.as_deref(), Some(b"another".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_deletes_and_reports_each_object() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    let kept = endpoint.put_in(bucket, "kept", "1").await;
    endpoint.put_in(bucket, "gone", "1").await;
    let object = |key: &str| ObjectIdentifier::builder().key(key);
    let delete = Delete::builder()
        .objects(object("gone").build().expect("object"))
        .objects(object("never").build().expect("object"))
        .objects(object("kept").e_tag("\"other\"").build().expect("object"))
        .build()
        .expect("delete");
    let done = endpoint.s3.delete_objects().bucket(bucket).delete(delete).send().await.expect("batch");
    let deleted: Vec<_> = done.deleted().iter().filter_map(|object| object.key()).collect();
    assert_eq!(deleted, ["gone", "never"]);
    assert_eq!(done.errors().len(), 1);
    assert_eq!(done.errors()[0].code(), Some("PreconditionFailed"));
    assert_eq!(endpoint.get_from(bucket, "gone").await, None);
    let head = endpoint.s3.head_object().bucket(bucket).key("kept").send().await.expect("head");
    assert_eq!(head.e_tag(), kept.e_tag());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_kept_replaced_and_removed() {
    let endpoint = Endpoint::memory().await;
    let s3 = &endpoint.s3;
    s3.put_object().bucket(BUCKET).key("a").tagging("team=a%20b&empty=").send().await.expect("put");
    let head = s3.get_object().bucket(BUCKET).key("a").send().await.expect("get");
    assert_eq!(head.tag_count(), Some(2));
    let tags = s3.get_object_tagging().bucket(BUCKET).key("a").send().await.expect("tags");
    assert_eq!((tags.tag_set()[0].key(), tags.tag_set()[0].value()), ("team", "a b"));
    let tag = Tag::builder().key("x").value("1").build().expect("tag");
    let tagging = Tagging::builder().tag_set(tag).build().expect("tagging");
    s3.put_object_tagging().bucket(BUCKET).key("a").tagging(tagging).send().await.expect("put tags");
    let tags = s3.get_object_tagging().bucket(BUCKET).key("a").send().await.expect("tags");
    assert_eq!(tags.tag_set().iter().map(Tag::key).collect::<Vec<_>>(), ["x"]);
    s3.delete_object_tagging().bucket(BUCKET).key("a").send().await.expect("delete tags");
    let tags = s3.get_object_tagging().bucket(BUCKET).key("a").send().await.expect("tags");
    assert!(tags.tag_set().is_empty());
    let invalid = s3.put_object().bucket(BUCKET).key("a").tagging("a=1&a=2").send().await;
    assert_eq!(invalid.expect_err("twice").code(), Some("InvalidTag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_told_without_the_bytes() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint.put("a", "hello").await;
    let get = endpoint.s3.get_object_attributes().bucket(BUCKET).key("a");
    let get = get.object_attributes(ObjectAttributes::Etag).object_attributes(ObjectAttributes::ObjectSize);
    let got = get.object_attributes(ObjectAttributes::Checksum).send().await.expect("attributes");
    assert_eq!(got.object_size(), Some(5));
    assert_eq!(
        got.e_tag().map(|etag| etag.trim_matches('"')),
        put.e_tag().map(|etag| etag.trim_matches('"'))
    );
    assert!(got.checksum().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn object_lock_is_refused_and_not_ignored() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint.s3.put_object().bucket(BUCKET).key("a").object_lock_mode(ObjectLockMode::Compliance);
    let until = aws_sdk_s3::primitives::DateTime::from_secs(4_000_000_000);
    let put = put.object_lock_retain_until_date(until).send().await;
    assert_eq!(refusal(put), (501, "NotImplemented".to_owned()));
    assert_eq!(endpoint.get("a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_sees_two_writes_mixed() {
    let directory = tempfile::tempdir().expect("directory");
    for endpoint in [Endpoint::memory().await, Endpoint::directory(directory.path()).await] {
        let bucket = endpoint.plain_bucket().await;
        endpoint.put_in(bucket, "a", "0").await;
        let mut tasks = tokio::task::JoinSet::new();
        for byte in b'1'..=b'3' {
            let s3 = endpoint.s3.clone();
            tasks.spawn(async move {
                for _ in 0..3 {
                    let body = ByteStream::from(vec![byte; 5 << 20]);
                    s3.put_object().bucket("plain").key("a").body(body).send().await.expect("put");
                    let got = s3.get_object().bucket("plain").key("a").send().await.expect("get");
                    let got = got.body.collect().await.expect("body").to_vec();
                    assert!(got.len() == 5 << 20 && got.iter().all(|byte| *byte == got[0]));
                }
            });
        }
        tasks.join_all().await;
        endpoint.local.stop().await;
    }
}
