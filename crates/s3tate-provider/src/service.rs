//! The provider's service: calls in, values and diagnostics out.
//!
//! Whatever can go wrong is told by diagnostics, since clients show the errors of calls as faults of the provider.

use std::pin::pin;
use std::sync::{PoisonError, RwLock};

use s3tate::Env;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::provider_server::Provider;
use crate::proto::tfplugin6::{
    Diagnostic, DynamicValue, close_ephemeral_resource, configure_provider, get_provider_schema,
    open_ephemeral_resource, read_data_source, renew_ephemeral_resource, stop_provider,
    validate_data_resource_config, validate_ephemeral_resource_config, validate_provider_config,
};
use crate::schema;
use crate::sources::{Reading, Source, decode};

/// The provider, with at most one configuration at a time.
#[derive(Debug)]
pub(crate) struct Service {
    configuration: RwLock<Configuration>,
    backends: Backends,
    stop: Notify,
}

impl Service {
    /// A provider that isn't configured yet, which then takes everything from the environment.
    pub(crate) fn new(env: Env) -> Self {
        Self { configuration: RwLock::default(), backends: Backends::new(env), stop: Notify::new() }
    }

    fn configured(config: Option<&DynamicValue>) -> Result<Configuration, Vec<Diagnostic>> {
        Configuration::of_provider(&decode(&schema::provider_type(), config)?)
    }

    /// Reads, unless the client asks to stop before that is done.
    async fn read(&self, source: Result<Source, Vec<Diagnostic>>, config: Option<&DynamicValue>) -> Reading {
        let mut stopped = pin!(self.stop.notified());
        stopped.as_mut().enable();
        let reading = async {
            let configuration = self.configuration.read().unwrap_or_else(PoisonError::into_inner).clone();
            source?.read(config, &configuration, &self.backends).await
        };
        let reading = tokio::select! {
            biased;
            reading = reading => reading,
            () = stopped => Err(vec![interrupted()]),
        };
        reading.unwrap_or_else(|diagnostics| (None, diagnostics))
    }
}

fn interrupted() -> Diagnostic {
    diagnostics::error(Path::default(), "interrupted: the state was not read", "")
}

/// What a check found wrong, or why there was nothing to check.
fn checked(source: Result<Source, Vec<Diagnostic>>, config: Option<&DynamicValue>) -> Vec<Diagnostic> {
    source.map_or_else(|diagnostics| diagnostics, |source| source.validate(config))
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Provider for Service {
    async fn get_provider_schema(
        &self,
        _: Request<get_provider_schema::Request>,
    ) -> Answer<get_provider_schema::Response> {
        Ok(Response::new(schema::all()))
    }

    async fn validate_provider_config(
        &self,
        request: Request<validate_provider_config::Request>,
    ) -> Answer<validate_provider_config::Response> {
        let diagnostics = Self::configured(request.get_ref().config.as_ref()).err().unwrap_or_default();
        Ok(Response::new(validate_provider_config::Response { diagnostics }))
    }

    async fn configure_provider(
        &self,
        request: Request<configure_provider::Request>,
    ) -> Answer<configure_provider::Response> {
        tracing::debug!(client = request.get_ref().terraform_version, "configured");
        let diagnostics = match Self::configured(request.get_ref().config.as_ref()) {
            Ok(configured) => {
                *self.configuration.write().unwrap_or_else(PoisonError::into_inner) = configured;
                Vec::new()
            }
            Err(diagnostics) => diagnostics,
        };
        Ok(Response::new(configure_provider::Response { diagnostics }))
    }

    async fn stop_provider(&self, _: Request<stop_provider::Request>) -> Answer<stop_provider::Response> {
        self.stop.notify_waiters();
        Ok(Response::new(stop_provider::Response::default()))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<validate_data_resource_config::Request>,
    ) -> Answer<validate_data_resource_config::Response> {
        let request = request.into_inner();
        let diagnostics = checked(Source::data(&request.type_name), request.config.as_ref());
        Ok(Response::new(validate_data_resource_config::Response { diagnostics }))
    }

    async fn read_data_source(
        &self,
        request: Request<read_data_source::Request>,
    ) -> Answer<read_data_source::Response> {
        let request = request.into_inner();
        let (state, diagnostics) = self.read(Source::data(&request.type_name), request.config.as_ref()).await;
        Ok(Response::new(read_data_source::Response { state, diagnostics }))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<validate_ephemeral_resource_config::Request>,
    ) -> Answer<validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let diagnostics = checked(Source::ephemeral(&request.type_name), request.config.as_ref());
        Ok(Response::new(validate_ephemeral_resource_config::Response { diagnostics }))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<open_ephemeral_resource::Request>,
    ) -> Answer<open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let (result, diagnostics) =
            self.read(Source::ephemeral(&request.type_name), request.config.as_ref()).await;
        Ok(Response::new(open_ephemeral_resource::Response { result, diagnostics, ..Default::default() }))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<renew_ephemeral_resource::Request>,
    ) -> Answer<renew_ephemeral_resource::Response> {
        let private = request.into_inner().private;
        Ok(Response::new(renew_ephemeral_resource::Response { private, ..Default::default() }))
    }

    async fn close_ephemeral_resource(
        &self,
        _: Request<close_ephemeral_resource::Request>,
    ) -> Answer<close_ephemeral_resource::Response> {
        Ok(Response::new(close_ephemeral_resource::Response::default()))
    }
}
