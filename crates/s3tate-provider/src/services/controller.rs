//! The end of the process, at the client's word.

use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Response, Status};

use crate::proto::plugin::grpc_controller_server::GrpcController;

/// Known to all who have to come to an end.
#[derive(Debug, Clone)]
pub(crate) struct Ending(Arc<watch::Sender<Option<&'static str>>>);

impl Default for Ending {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Ending {
    /// Asks everybody to come to an end; the first reason counts.
    pub(crate) fn begin(&self, reason: &'static str) {
        self.0.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(reason);
            first
        });
    }

    /// Waits until the end has begun.
    pub(crate) async fn begun(&self) {
        // The sender lives as long as `self` does.
        drop(self.0.subscribe().wait_for(Option::is_some).await);
    }

    /// Why the end has begun.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        *self.0.borrow()
    }
}

/// Takes the client's word for it.
#[derive(Debug)]
pub(crate) struct Controller(pub(crate) Ending);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<()>) -> Result<Response<()>, Status> {
        self.0.begin("the client asked for it");
        Ok(Response::new(()))
    }
}
