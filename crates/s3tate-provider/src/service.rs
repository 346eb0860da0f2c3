//! The provider's service: calls in, values and diagnostics out.
//!
//! Whatever can go wrong is told by diagnostics, since clients show the errors of calls as faults of the provider.

use std::pin::pin;
use std::sync::{PoisonError, RwLock};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use s3tate::Env;
use s3tate::lock::Keeper;
use tokio::sync::Notify;
use tonic::{Request, Response, Status, Streaming};

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::provider_server::Provider;
use crate::proto::tfplugin6::{
    Diagnostic, DynamicValue, StateStoreServerCapabilities, close_ephemeral_resource, configure_provider,
    configure_state_store, delete_state, get_provider_schema, get_states, lock_state,
    open_ephemeral_resource, read_data_source, read_state_bytes, renew_ephemeral_resource, stop_provider,
    unlock_state, validate_data_resource_config, validate_ephemeral_resource_config,
    validate_provider_config, validate_state_store_config, write_state_bytes,
};
use crate::schema;
use crate::sources::{Reading, Source, decode};
use crate::state_store::{self, Incoming, Slot};

/// The provider, with at most one configuration at a time.
#[derive(Debug)]
pub(crate) struct Service {
    configuration: RwLock<Configuration>,
    backends: Backends,
    store: Slot,
    stop: Notify,
}

impl Service {
    /// A provider that isn't configured yet, which then takes everything from the environment.
    pub(crate) fn new(env: Env, keeper: Keeper) -> Self {
        Self {
            configuration: RwLock::default(),
            backends: Backends::new(env, keeper),
            store: Slot::default(),
            stop: Notify::new(),
        }
    }

    fn configured(config: Option<&DynamicValue>) -> Result<Configuration, Vec<Diagnostic>> {
        Configuration::of_provider(&decode(&schema::provider_type(), config)?)
    }

    fn configuration(&self) -> Configuration {
        self.configuration.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads, unless the client asks to stop before that is done.
    async fn read(&self, source: Result<Source, Vec<Diagnostic>>, config: Option<&DynamicValue>) -> Reading {
        let mut stopped = pin!(self.stop.notified());
        stopped.as_mut().enable();
        let reading = async { source?.read(config, &self.configuration(), &self.backends).await };
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

    async fn validate_state_store_config(
        &self,
        request: Request<validate_state_store_config::Request>,
    ) -> Answer<validate_state_store_config::Response> {
        let validate_state_store_config::Request { type_name, config } = request.into_inner();
        let diagnostics =
            state_store::validate(&type_name, config.as_ref(), &self.configuration(), &self.backends);
        Ok(Response::new(validate_state_store_config::Response { diagnostics }))
    }

    async fn configure_state_store(
        &self,
        request: Request<configure_state_store::Request>,
    ) -> Answer<configure_state_store::Response> {
        let configure_state_store::Request { type_name, config, capabilities } = request.into_inner();
        let chunk_size = state_store::agreed(capabilities.map(|proposed| proposed.chunk_size));
        let provider = self.configuration();
        let diagnostics =
            self.store.configure(&type_name, config.as_ref(), chunk_size, &provider, &self.backends);
        let capabilities = Some(StateStoreServerCapabilities { chunk_size });
        Ok(Response::new(configure_state_store::Response { diagnostics, capabilities }))
    }

    type ReadStateBytesStream = BoxStream<'static, Result<read_state_bytes::Response, Status>>;

    async fn read_state_bytes(
        &self,
        request: Request<read_state_bytes::Request>,
    ) -> Answer<Self::ReadStateBytesStream> {
        let read_state_bytes::Request { type_name, state_id } = request.into_inner();
        let read = async { self.store.get(&type_name)?.read(&state_id).await };
        Ok(Response::new(match read.await {
            Ok(pieces) => stream::iter(pieces.map(Ok)).boxed(),
            Err(diagnostics) => {
                let failed = read_state_bytes::Response { diagnostics, ..Default::default() };
                stream::iter([Ok(failed)]).boxed()
            }
        }))
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<write_state_bytes::RequestChunk>>,
    ) -> Answer<write_state_bytes::Response> {
        let (mut pieces, mut incoming) = (request.into_inner(), Incoming::default());
        // A client that goes away before the end has written nothing.
        while let Some(piece) = pieces.message().await? {
            incoming.add(piece);
        }
        let diagnostics = self.store.write(incoming).await.err().unwrap_or_default();
        Ok(Response::new(write_state_bytes::Response { diagnostics }))
    }

    async fn lock_state(&self, request: Request<lock_state::Request>) -> Answer<lock_state::Response> {
        let lock_state::Request { type_name, state_id, operation } = request.into_inner();
        let lock = async { self.store.get(&type_name)?.lock(&state_id, &operation).await };
        Ok(Response::new(match lock.await {
            Ok(lock_id) => lock_state::Response { lock_id, ..Default::default() },
            Err(diagnostics) => lock_state::Response { diagnostics, ..Default::default() },
        }))
    }

    async fn unlock_state(&self, request: Request<unlock_state::Request>) -> Answer<unlock_state::Response> {
        let unlock_state::Request { type_name, state_id, lock_id } = request.into_inner();
        let unlock = async { self.store.get(&type_name)?.unlock(&state_id, &lock_id).await };
        let diagnostics = unlock.await.err().unwrap_or_default();
        Ok(Response::new(unlock_state::Response { diagnostics }))
    }

    async fn get_states(&self, request: Request<get_states::Request>) -> Answer<get_states::Response> {
        let states = async { self.store.get(&request.get_ref().type_name)?.states().await };
        Ok(Response::new(match states.await {
            Ok(state_id) => get_states::Response { state_id, ..Default::default() },
            Err(diagnostics) => get_states::Response { diagnostics, ..Default::default() },
        }))
    }

    async fn delete_state(&self, request: Request<delete_state::Request>) -> Answer<delete_state::Response> {
        let delete_state::Request { type_name, state_id } = request.into_inner();
        let delete = async { self.store.get(&type_name)?.delete(&state_id).await };
        let diagnostics = delete.await.err().unwrap_or_default();
        Ok(Response::new(delete_state::Response { diagnostics }))
    }
}
