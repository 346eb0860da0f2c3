//! The stream of what we print, which is nothing.

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tonic::{Request, Response, Status};

use super::Ending;
use crate::proto::plugin::StdioData;
use crate::proto::plugin::grpc_stdio_server::GrpcStdio;

/// Keeps the stream open until the end: clients warn of whatever comes on it.
#[derive(Debug)]
pub(crate) struct Stdio(pub(crate) Ending);

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = BoxStream<'static, Result<StdioData, Status>>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        let ending = self.0.clone();
        let silence = stream::once(async move { ending.begun().await }).filter_map(|()| async { None });
        Ok(Response::new(silence.boxed()))
    }
}
