//! Versions and delete markers.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::endpoint::{BUCKET, Endpoint, refusal};

async fn set_versioning(endpoint: &Endpoint, bucket: &str, status: BucketVersioningStatus) {
    let config = VersioningConfiguration::builder().status(status).build();
    let put = endpoint.s3.put_bucket_versioning().bucket(bucket).versioning_configuration(config);
    put.send().await.expect("set versioning");
}

/// `(key, version id, is marker, is latest)` of all versions, page by page.
async fn all(endpoint: &Endpoint, bucket: &str, page: i32) -> Vec<(String, String, bool, bool)> {
    let mut found = Vec::new();
    let (mut key, mut version) = (None, None);
    loop {
        let list = endpoint
            .s3
            .list_object_versions()
            .bucket(bucket)
            .max_keys(page)
            .set_key_marker(key)
            .set_version_id_marker(version)
            .send()
            .await
            .expect("list versions");
        let text = |text: Option<&str>| text.expect("present").to_owned();
        for v in list.versions() {
            found.push((text(v.key()), text(v.version_id()), false, v.is_latest() == Some(true)));
        }
        for m in list.delete_markers() {
            found.push((text(m.key()), text(m.version_id()), true, m.is_latest() == Some(true)));
        }
        if list.is_truncated() != Some(true) {
            return found;
        }
        key = list.next_key_marker().map(ToOwned::to_owned);
        version = list.next_version_id_marker().map(ToOwned::to_owned);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_outlive_writes_and_deletes() {
    let endpoint = Endpoint::memory().await;
    let first = endpoint.put("a", "1").await;
    let second = endpoint.put("a", "2").await;
    let deleted = endpoint.s3.delete_object().bucket(BUCKET).key("a").send().await.expect("delete");
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id().expect("marker id").to_owned();
    assert_eq!(endpoint.get("a").await, None);
    let (first, second) = (first.version_id().expect("id"), second.version_id().expect("id"));
    let get = |id: &str| endpoint.s3.get_object().bucket(BUCKET).key("a").version_id(id);
    let got = get(first).send().await.expect("first");
    assert_eq!(got.body.collect().await.expect("body").to_vec(), b"1");
    assert_eq!(refusal(get(&marker).send().await), (405, "MethodNotAllowed".to_owned()));
    assert_eq!(refusal(get("nope").send().await), (404, "NoSuchVersion".to_owned()));
    let hidden = endpoint.s3.get_object().bucket(BUCKET).key("a").send().await.expect_err("hidden");
    let hidden = hidden.raw_response().expect("an answer").headers().get("x-amz-delete-marker");
    assert_eq!(hidden, Some("true"));
    let listed = all(&endpoint, BUCKET, 1000).await;
    let row = |id: &str, marker, latest| ("a".to_owned(), id.to_owned(), marker, latest);
    assert_eq!(listed, [row(second, false, false), row(first, false, false), row(&marker, true, true)]);

    let delete = |id: &str| endpoint.s3.delete_object().bucket(BUCKET).key("a").version_id(id);
    let undone = delete(&marker).send().await.expect("delete the marker");
    assert_eq!((undone.delete_marker(), undone.version_id()), (Some(true), Some(marker.as_str())));
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"2".as_slice()));
    delete(second).send().await.expect("delete the second");
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"1".as_slice()));
    assert_eq!(all(&endpoint, BUCKET, 1000).await, [row(first, false, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_listing_pages_through_everything() {
    let endpoint = Endpoint::memory().await;
    for key in ["a", "b/1", "b/2", "c"] {
        for _ in 0..3 {
            endpoint.put(key, "x").await;
        }
    }
    endpoint.s3.delete_object().bucket(BUCKET).key("c").send().await.expect("delete");
    let mut whole = all(&endpoint, BUCKET, 1000).await;
    assert_eq!(whole.len(), 13);
    for page in [1, 2, 5] {
        let mut paged = all(&endpoint, BUCKET, page).await;
        paged.sort();
        whole.sort();
        assert_eq!(paged, whole, "pages of {page}");
    }
    let list = endpoint.s3.list_object_versions().bucket(BUCKET).delimiter("/").send().await.expect("list");
    assert_eq!(list.common_prefixes().len(), 1);
    assert_eq!(list.versions().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn versioning_can_be_off_enabled_and_suspended() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    let status = || async {
        let got = endpoint.s3.get_bucket_versioning().bucket(bucket).send().await.expect("versioning");
        got.status().cloned()
    };
    assert_eq!(status().await, None);
    let plain = endpoint.put_in(bucket, "a", "0").await;
    assert_eq!(plain.version_id(), None);
    set_versioning(&endpoint, bucket, BucketVersioningStatus::Enabled).await;
    assert_eq!(status().await, Some(BucketVersioningStatus::Enabled));
    let enabled = endpoint.put_in(bucket, "a", "1").await;
    let enabled = enabled.version_id().expect("a version id").to_owned();
    set_versioning(&endpoint, bucket, BucketVersioningStatus::Suspended).await;
    assert_eq!(status().await, Some(BucketVersioningStatus::Suspended));
    let suspended = endpoint.put_in(bucket, "a", "2").await;
    assert_eq!(suspended.version_id(), Some("null"));
    let ids: Vec<_> = all(&endpoint, bucket, 1000).await.into_iter().map(|row| (row.1, row.3)).collect();
    assert_eq!(ids, [("null".to_owned(), true), (enabled.clone(), false)], "the old null is replaced");
    let deleted = endpoint.s3.delete_object().bucket(bucket).key("a").send().await.expect("delete");
    assert_eq!((deleted.delete_marker(), deleted.version_id()), (Some(true), Some("null")));
    let rows = all(&endpoint, bucket, 1000).await;
    assert_eq!(rows.len(), 2, "the marker replaces null: {rows:?}");
    assert_eq!(endpoint.get_from(bucket, "a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn unversioned_bucket_keeps_one_version() {
    let endpoint = Endpoint::memory().await;
    let bucket = endpoint.plain_bucket().await;
    endpoint.put_in(bucket, "a", "1").await;
    endpoint.put_in(bucket, "a", "2").await;
    assert_eq!(all(&endpoint, bucket, 1000).await.len(), 1);
    let deleted = endpoint.s3.delete_object().bucket(bucket).key("a").send().await.expect("delete");
    assert_eq!((deleted.delete_marker(), deleted.version_id()), (None, None));
    assert_eq!(all(&endpoint, bucket, 1000).await, []);
}
