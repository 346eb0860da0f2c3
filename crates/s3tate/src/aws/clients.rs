//! SDK clients made from a backend's configuration.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::OnceCell;

use super::credentials::{Chain, Provider, Sts};
use super::failure::{Failure, Service};
use super::settings::Settings;
use super::transport::http_client;
use crate::config::{BackendConfig, Endpoints};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::identity::{Identity, timestamp};

/// Credentials are fetched anew this long before they end.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_mins(1);
/// How long the search for credentials may take: a login or a process may ask somebody.
const SEARCH_TIMEOUT: Duration = Duration::from_mins(2);

/// Clients of the services, each made when it is first needed.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(super) config: BackendConfig,
    env: Env,
    made: Arc<Made>,
}

/// Connections and clients, which several backends may have in common.
#[derive(Debug)]
struct Made {
    http: SharedHttpClient,
    shared: OnceCell<Shared>,
    s3: OnceCell<aws_sdk_s3::Client>,
    dynamodb: OnceCell<aws_sdk_dynamodb::Client>,
}

/// What the clients have in common: one cache of credentials among it.
#[derive(Debug)]
struct Shared {
    sdk: SdkConfig,
    endpoints: Endpoints,
    chain: Arc<Chain>,
}

impl Clients {
    /// Prepares the clients; nothing is sent yet.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: the CA bundle can't be used.
    pub(crate) fn new(config: &BackendConfig, env: &Env) -> Result<Self> {
        let made = Made {
            http: http_client(&config.transport, env)?,
            shared: OnceCell::new(),
            s3: OnceCell::new(),
            dynamodb: OnceCell::new(),
        };
        Ok(Self { config: config.clone(), env: env.clone(), made: Arc::new(made) })
    }

    /// The same connections and credentials for another backend; `None` where its own would be others.
    pub(crate) fn shared_with(&self, config: &BackendConfig) -> Option<Self> {
        let ours = &self.config;
        let alike = (&ours.region, &ours.credentials, &ours.transport)
            == (&config.region, &config.credentials, &config.transport);
        alike.then(|| Self { config: config.clone(), env: self.env.clone(), made: Arc::clone(&self.made) })
    }

    async fn shared(&self) -> &Shared {
        let make = || async {
            let settings = Settings::load(&self.config, &self.env, self.made.http.clone()).await;
            let endpoints = settings.endpoints.clone();
            let sts_region = self.config.transport.sts_region.as_ref();
            let sts = Sts::new(&settings, sts_region, self.env.clone());
            let sdk = settings.sdk.to_builder();
            let chain = Chain::new(self.config.credentials.clone(), settings, sts, self.made.http.clone());
            let chain = Arc::new(chain);
            let cache = IdentityCache::lazy().buffer_time(REFRESH_BEFORE_EXPIRY).load_timeout(SEARCH_TIMEOUT);
            let sdk = sdk
                .credentials_provider(SharedCredentialsProvider::new(Provider::new(Arc::clone(&chain))))
                .identity_cache(cache.build());
            Shared { sdk: sdk.build(), endpoints, chain }
        };
        self.made.shared.get_or_init(make).await
    }

    /// What the shared files and the environment say.
    pub(super) async fn settings(&self) -> &Settings {
        self.shared().await.chain.settings()
    }

    /// The S3 endpoint in use, where it is not AWS's own.
    pub(crate) async fn s3_endpoint(&self) -> Option<&str> {
        self.shared().await.endpoints.s3.as_deref()
    }

    /// The DynamoDB endpoint in use, where it is not AWS's own.
    pub(crate) async fn dynamodb_endpoint(&self) -> Option<&str> {
        self.shared().await.endpoints.dynamodb.as_deref()
    }

    /// Whether an STS endpoint other than AWS's own is in use.
    pub(crate) async fn has_sts_endpoint(&self) -> bool {
        self.shared().await.endpoints.sts.is_some()
    }

    /// The S3 client.
    ///
    /// Checksums are sent and checked by us, as headers: older stores refuse the SDK's trailers.
    pub(crate) async fn s3(&self) -> &aws_sdk_s3::Client {
        let make = || async {
            let shared = self.shared().await;
            let mut builder = aws_sdk_s3::config::Builder::from(&shared.sdk)
                .force_path_style(self.config.transport.path_style)
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
            builder.set_endpoint_url(shared.endpoints.s3.clone());
            aws_sdk_s3::Client::from_conf(builder.build())
        };
        self.made.s3.get_or_init(make).await
    }

    /// The DynamoDB client.
    pub(crate) async fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        let make = || async {
            let shared = self.shared().await;
            let mut builder = aws_sdk_dynamodb::config::Builder::from(&shared.sdk);
            builder.set_endpoint_url(shared.endpoints.dynamodb.clone());
            aws_sdk_dynamodb::Client::from_conf(builder.build())
        };
        self.made.dynamodb.get_or_init(make).await
    }

    /// Searches for credentials anew and asks STS whose they are.
    ///
    /// # Errors
    /// No credentials, or the failure of the question.
    pub(crate) async fn identity(&self) -> Result<Identity> {
        let chain = &self.shared().await.chain;
        chain.sts().can_be_asked().map_err(|why| Error::invalid(format!("{why}; nothing was asked")))?;
        let found = chain.search().await.map_err(|trouble| trouble.into_error(&self.place()))?;
        let asked = chain.sts().caller(found.keys.clone()).await;
        let caller = asked.map_err(|error| {
            self.failure(Service::Sts, &error).into_error("can't tell whose the credentials are")
        })?;
        Ok(Identity {
            account: caller.account().unwrap_or_default().to_owned(),
            arn: caller.arn().unwrap_or_default().to_owned(),
            user_id: caller.user_id().unwrap_or_default().to_owned(),
            access_key: found.keys.access_key_id().to_owned(),
            expires: found.keys.expiry().and_then(timestamp),
            sources: found.tried,
            endpoint: chain.sts().url().await,
            region: self.config.region.clone(),
        })
    }

    /// A failed request to a service, told in our terms.
    pub(crate) fn failure<E>(&self, service: Service, error: &SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let endpoints = self.made.shared.get().map(|shared| &shared.endpoints);
        let endpoint = endpoints.and_then(|endpoints| match service {
            Service::S3 => endpoints.s3.clone(),
            Service::DynamoDb => endpoints.dynamodb.clone(),
            Service::Sts => endpoints.sts.clone(),
        });
        Failure::new(service, endpoint, error).at(self.place())
    }

    /// What the credentials are for.
    fn place(&self) -> String {
        format!("`s3://{}` ({})", self.config.bucket, self.config.region)
    }
}
