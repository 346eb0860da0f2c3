//! A running endpoint with SDK clients for it.

use std::path::Path;

use aws_credential_types::Credentials;
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use s3tate_local::{Local, LocalError, Options, Storage};

/// The bucket that every endpoint has, with versioning.
pub(crate) const BUCKET: &str = "states";

/// The table that every endpoint has.
pub(crate) const TABLE: &str = "locks";

/// An endpoint and its clients.
pub(crate) struct Endpoint {
    pub(crate) local: Local,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) tables: aws_sdk_dynamodb::Client,
}

impl Endpoint {
    /// In memory.
    pub(crate) async fn memory() -> Self {
        Self::start(Storage::Memory).await.expect("an endpoint in memory")
    }

    /// In `directory`.
    pub(crate) async fn directory(directory: &Path) -> Self {
        Self::start(Storage::Directory(directory.to_owned())).await.expect("an endpoint in a directory")
    }

    pub(crate) async fn start(storage: Storage) -> Result<Self, LocalError> {
        let local = Local::start(options(storage)).await?;
        let key = local.access_key();
        let credentials = Credentials::new(&key.id, key.secret(), None, None, "test");
        Ok(Self { s3: s3(&local, credentials.clone()), tables: tables(&local, credentials), local })
    }
}

pub(crate) fn options(storage: Storage) -> Options {
    let mut options = Options::new(storage);
    options.buckets.push(BUCKET.to_owned());
    options.tables.push(TABLE.to_owned());
    options
}

pub(crate) fn http_client() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
}

pub(crate) fn s3(local: &Local, credentials: Credentials) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(s3_config(local, credentials).build())
}

pub(crate) fn s3_config(local: &Local, credentials: Credentials) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        // A busy machine is no stalled connection.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client())
        .credentials_provider(credentials)
        .endpoint_url(local.endpoint_url())
        .region(aws_sdk_s3::config::Region::new("us-east-1"))
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .force_path_style(true)
}

pub(crate) fn tables(local: &Local, credentials: Credentials) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .http_client(http_client())
        .credentials_provider(credentials)
        .endpoint_url(local.endpoint_url())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Status and code of a refused S3 request.
pub(crate) fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E, HttpResponse>>,
) -> (u16, String) {
    let error = result.expect_err("the request is refused");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

impl Endpoint {
    /// Stores `body` at `key` of [`BUCKET`].
    pub(crate) async fn put(&self, key: &str, body: &'static str) -> PutObjectOutput {
        self.put_in(BUCKET, key, body).await
    }

    pub(crate) async fn put_in(&self, bucket: &str, key: &str, body: &'static str) -> PutObjectOutput {
        let body = ByteStream::from_static(body.as_bytes());
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await.expect("put")
    }

    /// The bytes at `key` of [`BUCKET`]; `None` where there is no object.
    pub(crate) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.get_from(BUCKET, key).await
    }

    pub(crate) async fn get_from(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(got) => Some(got.body.collect().await.expect("body").to_vec()),
            Err(error) => {
                assert_eq!(error.code(), Some("NoSuchKey"), "{error:?}");
                None
            }
        }
    }

    /// A new bucket without versioning.
    pub(crate) async fn plain_bucket(&self) -> &'static str {
        self.s3.create_bucket().bucket("plain").send().await.expect("create bucket");
        "plain"
    }
}
