//! Listings of objects.

use crate::endpoint::{BUCKET, Endpoint, refusal};

async fn filled() -> Endpoint {
    let endpoint = Endpoint::memory().await;
    for key in ["a", "dir/1", "dir/2", "dir/sub/3", "dir0", "e", "env:/x/k", "ü/1"] {
        endpoint.put(key, "x").await;
    }
    endpoint.put("hidden/1", "x").await;
    endpoint.s3.delete_object().bucket(BUCKET).key("hidden/1").send().await.expect("delete");
    endpoint
}

/// Keys and common prefixes, page by page.
async fn names(
    endpoint: &Endpoint,
    prefix: &str,
    delimiter: Option<&str>,
    page: i32,
) -> (Vec<String>, usize) {
    let (mut found, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let list = endpoint
            .s3
            .list_objects_v2()
            .bucket(BUCKET)
            .prefix(prefix)
            .set_delimiter(delimiter.map(ToOwned::to_owned))
            .max_keys(page)
            .set_continuation_token(token)
            .send()
            .await
            .expect("list");
        pages += 1;
        let count = list.contents().len() + list.common_prefixes().len();
        assert_eq!(list.key_count(), i32::try_from(count).ok());
        found.extend(list.contents().iter().filter_map(|object| object.key()).map(ToOwned::to_owned));
        found.extend(list.common_prefixes().iter().filter_map(|p| p.prefix()).map(ToOwned::to_owned));
        if list.is_truncated() != Some(true) {
            return (found, pages);
        }
        token = list.next_continuation_token().map(ToOwned::to_owned);
        assert!(token.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_and_delimiters_in_pages_of_any_size() {
    let endpoint = filled().await;
    let everything = ["a", "dir/1", "dir/2", "dir/sub/3", "dir0", "e", "env:/x/k", "ü/1"];
    for page in [1, 2, 3, 1000] {
        let sorted = |mut found: (Vec<String>, usize)| {
            found.0.sort();
            found.0
        };
        assert_eq!(names(&endpoint, "", None, page).await.0, everything);
        assert_eq!(
            sorted(names(&endpoint, "", Some("/"), page).await),
            ["a", "dir/", "dir0", "e", "env:/", "ü/"]
        );
        assert_eq!(sorted(names(&endpoint, "dir/", Some("/"), page).await), ["dir/1", "dir/2", "dir/sub/"]);
        assert_eq!(names(&endpoint, "dir", None, page).await.0, &everything[1..5]);
        assert_eq!(names(&endpoint, "none", None, page).await.0, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_one_goes_on_behind_its_marker() {
    let endpoint = filled().await;
    let (mut marker, mut found) = (None, Vec::new());
    loop {
        let list = endpoint.s3.list_objects().bucket(BUCKET).delimiter("/").max_keys(1).set_marker(marker);
        let list = list.send().await.expect("list");
        found.extend(list.contents().iter().filter_map(|object| object.key()).map(ToOwned::to_owned));
        found.extend(list.common_prefixes().iter().filter_map(|p| p.prefix()).map(ToOwned::to_owned));
        marker = list.next_marker().map(ToOwned::to_owned);
        if list.is_truncated() != Some(true) {
            break;
        }
        assert!(marker.is_some());
    }
    assert_eq!(found, ["a", "dir/", "dir0", "e", "env:/", "ü/"]);
    let list = endpoint.s3.list_objects().bucket(BUCKET).marker("dir/2").send().await.expect("list");
    assert_eq!(list.contents()[0].key(), Some("dir/sub/3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn start_after_encoding_and_owner() {
    let endpoint = filled().await;
    let list = endpoint
        .s3
        .list_objects_v2()
        .bucket(BUCKET)
        .start_after("env:/x/k")
        .fetch_owner(true)
        .encoding_type(aws_sdk_s3::types::EncodingType::Url)
        .send()
        .await
        .expect("list");
    assert_eq!(list.contents().len(), 1);
    let object = &list.contents()[0];
    assert_eq!(object.key(), Some("%C3%BC/1"));
    assert_eq!((object.size(), object.e_tag()), (Some(1), Some("\"9dd4e461268c8034f5c8564e155c67a6\"")));
    assert!(object.owner().is_some());
    assert_eq!(object.last_modified().map(aws_sdk_s3::primitives::DateTime::subsec_nanos), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_keys_take_several_pages() {
    let endpoint = Endpoint::memory().await;
    for index in 0..1005 {
        endpoint.put(&format!("many/{index:04}"), "x").await;
    }
    endpoint.put("zzz", "x").await;
    let (found, pages) = names(&endpoint, "", None, 5000).await;
    assert_eq!((found.len(), pages), (1006, 2), "a page has at most 1000 entries");
    assert!(found.is_sorted());
    let (found, pages) = names(&endpoint, "", Some("/"), 1000).await;
    assert_eq!((found, pages), (vec!["zzz".to_owned(), "many/".to_owned()], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_are_answered_as_on_aws() {
    let endpoint = filled().await;
    let list = endpoint.s3.list_objects_v2().bucket(BUCKET).max_keys(0).send().await.expect("list");
    assert_eq!((list.contents().len(), list.is_truncated()), (0, Some(false)));
    let list = endpoint.s3.list_objects_v2().bucket(BUCKET).continuation_token("%%%").send().await;
    assert_eq!(refusal(list), (400, "InvalidArgument".to_owned()));
    let list = endpoint.s3.list_objects_v2().bucket("no-bucket").send().await;
    assert_eq!(refusal(list), (404, "NoSuchBucket".to_owned()));
}
