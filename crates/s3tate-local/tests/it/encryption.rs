//! Server-side encryption headers.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::endpoint::{BUCKET, Endpoint, refusal};

const MD5_OF_HELLO: &str = "\"5d41402abc4b2a76b9719d911017c592\"";

fn key(byte: u8) -> (String, String) {
    (STANDARD.encode([byte; 32]), STANDARD.encode(Md5::digest([byte; 32])))
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_keys_are_echoed() {
    let endpoint = Endpoint::memory().await;
    let put = || endpoint.s3.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let plain = put().send().await.expect("put");
    assert_eq!(plain.server_side_encryption(), Some(&ServerSideEncryption::Aes256), "the default");
    let aes = put().server_side_encryption(ServerSideEncryption::Aes256).send().await.expect("put");
    assert_eq!(aes.e_tag(), Some(MD5_OF_HELLO));
    let kms = put()
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id("arn:aws:kms:us-east-1:000000000000:key/k")
        .bucket_key_enabled(true)
        .send()
        .await
        .expect("put");
    assert_ne!(kms.e_tag(), Some(MD5_OF_HELLO), "not the MD5 with KMS");
    let got = endpoint.s3.get_object().bucket(BUCKET).key("a").send().await.expect("get");
    assert_eq!(got.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(got.ssekms_key_id(), Some("arn:aws:kms:us-east-1:000000000000:key/k"));
    assert_eq!(got.bucket_key_enabled(), Some(true));
    assert_eq!(got.e_tag(), kms.e_tag());
    let unknown = put().server_side_encryption(ServerSideEncryption::from("rot13")).send().await;
    assert_eq!(refusal(unknown), (400, "InvalidEncryptionAlgorithmError".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_default_applies_where_nothing_is_asked() {
    let endpoint = Endpoint::memory().await;
    let get = || endpoint.s3.get_bucket_encryption().bucket(BUCKET).send();
    let rule = get().await.expect("default").server_side_encryption_configuration.expect("config").rules;
    let algorithm = rule[0].apply_server_side_encryption_by_default().map(|d| d.sse_algorithm().clone());
    assert_eq!(algorithm, Some(ServerSideEncryption::Aes256));
    let by_default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::AwsKms)
        .kms_master_key_id("alias/states")
        .build()
        .expect("default");
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(by_default)
        .bucket_key_enabled(true)
        .build();
    let config = ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("config");
    let put = endpoint.s3.put_bucket_encryption().bucket(BUCKET);
    put.server_side_encryption_configuration(config.clone()).send().await.expect("put encryption");
    assert_eq!(get().await.expect("stored").server_side_encryption_configuration, Some(config));
    let put = endpoint.put("a", "1").await;
    assert_eq!(put.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!((put.ssekms_key_id(), put.bucket_key_enabled()), (Some("alias/states"), Some(true)));
    endpoint.s3.delete_bucket_encryption().bucket(BUCKET).send().await.expect("delete encryption");
    assert_eq!(endpoint.put("a", "1").await.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_key_is_needed_again() {
    let endpoint = Endpoint::memory().await;
    let (right, right_md5) = key(1);
    let (wrong, wrong_md5) = key(2);
    let put = |key: &str, md5: &str| {
        let put = endpoint.s3.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
        put.sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(md5)
    };
    assert_eq!(refusal(put(&right, &wrong_md5).send().await), (400, "InvalidArgument".to_owned()));
    let stored = put(&right, &right_md5).send().await.expect("put");
    assert_eq!(stored.sse_customer_key_md5(), Some(right_md5.as_str()));
    assert_eq!(stored.server_side_encryption(), None);
    assert_ne!(stored.e_tag(), Some(MD5_OF_HELLO));
    let get = || endpoint.s3.get_object().bucket(BUCKET).key("a");
    let with = |key: &str, md5: &str| {
        get().sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(md5)
    };
    assert_eq!(refusal(get().send().await), (400, "InvalidRequest".to_owned()));
    assert_eq!(refusal(with(&wrong, &wrong_md5).send().await), (403, "AccessDenied".to_owned()));
    let head = endpoint.s3.head_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(refusal(head).0, 400);
    let got = with(&right, &right_md5).send().await.expect("get");
    assert_eq!(got.sse_customer_algorithm(), Some("AES256"));
    assert_eq!(got.sse_customer_key_md5(), Some(right_md5.as_str()));
    assert_eq!(got.body.collect().await.expect("body").to_vec(), b"hello");
    endpoint.put("a", "plain").await;
    assert_eq!(
        refusal(with(&right, &right_md5).send().await),
        (400, "InvalidRequest".to_owned()),
        "not applicable"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_key_is_not_stored() {
    let directory = tempfile::tempdir().expect("directory");
    let endpoint = Endpoint::directory(directory.path()).await;
    let (key, md5) = key(7);
    let put = endpoint.s3.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let put = put.sse_customer_algorithm("AES256").sse_customer_key(&key).sse_customer_key_md5(&md5);
    put.send().await.expect("put");
    endpoint.local.stop().await;
    let stored = std::fs::read(directory.path().join("objects.sqlite3")).expect("database");
    let contains = |needle: &[u8]| stored.windows(needle.len()).any(|window| window == needle);
    assert!(contains(b"hello"), "the body is looked for in the right file");
    assert!(!contains(key.as_bytes()) && !contains(&[7; 32]) && !contains(md5.as_bytes()));
}
