//! Server-side encryption as clients see it. Nothing is encrypted: the headers are kept, checked and answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use md5::{Digest, Md5};
use rusqlite::Connection;
use s3s::{S3Result, dto, s3_error};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::error::{custom, invalid_argument};
use crate::env;
use crate::store::bucket::{self, Bucket};
use crate::store::{StoreError, Stored};

/// Kind of the bucket configuration with the default encryption, a `ServerSideEncryptionConfiguration`.
pub(crate) const CONFIG: &str = "encryption";

const CUSTOMER: &str = "x-amz-server-side-encryption-customer-";
const COPY_SOURCE_CUSTOMER: &str = "x-amz-copy-source-server-side-encryption-customer-";

/// How a version is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encryption {
    /// `AES256`, the default of every bucket since 2023.
    #[default]
    S3,
    /// `aws:kms` or `aws:kms:dsse`.
    Kms { algorithm: String, key_id: String, bucket_key: bool },
    /// With a key that the client sends along each time. Only a salted hash of it is kept.
    Customer { salt: String, digest: String },
}

/// A key that came with a request.
#[derive(Clone)]
pub(crate) struct CustomerKey {
    key: Vec<u8>,
    /// Base64, as sent.
    pub(crate) md5: String,
}

impl CustomerKey {
    /// The key for the object that the request is about.
    pub(crate) fn of_object(headers: &HeaderMap) -> S3Result<Option<Self>> {
        Self::from_headers(headers, CUSTOMER)
    }

    /// The key for the source of a copy.
    pub(crate) fn of_source(headers: &HeaderMap) -> S3Result<Option<Self>> {
        Self::from_headers(headers, COPY_SOURCE_CUSTOMER)
    }

    /// # Errors
    /// `InvalidArgument`: one of the three headers is missing, no 256-bit key, or its MD5 does not fit.
    fn from_headers(headers: &HeaderMap, prefix: &str) -> S3Result<Option<Self>> {
        let get = |name: &str| text(headers, &format!("{prefix}{name}"));
        let (algorithm, key, md5) = (get("algorithm"), get("key"), get("key-md5"));
        if algorithm.is_none() && key.is_none() && md5.is_none() {
            return Ok(None);
        }
        if algorithm.as_deref() != Some("AES256") {
            let message = "The encryption method specified is not supported";
            return Err(custom(StatusCode::BAD_REQUEST, "InvalidEncryptionAlgorithmError", message));
        }
        let key = key.and_then(|key| STANDARD.decode(key).ok()).filter(|key| key.len() == 32);
        let key =
            key.ok_or_else(|| invalid_argument("The secret key was invalid for the specified algorithm."))?;
        let md5 = md5.filter(|md5| *md5 == STANDARD.encode(Md5::digest(&key)));
        let mismatch = || {
            invalid_argument("The calculated MD5 hash of the key did not match the hash that was provided.")
        };
        Ok(Some(Self { md5: md5.ok_or_else(mismatch)?, key }))
    }

    fn digest(&self, salt: &str) -> String {
        env::hex(&Sha256::new().chain_update(salt).chain_update(&self.key).finalize())
    }
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomerKey").finish_non_exhaustive()
    }
}

