//! The plugin as a whole: bound, announced, served, ended.

use std::sync::Arc;
use std::time::Duration;

use s3tate::lock::Keeper;
use s3tate::{Env, Error, ErrorKind, Result};
use tonic::transport::Server;

use crate::handshake;
use crate::parent::Parent;
use crate::proto::health::health_server::HealthServer;
use crate::proto::plugin::grpc_controller_server::GrpcControllerServer;
use crate::proto::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::service::Service;
use crate::services::{Controller, Ending, Health, Stdio};
use crate::signals;
use crate::transport::{Listener, Tls, accepted};

/// The largest message, either way; a state may be as large.
const MESSAGE_BYTES: usize = 256 << 20;
/// How long a client may leave its connection open after it asked for the end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A provider that listens, and has not said so yet.
#[derive(Debug)]
pub struct Plugin {
    env: Env,
    listener: Arc<Listener>,
    tls: Option<Tls>,
    parent: Parent,
}

impl Plugin {
    /// Listens where the client will connect, and ignores the signals that it cares for. Needs a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the client's certificate is none. [`ErrorKind::Unavailable`]: nothing can be bound.
    pub async fn bind(env: Env) -> Result<Self> {
        let parent = Parent::now();
        let tls = handshake::client_certificate(&env).map(Tls::with_client).transpose()?;
        signals::ignore()?;
        let listener = Arc::new(Listener::bind(&env).await?);
        Ok(Self { env, listener, tls, parent })
    }

    /// What the client waits for on our standard output, with the newline at its end.
    pub fn handshake(&self) -> String {
        let certificate = self.tls.as_ref().map(|tls| tls.certificate.as_slice());
        handshake::line(self.listener.network, &self.listener.address, certificate)
    }

    /// Serves until the client asks for the end, or is gone.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: the connection can't be served.
    pub async fn serve(self) -> Result<()> {
        let Self { env, listener, tls, parent } = self;
        let (ending, keeper) = (Ending::default(), Keeper::default());
        let watch = async {
            parent.gone(&env).await;
            ending.begin("the client is gone");
            std::future::pending::<()>().await;
        };
        let serve = serve(Arc::clone(&listener), tls, &env, &keeper, &ending);
        tokio::select! {
            served = serve => served?,
            () = watch => {}
        }
        // What is being written comes to its end, also where nobody is left to hear of it.
        keeper.settled().await;
        tracing::debug!(reason = ending.reason(), "ended");
        Ok(())
    }
}

/// Serves until the end has begun, and a little longer for the answers that are on their way.
pub(crate) async fn serve(
    listener: Arc<Listener>,
    tls: Option<Tls>,
    env: &Env,
    keeper: &Keeper,
    ending: &Ending,
) -> Result<()> {
    let provider = ProviderServer::new(Service::new(env.clone(), keeper.clone()))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let served = Server::builder()
        .add_service(provider)
        .add_service(GrpcControllerServer::new(Controller(ending.clone())))
        .add_service(GrpcStdioServer::new(Stdio(ending.clone())))
        .add_service(HealthServer::new(Health))
        .serve_with_incoming_shutdown(
            accepted(listener, tls.map(|tls| tls.acceptor), env.clone()),
            ending.begun(),
        );
    let late = async {
        ending.begun().await;
        env.sleep(LAST_WORDS).await;
    };
    tokio::select! {
        served = served => served.map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the client's connection can't be served").with_source(cause)
        }),
        () = late => Ok(()),
    }
}
