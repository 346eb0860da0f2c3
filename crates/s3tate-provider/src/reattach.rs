//! A provider to attach to: started by a person, for as many commands as they like.

use std::sync::Arc;

use s3tate::lock::Keeper;
use s3tate::{Env, Error, ErrorKind, Result};
use serde_json::json;

use crate::handshake::PROTOCOL;
use crate::plugin::serve;
use crate::services::Ending;
use crate::transport::Listener;

/// The provider's address in configurations.
const ADDRESS: &str = "s3tate/s3tate";

/// A provider that listens for clients which are told where.
#[derive(Debug)]
pub struct Attachable {
    env: Env,
    listener: Arc<Listener>,
}

impl Attachable {
    /// Listens. Needs a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: nothing can be bound.
    pub async fn bind(env: Env) -> Result<Self> {
        let listener = Arc::new(Listener::bind(&env).await?);
        Ok(Self { env, listener })
    }

    /// The value of `TF_REATTACH_PROVIDERS` by which clients find it.
    pub fn variable(&self) -> String {
        let address = json!({ "Network": self.listener.network, "String": self.listener.address });
        let provider = json!({
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": std::process::id(),
            "Test": true,
            "Addr": address,
        });
        json!({ ADDRESS: provider }).to_string()
    }

    /// Serves until Ctrl-C.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: connections can't be served, or signals not heard.
    pub async fn serve(self) -> Result<()> {
        let (ending, keeper) = (Ending::default(), Keeper::default());
        let serve = serve(self.listener, None, &self.env, &keeper, &ending);
        let ended = tokio::select! {
            served = serve => served,
            heard = tokio::signal::ctrl_c() => heard.map_err(|cause| {
                Error::new(ErrorKind::Unavailable, "can't listen to signals").with_source(cause)
            }),
        };
        keeper.settled().await;
        ended
    }
}
