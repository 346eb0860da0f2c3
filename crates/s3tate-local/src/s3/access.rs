//! Who may use S3: everyone who signs with a known key. There are no policies to evaluate.

use std::sync::Arc;

use http::StatusCode;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::error::custom;
use crate::form;
use crate::keyring::{Keyring, Refusal};
use crate::sts::ACCOUNT;

const TOKEN: &str = "x-amz-security-token";

/// Looks up the secret that `s3s` checks a signature with.
#[derive(Debug)]
pub(super) struct Auth(Arc<Keyring>);

/// Checks what a valid signature does not prove.
#[derive(Debug)]
pub(super) struct Access(Arc<Keyring>);

impl Auth {
    pub(super) fn new(keyring: Arc<Keyring>) -> Self {
        Self(keyring)
    }
}

impl Access {
    pub(super) fn new(keyring: Arc<Keyring>) -> Self {
        Self(keyring)
    }
}

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let unknown = || {
            s3_error!(InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        };
        self.0.secret(access_key).map(SecretKey::from).ok_or_else(unknown)
    }
}

#[async_trait::async_trait]
impl S3Access for Access {
    /// # Errors
    /// `AccessDenied`: unsigned, or meant for another account. `InvalidToken`, `ExpiredToken`: temporary keys.
    /// `NotImplemented`: it asks for an object lock, which must not be promised and not kept.
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let credentials = context.credentials().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))?;
        let owner = context.headers().get("x-amz-expected-bucket-owner");
        if owner.is_some_and(|owner| owner.as_bytes() != ACCOUNT.as_bytes()) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if context.headers().keys().any(|name| name.as_str().contains("-object-lock-")) {
            return Err(s3_error!(NotImplemented, "Object lock is not implemented"));
        }
        let header =
            context.headers().get(TOKEN).and_then(|token| token.to_str().ok()).map(ToOwned::to_owned);
        let token = header.or_else(|| query_token(context.uri().query().unwrap_or_default()));
        self.0.check_token(&credentials.access_key, token.as_deref()).map_err(|refusal| match refusal {
            Refusal::InvalidToken => {
                s3_error!(InvalidToken, "The provided token is malformed or otherwise invalid.")
            }
            Refusal::ExpiredToken => {
                custom(StatusCode::BAD_REQUEST, "ExpiredToken", "The provided token has expired.")
            }
        })
    }
}

/// The session token of a presigned URL.
fn query_token(query: &str) -> Option<String> {
    form::pairs(query).find(|(name, _)| name.eq_ignore_ascii_case(TOKEN)).map(|(_, token)| token)
}
