//! Conditional reads and writes.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use tokio::task::JoinSet;

use crate::endpoint::{BUCKET, Endpoint, refusal};

const FAILED: (u16, &str) = (412, "PreconditionFailed");

fn expect(got: &(u16, String), wanted: (u16, &str), what: &str) {
    assert_eq!((got.0, got.1.as_str()), wanted, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn put_if_absent_and_put_if_unchanged() {
    let endpoint = Endpoint::memory().await;
    let put = || endpoint.s3.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"2"));
    expect(&refusal(put().if_match("\"x\"").send().await), (404, "NoSuchKey"), "match on nothing");
    put().if_none_match("*").send().await.expect("nothing there yet");
    expect(&refusal(put().if_none_match("*").send().await), FAILED, "something there");
    expect(&refusal(put().if_match("\"x\"").send().await), FAILED, "another ETag");
    expect(&refusal(put().if_none_match("\"x\"").send().await), (501, "NotImplemented"), "as on AWS");
    let first = endpoint.put("a", "1").await;
    let second = put().if_match(first.e_tag().expect("etag")).send().await.expect("unchanged");
    expect(&refusal(put().if_match(first.e_tag().expect("etag")).send().await), FAILED, "changed since");
    put().if_match("*").send().await.expect("any");
    assert_eq!(endpoint.get("a").await.as_deref(), Some(b"2".as_slice()));
    assert!(second.version_id().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_marker_counts_as_absent() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "1").await;
    endpoint.s3.delete_object().bucket(BUCKET).key("a").send().await.expect("delete");
    let put = || endpoint.s3.put_object().bucket(BUCKET).key("a");
    expect(&refusal(put().if_match("*").send().await), (404, "NoSuchKey"), "hidden");
    let delete = endpoint.s3.delete_object().bucket(BUCKET).key("a").if_match("*").send().await;
    expect(&refusal(delete), (404, "NoSuchKey"), "hidden");
    put().if_none_match("*").send().await.expect("hidden is absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_if_unchanged() {
    let endpoint = Endpoint::memory().await;
    let delete = || endpoint.s3.delete_object().bucket(BUCKET).key("a");
    expect(&refusal(delete().if_match("\"x\"").send().await), (404, "NoSuchKey"), "nothing there");
    let put = endpoint.put("a", "1").await;
    expect(&refusal(delete().if_match("\"x\"").send().await), FAILED, "another ETag");
    assert!(endpoint.get("a").await.is_some());
    delete().if_match(put.e_tag().expect("etag")).send().await.expect("unchanged");
    assert_eq!(endpoint.get("a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_32_racing_writers_wins() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    for round in 0..3 {
        let key = format!("lock-{round}");
        let mut writers = JoinSet::new();
        for writer in 0..32 {
            let body = ByteStream::from(format!("{writer}").into_bytes());
            let put = endpoint.s3.put_object().bucket(BUCKET).key(&key).if_none_match("*").body(body);
            writers.spawn(async move { (writer, put.send().await) });
        }
        let mut winners = Vec::new();
        while let Some(done) = writers.join_next().await {
            match done.expect("writer") {
                (writer, Ok(_)) => winners.push(format!("{writer}").into_bytes()),
                (writer, lost) => expect(&refusal(lost), FAILED, &format!("writer {writer}")),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(endpoint.get(&key).await, winners.pop());
    }
    endpoint.local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_conditional() {
    let endpoint = Endpoint::memory().await;
    let put = endpoint.put("a", "1").await;
    let etag = put.e_tag().expect("etag");
    let get = || endpoint.s3.get_object().bucket(BUCKET).key("a");
    get().if_match(etag).send().await.expect("same ETag");
    expect(&refusal(get().if_match("\"x\"").send().await), FAILED, "another ETag");
    get().if_none_match("\"x\"").send().await.expect("another ETag");
    let same = get().if_none_match(etag).send().await.expect_err("not modified");
    let same = same.raw_response().expect("an answer");
    assert_eq!((same.status().as_u16(), same.headers().get("etag")), (304, Some(etag)));
    assert_eq!(same.body().bytes(), Some([].as_slice()));
    let (past, future) = (DateTime::from_secs(1_000_000_000), DateTime::from_secs(4_000_000_000));
    get().if_modified_since(past).send().await.expect("modified since");
    assert_eq!(refusal(get().if_modified_since(future).send().await).0, 304);
    get().if_unmodified_since(future).send().await.expect("unmodified since");
    expect(&refusal(get().if_unmodified_since(past).send().await), FAILED, "modified");
    get().if_match(etag).if_unmodified_since(past).send().await.expect("If-Match goes first");
    let head = endpoint.s3.head_object().bucket(BUCKET).key("a").if_match("\"x\"").send().await;
    assert_eq!(refusal(head).0, 412);
}
