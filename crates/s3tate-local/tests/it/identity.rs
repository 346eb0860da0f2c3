//! Who is let in: signatures, access keys, temporary keys.

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};
use s3tate_local::Local;

use crate::endpoint::{self, BUCKET, Endpoint, TABLE, refusal};
use crate::raw::{Raw, sha256};

fn sts(local: &Local, credentials: Credentials) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .http_client(endpoint::http_client())
        .credentials_provider(credentials)
        .endpoint_url(local.endpoint_url())
        .region(aws_sdk_sts::config::Region::new("us-east-1"))
        .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled());
    aws_sdk_sts::Client::from_conf(config.build())
}

fn own(local: &Local) -> Credentials {
    Credentials::new(&local.access_key().id, local.access_key().secret(), None, None, "test")
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_and_wrong_secrets_are_refused() {
    let endpoint = Endpoint::memory().await;
    let local = &endpoint.local;
    let unknown = Credentials::new("AKIANOBODY", "secret", None, None, "test");
    let wrong = Credentials::new(&local.access_key().id, "secret", None, None, "test");
    for (credentials, s3_code, table_code, sts_code) in [
        (unknown, "InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId"),
        (wrong, "SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"),
    ] {
        let get = endpoint::s3(local, credentials.clone()).get_object().bucket(BUCKET).key("a").send().await;
        assert_eq!(refusal(get), (403, s3_code.to_owned()));
        let tables = endpoint::tables(local, credentials.clone()).list_tables().send().await;
        assert_eq!(tables.expect_err("refused").code(), Some(table_code));
        let identity = sts(local, credentials).get_caller_identity().send().await;
        assert_eq!(identity.expect_err("refused").code(), Some(sts_code));
    }
}

fn list_tables() -> Raw {
    Raw::new("POST", "/", "{}")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
}

#[tokio::test(flavor = "multi_thread")]
async fn dynamodb_checks_body_date_and_scope() {
    let endpoint = Endpoint::memory().await;
    let local = &endpoint.local;
    let hash = sha256(b"{}");
    let answer = list_tables().signed(local, "dynamodb", &hash).send(local).await;
    assert_eq!((answer.status, answer.text().contains(TABLE)), (200, true), "{}", answer.text());
    let unsigned = list_tables().send(local).await;
    assert_eq!(unsigned.status, 400);
    assert!(unsigned.text().contains("#MissingAuthenticationTokenException"), "{}", unsigned.text());
    let mut changed = list_tables().signed(local, "dynamodb", &hash);
    changed.body = b"{ }".to_vec();
    assert!(changed.send(local).await.text().contains("#InvalidSignatureException"));
    let scoped = list_tables().signed(local, "s3", &hash).send(local).await;
    assert_eq!(scoped.status, 400, "a signature for S3 does not open tables");
    for hours in [-1, 1] {
        let then = Timestamp::now() + SignedDuration::from_hours(hours);
        let stale =
            list_tables().signed_at(local, local.access_key(), "dynamodb", &hash, then).send(local).await;
        assert!(stale.text().contains("#InvalidSignatureException"), "{}", stale.text());
    }
    let mut unknown = list_tables();
    unknown.headers[1].1 = "DynamoDB_20120810.Dance".to_owned();
    let unknown = unknown.signed(local, "dynamodb", &hash).send(local).await;
    assert!(unknown.text().contains("#UnknownOperationException"), "{}", unknown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn caller_is_told_who_it_is() {
    let endpoint = Endpoint::memory().await;
    let sts = sts(&endpoint.local, own(&endpoint.local));
    let identity = sts.get_caller_identity().send().await.expect("identity");
    assert_eq!(identity.account(), Some("000000000000"));
    assert_eq!(identity.arn(), Some("arn:aws:iam::000000000000:user/s3tate"));
    let unknown = Raw::new("POST", "/", "Action=GetUser&Version=2010-05-08")
        .header("content-type", "application/x-www-form-urlencoded")
        .signed(&endpoint.local, "sts", &sha256(b"Action=GetUser&Version=2010-05-08"))
        .send(&endpoint.local)
        .await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text().contains("<Code>InvalidAction</Code>"), "{}", unknown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn assumed_role_works_everywhere_with_its_token() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "1").await;
    let local = &endpoint.local;
    let assume = sts(local, own(local)).assume_role().role_session_name("run-1");
    let invalid = assume.clone().role_arn("nonsense").send().await;
    assert_eq!(invalid.expect_err("no role").code(), Some("ValidationError"));
    let assumed = assume.role_arn("arn:aws:iam::000000000000:role/path/deploy").duration_seconds(900);
    let issued = assumed.send().await.expect("assume").credentials.expect("credentials");
    let left = issued.expiration().secs() - Timestamp::now().as_second();
    assert!((895..=900).contains(&left), "{left}");
    let with = |token: Option<&str>| {
        let token = token.map(ToOwned::to_owned);
        Credentials::new(issued.access_key_id(), issued.secret_access_key(), token, None, "test")
    };
    let temporary = with(Some(issued.session_token()));
    let get = endpoint::s3(local, temporary.clone()).get_object().bucket(BUCKET).key("a").send().await;
    assert!(get.is_ok(), "{get:?}");
    endpoint::tables(local, temporary.clone()).list_tables().send().await.expect("tables");
    let identity = sts(local, temporary).get_caller_identity().send().await.expect("identity");
    assert_eq!(identity.arn(), Some("arn:aws:sts::000000000000:assumed-role/deploy/run-1"));
    for token in [None, Some("other")] {
        let get = endpoint::s3(local, with(token)).get_object().bucket(BUCKET).key("a").send().await;
        assert_eq!(refusal(get), (400, "InvalidToken".to_owned()));
        let tables = endpoint::tables(local, with(token)).list_tables().send().await;
        assert_eq!(tables.expect_err("refused").code(), Some("UnrecognizedClientException"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn web_identity_needs_the_secret() {
    let endpoint = Endpoint::memory().await;
    let local = &endpoint.local;
    let assume = sts(local, own(local)).assume_role_with_web_identity().role_session_name("ci");
    let assume = assume.role_arn("arn:aws:iam::000000000000:role/ci");
    let refused = assume.clone().web_identity_token("guessed").send().await;
    assert_eq!(refused.expect_err("refused").code(), Some("InvalidIdentityToken"));
    let issued = assume.web_identity_token(local.access_key().secret()).send().await.expect("assume");
    assert!(issued.credentials().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_another_account_are_refused() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "1").await;
    let get = |owner: &str| endpoint.s3.get_object().bucket(BUCKET).key("a").expected_bucket_owner(owner);
    get("000000000000").send().await.expect("the owner");
    assert_eq!(refusal(get("111111111111").send().await), (403, "AccessDenied".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_and_old_signatures_are_refused() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "1").await;
    let unsigned = Raw::new("GET", "/states/a", "").send(&endpoint.local).await;
    assert_eq!(unsigned.status, 403);
    let old =
        Raw::new("GET", "/states/a", "").header("authorization", "AWS AKIA:x").send(&endpoint.local).await;
    assert!(old.text().contains("AWS4-HMAC-SHA256"), "{}", old.text());
    let old = Raw::new("GET", "/states/a?AWSAccessKeyId=AKIA&Expires=9999999999&Signature=x", "");
    assert!(old.send(&endpoint.local).await.text().contains("AWS4-HMAC-SHA256"));
    let right = Raw::new("GET", "/states/a", "").signed(&endpoint.local, "s3", &sha256(b""));
    let mut changed = right.clone();
    changed.target = "/states/b".to_owned();
    assert_eq!(right.send(&endpoint.local).await.status, 200);
    assert!(changed.send(&endpoint.local).await.text().contains("<Code>SignatureDoesNotMatch</Code>"));
}
