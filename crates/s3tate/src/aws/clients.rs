//! SDK clients made from a backend's configuration.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials as Keys;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::OnceCell;

use super::failure::{Failure, Service};
use super::transport::http_client;
use crate::config::{BackendConfig, Credentials};
use crate::env::Env;
use crate::error::Result;

/// A store that doesn't take the connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A store that hasn't begun to answer in this time is stuck.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Clients of the services, each made when it is first needed.
#[derive(Debug)]
pub(crate) struct Clients {
    config: BackendConfig,
    http: SharedHttpClient,
    shared: OnceCell<SdkConfig>,
    s3: OnceCell<aws_sdk_s3::Client>,
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
}

impl Clients {
    /// Prepares the clients; nothing is sent yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: the CA bundle can't be used.
    pub(crate) fn new(config: &BackendConfig, env: &Env) -> Result<Self> {
        Ok(Self {
            config: config.clone(),
            http: http_client(config.ca_bundle.as_deref(), env)?,
            shared: OnceCell::new(),
            s3: OnceCell::new(),
            dynamodb: OnceCell::new(),
        })
    }

    async fn shared(&self) -> &SdkConfig {
        self.shared.get_or_init(|| self.loader().load()).await
    }

    fn loader(&self) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(Region::new(self.config.region.clone()))
            .retry_config(retries(&self.config))
            .timeout_config(timeouts.build())
            .use_fips(self.config.fips)
            .use_dual_stack(self.config.dual_stack);
        with_credentials(loader, &self.config.credentials)
    }

    /// The S3 client.
    ///
    /// Checksums are sent and checked by us, as headers: older stores refuse the SDK's trailers.
    pub(crate) async fn s3(&self) -> &aws_sdk_s3::Client {
        let make = || async {
            let mut builder = aws_sdk_s3::config::Builder::from(self.shared().await)
                .force_path_style(self.config.path_style)
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            if let Some(url) = &self.config.endpoints.s3 {
                builder = builder.endpoint_url(url);
            }
            aws_sdk_s3::Client::from_conf(builder.build())
        };
        self.s3.get_or_init(make).await
    }

    /// The DynamoDB client.
    pub(crate) async fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        let make = || async {
            let mut builder = aws_sdk_dynamodb::config::Builder::from(self.shared().await);
            if let Some(url) = &self.config.endpoints.dynamodb {
                builder = builder.endpoint_url(url);
            }
            aws_sdk_dynamodb::Client::from_conf(builder.build())
        };
        self.dynamodb.get_or_init(make).await
    }
}

impl Clients {
    /// A failed request to a service, told in our terms.
    pub(crate) fn failure<E>(&self, service: Service, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let endpoint = match service {
            Service::S3 => &self.config.endpoints.s3,
            Service::DynamoDb => &self.config.endpoints.dynamodb,
        };
        Failure::new(service, endpoint.clone(), error)
    }
}

fn retries(config: &BackendConfig) -> RetryConfig {
    let standard = RetryConfig::standard();
    match config.max_attempts {
        Some(attempts) => standard.with_max_attempts(attempts),
        None => standard,
    }
}

fn with_credentials(loader: ConfigLoader, credentials: &Credentials) -> ConfigLoader {
    match credentials {
        Credentials::Static { access_key, secret_key, token } => {
            let token = token.as_ref().map(|token| token.expose().to_owned());
            loader.credentials_provider(Keys::new(access_key, secret_key.expose(), token, None, "s3tate"))
        }
        Credentials::Chain { profile, credentials_files, config_files } => {
            let loader = match profile {
                Some(profile) => loader.profile_name(profile),
                None => loader,
            };
            with_profile_files(loader, credentials_files, config_files)
        }
    }
}

fn with_profile_files(
    loader: ConfigLoader,
    credentials_files: &[std::path::PathBuf],
    config_files: &[std::path::PathBuf],
) -> ConfigLoader {
    if credentials_files.is_empty() && config_files.is_empty() {
        return loader;
    }
    let mut files = EnvConfigFiles::builder()
        .include_default_config_file(config_files.is_empty())
        .include_default_credentials_file(credentials_files.is_empty());
    for file in config_files {
        files = files.with_file(EnvConfigFileKind::Config, file);
    }
    for file in credentials_files {
        files = files.with_file(EnvConfigFileKind::Credentials, file);
    }
    loader.profile_files(files.build())
}
