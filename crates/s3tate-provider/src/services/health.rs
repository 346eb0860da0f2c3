//! Whether we serve.

use tonic::{Request, Response, Status};

use crate::proto::health::health_check_response::ServingStatus;
use crate::proto::health::health_server;
use crate::proto::health::{HealthCheckRequest, HealthCheckResponse};

/// The name by which the plugin system asks.
const PLUGIN: &str = "plugin";

/// Says yes.
#[derive(Debug)]
pub(crate) struct Health;

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.into_inner().service.as_str() {
            "" | PLUGIN => Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() })),
            _ => Err(Status::not_found("only the plugin itself is known")),
        }
    }
}
