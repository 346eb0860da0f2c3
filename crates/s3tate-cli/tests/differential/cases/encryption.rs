//! What is stored how: `encrypt`, its keys, `acl`, checksums.

use crate::case::{Case, case};

const CUSTOMER_KEY: &str = r#"sse_customer_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=""#;
const UUID: &str = "01234567-89ab-1def-89ab-0123456789ab";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("encrypt, written").with("encrypt = true").lockfile().writes(),
        case("encrypt with a KMS key, written")
            .with("encrypt = true")
            .with(format!("kms_key_id = \"{UUID}\""))
            .lockfile()
            .writes(),
        case("encrypt with a customer's key, written")
            .with("encrypt = true")
            .with(CUSTOMER_KEY)
            .lockfile()
            .writes(),
        case("encrypt with a customer's key of the environment")
            .with("encrypt = true")
            .env("AWS_SSE_CUSTOMER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
            .writes(),
        case("a customer's key of the block before the environment's")
            .with("encrypt = true")
            .with(CUSTOMER_KEY)
            .env("AWS_SSE_CUSTOMER_KEY", "YTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
            .writes(),
        case("a KMS key without encrypt").with(format!("kms_key_id = \"{UUID}\"")).writes(),
        case("a customer's key without encrypt").with(CUSTOMER_KEY).writes(),
        case("a customer's key of the environment without encrypt")
            .env("AWS_SSE_CUSTOMER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
            .writes(),
        case("a malformed customer's key of the environment without encrypt")
            .env("AWS_SSE_CUSTOMER_KEY", "c2hvcnQ=")
            .refused("AWS_SSE_CUSTOMER_KEY"),
        case("a malformed customer's key without encrypt")
            .with(r#"sse_customer_key = "c2hvcnQ=""#)
            .refused("sse_customer_key"),
        case("a KMS key and a customer's")
            .with("encrypt = true")
            .with(format!("kms_key_id = \"{UUID}\""))
            .with(CUSTOMER_KEY)
            .refused("kms_key_id"),
        case("a KMS key and the environment's customer's key")
            .with("encrypt = true")
            .with(format!("kms_key_id = \"{UUID}\""))
            .env("AWS_SSE_CUSTOMER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
            .refused_as("AWS_SSE_CUSTOMER_KEY", "kms_key_id"),
        case("acl, written").with(r#"acl = "bucket-owner-full-control""#).lockfile().writes(),
        case("acl and encrypt, written")
            .with(r#"acl = "private""#)
            .with("encrypt = true")
            .lockfile()
            .writes(),
        case("skip_s3_checksum, written").with("skip_s3_checksum = true").lockfile().writes(),
        case("skip_s3_checksum where only what is required is summed")
            .with("skip_s3_checksum = true")
            .env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
            .writes(),
    ];
    let customer_keys = [
        ("of 16 bytes", "MDEyMzQ1Njc4OTAxMjM0NQ=="),
        ("of 43 characters", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"),
        ("not in base64", "!!EyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
    ];
    cases.extend(customer_keys.map(|(what, key)| {
        case(format!("a customer's key {what}"))
            .with("encrypt = true")
            .with(format!("sse_customer_key = \"{key}\""))
            .refused("sse_customer_key")
    }));
    cases.extend(KMS_KEYS.iter().map(|key| {
        case(format!("KMS key `{key}`"))
            .with("encrypt = true")
            .with(format!("kms_key_id = \"{key}\""))
            .writes()
    }));
    cases.extend(NO_KMS_KEYS.iter().map(|key| {
        case(format!("no KMS key `{key}`"))
            .with("encrypt = true")
            .with(format!("kms_key_id = \"{key}\""))
            .refused("kms_key_id")
    }));
    cases
}

const KMS_KEYS: &[&str] = &[
    "mrk-0123456789abcdef0123456789abcdef",
    "alias/team/state_1",
    "alias/aws/s3",
    "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-1def-89ab-0123456789ab",
    "arn:aws:kms:us-east-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef",
    "arn:aws:kms:us-east-1:123456789012:alias/state",
    "01234567-89ab-1def-89ab-0123456789ab-and-more",
    "in front of alias/state",
];

const NO_KMS_KEYS: &[&str] = &[
    "state",
    "01234567-89AB-1DEF-89AB-0123456789AB",
    "01234567-89ab-0def-89ab-0123456789ab",
    "01234567-89ab-1def-79ab-0123456789ab",
    "mrk-0123",
    "alias/with space",
    "arn:aws:kms:us-east-1:123456789012:key/state",
    "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-1def-89ab-0123456789ab-and-more",
    "arn:aws:kms:us-east-1",
];
