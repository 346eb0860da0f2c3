//! Checksums and body hashes: verified, kept, answered; nothing is stored on a mismatch.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};

use crate::endpoint::{BUCKET, Endpoint};
use crate::raw::{Answer, Raw, sha256};

const CRC32: &str = "NhCmhg==";
const SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_is_computed_kept_and_answered() {
    let endpoint = Endpoint::memory().await;
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let key = algorithm.as_str().to_owned();
        let body = ByteStream::from_static(b"hello");
        let put = endpoint.s3.put_object().bucket(BUCKET).key(&key).body(body).checksum_algorithm(algorithm);
        put.send().await.expect("put");
        let head = endpoint.s3.head_object().bucket(BUCKET).key(&key);
        let without = head.clone().send().await.expect("head");
        assert_eq!((without.checksum_crc32(), without.checksum_sha256()), (None, None));
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.expect("head");
        assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
        let values = [
            ("CRC32", head.checksum_crc32(), CRC32),
            ("CRC32C", head.checksum_crc32_c(), "mnG7TA=="),
            ("CRC64NVME", head.checksum_crc64_nvme(), "M3eFcAZSQlc="),
            ("SHA1", head.checksum_sha1(), "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
            ("SHA256", head.checksum_sha256(), SHA256),
        ];
        for (name, value, wanted) in values {
            assert_eq!(value, (name == key).then_some(wanted), "{name} of an object put with {key}");
        }
        let get = endpoint.s3.get_object().bucket(BUCKET).key(&key).checksum_mode(ChecksumMode::Enabled);
        let got = get.send().await.expect("get").body.collect().await.expect("the SDK verifies it");
        assert_eq!(got.to_vec(), b"hello");
    }
}

/// Sends `hello` by a presigned URL with `headers` added.
async fn put(endpoint: &Endpoint, headers: &[(&str, &str)]) -> Answer {
    let expires = PresigningConfig::expires_in(Duration::from_mins(1)).expect("expiry");
    let url = endpoint.s3.put_object().bucket(BUCKET).key("a").presigned(expires).await.expect("url");
    let target = url.uri().strip_prefix(&endpoint.local.endpoint_url()).expect("our URL");
    let mut raw = Raw::new("PUT", target, "hello").header("host", endpoint.local.addr().to_string());
    for (name, value) in headers {
        raw = raw.header(name, *value);
    }
    raw.send(&endpoint.local).await
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_hashes_in_headers_are_refused() {
    let endpoint = Endpoint::memory().await;
    let zeros = sha256(b"other");
    for (name, value, code) in [
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", "BadDigest"),
        ("content-md5", "nonsense", "InvalidDigest"),
        ("x-amz-content-sha256", zeros.as_str(), "XAmzContentSHA256Mismatch"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
        ("x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "BadDigest"),
        ("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "BadDigest"),
        ("x-amz-checksum-sha256", "c2hvcnQ=", "InvalidRequest"),
        ("x-amz-sdk-checksum-algorithm", "CRC32", "InvalidRequest"),
    ] {
        let answer = put(&endpoint, &[(name, value)]).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{name}: {}", answer.text());
    }
    let two = [("x-amz-checksum-crc32", CRC32), ("x-amz-checksum-sha256", SHA256)];
    assert!(put(&endpoint, &two).await.text().contains("<Code>InvalidRequest</Code>"));
    assert_eq!(endpoint.get("a").await, None, "nothing was stored");
    let right = [
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-amz-checksum-sha256", SHA256),
        ("x-amz-content-sha256", &sha256(b"hello")),
    ];
    let answer = put(&endpoint, &right).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.head.contains("x-amz-checksum-sha256"));
    assert!(answer.head.contains("x-amz-request-id: "));
}

/// Sends `hello` with `trailer` behind it, unsigned, as Terraform and the SDKs do over HTTPS.
async fn trail(endpoint: &Endpoint, announced: &str, trailer: &str) -> Answer {
    let body = format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
    Raw::new("PUT", "/states/a", body)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", "5")
        .header("x-amz-trailer", announced)
        .signed(&endpoint.local, "s3", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .send(&endpoint.local)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_are_verified() {
    let endpoint = Endpoint::memory().await;
    let wrong = trail(&endpoint, "x-amz-checksum-crc32", "x-amz-checksum-crc32:AAAAAA==").await;
    assert!(wrong.text().contains("<Code>BadDigest</Code>"), "{}", wrong.text());
    let wrong =
        trail(&endpoint, "x-amz-checksum-sha256", &format!("x-amz-checksum-sha256:{}", &SHA256[4..])).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    let missing = trail(&endpoint, "x-amz-checksum-crc32", "x-amz-meta-a:1").await;
    assert!(missing.text().contains("<Code>MalformedTrailerError</Code>"), "{}", missing.text());
    assert_eq!(endpoint.get("a").await, None, "nothing was stored");
    for (name, value) in [("x-amz-checksum-crc32", CRC32), ("x-amz-checksum-sha256", SHA256)] {
        let right = trail(&endpoint, name, &format!("{name}:{value}")).await;
        assert_eq!(right.status, 200, "{}", right.text());
        assert_eq!(endpoint.get("a").await.as_deref(), Some(b"hello".as_slice()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_early_are_not_stored() {
    let endpoint = Endpoint::memory().await;
    let short = Raw::new("PUT", "/states/a", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", "6")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .signed(&endpoint.local, "s3", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .send(&endpoint.local)
        .await;
    assert_eq!(short.status, 400, "{}", short.text());
    assert!(short.text().contains("<Code>IncompleteBody</Code>"), "{}", short.text());
    assert_eq!(endpoint.get("a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_verified_too() {
    let endpoint = Endpoint::memory().await;
    endpoint.put("a", "1").await;
    let document = "<Delete><Object><Key>a</Key></Object></Delete>";
    let delete = |name: &str, value: &str| {
        let raw = Raw::new("POST", "/states?delete=", document).header(name, value);
        raw.signed(&endpoint.local, "s3", &sha256(document.as_bytes()))
    };
    for (name, value) in [("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="), ("x-amz-checksum-crc32", "AAAAAA==")] {
        let answer = delete(name, value).send(&endpoint.local).await;
        assert!(answer.text().contains("<Code>BadDigest</Code>"), "{name}: {}", answer.text());
    }
    let mut changed = delete("x-a", "1");
    changed.body = document.replace('a', "b").into_bytes();
    let answer = changed.send(&endpoint.local).await;
    assert!(answer.text().contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{}", answer.text());
    assert!(endpoint.get("a").await.is_some());
    assert_eq!(delete("x-a", "1").send(&endpoint.local).await.status, 200);
    assert_eq!(endpoint.get("a").await, None);
}