impl Encryption {
    /// What a write asks for; `None` leaves it to the bucket.
    pub(crate) fn from_headers(headers: &HeaderMap, key: Option<&CustomerKey>) -> S3Result<Option<Self>> {
        let algorithm = text(headers, "x-amz-server-side-encryption");
        match (algorithm.as_deref(), key) {
            (Some(_), Some(_)) => Err(invalid_argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
            )),
            (None, Some(key)) => Self::customer(key).map(Some),
            (None, None) => Ok(None),
            (Some("AES256"), None) => Ok(Some(Self::S3)),
            (Some(algorithm @ ("aws:kms" | "aws:kms:dsse")), None) => Ok(Some(Self::Kms {
                algorithm: algorithm.to_owned(),
                key_id: text(headers, "x-amz-server-side-encryption-aws-kms-key-id").unwrap_or_default(),
                bucket_key: text(headers, "x-amz-server-side-encryption-bucket-key-enabled")
                    .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            })),
            (Some(_), None) => {
                let message = "The encryption method specified is not supported";
                Err(custom(StatusCode::BAD_REQUEST, "InvalidEncryptionAlgorithmError", message))
            }
        }
    }

    fn customer(key: &CustomerKey) -> S3Result<Self> {
        let salt = env::random::<16>().map_err(StoreError::from)?;
        let salt = env::hex(&salt);
        Ok(Self::Customer { digest: key.digest(&salt), salt })
    }

    /// `asked`, or else what the bucket has configured; a KMS key that is not named is the account's `aws/s3`.
    pub(crate) fn settle(asked: Option<Self>, connection: &Connection, bucket: &Bucket) -> Stored<Self> {
        let mut settled = match asked {
            Some(asked) => asked,
            None => Self::bucket_default(connection, bucket)?,
        };
        if let Self::Kms { key_id, .. } = &mut settled
            && key_id.is_empty()
        {
            *key_id = format!("arn:aws:kms:{}:{}:alias/aws/s3", bucket.region, crate::sts::ACCOUNT);
        }
        Ok(settled)
    }

    fn bucket_default(connection: &Connection, bucket: &Bucket) -> Stored<Self> {
        let Some(config) = bucket::config(connection, bucket, CONFIG)? else { return Ok(Self::S3) };
        let config: dto::ServerSideEncryptionConfiguration = serde_json::from_str(&config)?;
        let Some(rule) = config.rules.into_iter().next() else { return Ok(Self::S3) };
        let bucket_key = rule.bucket_key_enabled.unwrap_or(false);
        let default = rule.apply_server_side_encryption_by_default;
        Ok(default.map_or(Self::S3, |default| match default.sse_algorithm.as_str() {
            "AES256" => Self::S3,
            algorithm => Self::Kms {
                algorithm: algorithm.to_owned(),
                key_id: default.kms_master_key_id.unwrap_or_default(),
                bucket_key,
            },
        }))
    }

    /// Whether the ETag of an object encrypted so is the MD5 of its bytes.
    pub(crate) fn etag_is_md5(&self) -> bool {
        *self == Self::S3
    }

    /// Checks the key that came with a request against the one that the version was written with.
    ///
    /// # Errors
    /// `InvalidRequest`: a key is missing, or not applicable. `AccessDenied`: it is another key.
    pub(crate) fn check(&self, key: Option<&CustomerKey>) -> S3Result<()> {
        match (self, key) {
            (Self::Customer { salt, digest }, Some(key)) if key.digest(salt) == *digest => Ok(()),
            (Self::Customer { .. }, Some(_)) => Err(s3_error!(AccessDenied, "Access Denied")),
            (Self::Customer { .. }, None) => Err(s3_error!(
                InvalidRequest,
                "The object was stored using a form of Server Side Encryption. The correct parameters must be \
                 provided to retrieve the object."
            )),
            (_, Some(_)) => {
                Err(s3_error!(InvalidRequest, "The encryption parameters are not applicable to this object."))
            }
            (_, None) => Ok(()),
        }
    }

    /// `x-amz-server-side-encryption` of an answer.
    pub(crate) fn algorithm(&self) -> Option<dto::ServerSideEncryption> {
        match self {
            Self::S3 => Some("AES256".to_owned().into()),
            Self::Kms { algorithm, .. } => Some(algorithm.clone().into()),
            Self::Customer { .. } => None,
        }
    }

    /// `x-amz-server-side-encryption-aws-kms-key-id` of an answer.
    pub(crate) fn key_id(&self) -> Option<String> {
        match self {
            Self::Kms { key_id, .. } => Some(key_id.clone()),
            _ => None,
        }
    }

    /// `x-amz-server-side-encryption-bucket-key-enabled` of an answer.
    pub(crate) fn bucket_key(&self) -> Option<bool> {
        matches!(self, Self::Kms { bucket_key: true, .. }).then_some(true)
    }
}

/// Sets the encryption fields that most answers have.
macro_rules! show_encryption {
    ($output:expr, $encryption:expr, $key:expr) => {
        $output.server_side_encryption = $encryption.algorithm();
        $output.ssekms_key_id = $encryption.key_id();
        $output.bucket_key_enabled = $encryption.bucket_key();
        let key: Option<&$crate::s3::encryption::CustomerKey> = $key;
        $output.sse_customer_algorithm = key.map(|_| "AES256".to_owned());
        $output.sse_customer_key_md5 = key.map(|key| key.md5.clone());
    };
}
pub(crate) use show_encryption;

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned())
}
