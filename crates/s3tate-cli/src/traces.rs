//! Where spans of the server go: to a collector, by OTLP over HTTP, where `OTEL_EXPORTER_OTLP_ENDPOINT` names one.
//!
//! The other `OTEL_…` variables are read by the exporter itself.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use s3tate::{Env, Error, Result};
use s3tate_server::client::Client;
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// The spans that are sent: those of requests, and below them each request to the store.
const SPANS: &str = "off,spans=info,aws_sdk_s3=debug,aws_sdk_dynamodb=debug,aws_sdk_sts=debug";

/// Spans on their way.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    runtime: Arc<OnceLock<Handle>>,
}

impl Traces {
    /// `None` where no collector is named, or tracing is switched off.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: the address is none, or the system's roots can't be used.
    pub(crate) fn new(env: &Env) -> Result<Option<Self>> {
        let named = env.first(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]);
        let off = env.var("OTEL_SDK_DISABLED").is_some_and(|word| word.eq_ignore_ascii_case("true"))
            || env.var("OTEL_TRACES_EXPORTER") == Some("none");
        let Some((name, endpoint)) = named.filter(|_| !off) else { return Ok(None) };
        let runtime = Arc::<OnceLock<Handle>>::default();
        let sender = Sender { client: Client::new()?, runtime: Arc::clone(&runtime) };
        let exporter = SpanExporter::builder().with_http().with_http_client(sender).build();
        let exporter = exporter.map_err(|cause| {
            Error::invalid(format!("`{endpoint}` of {name} can't be used")).with_source(cause)
        })?;
        let mut resource = Resource::builder();
        if env.var("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("s3tate");
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        Ok(Some(Self { provider, runtime }))
    }

    /// What takes spans, and nothing but spans: lines of the log stay in the log.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer: OpenTelemetryLayer<S, Tracer> = tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("s3tate"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        layer.with_filter(EnvFilter::new(SPANS).and(filter_fn(is_span)))
    }

    /// From now on spans are sent, by this runtime.
    pub(crate) fn send_by(&self, runtime: Handle) {
        // It is set once: there is one runtime.
        drop(self.runtime.set(runtime));
    }

    /// Sends what is left; the runtime has to be there still.
    pub(crate) fn finish(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(target: "s3tate_server::traces", %error, "the last spans were not sent");
        }
    }
}

fn is_span(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_span()
}

/// The exporter's way to the collector: the exporter has a thread of its own, and our client belongs to the runtime.
#[derive(Debug)]
struct Sender {
    client: Client,
    runtime: Arc<OnceLock<Handle>>,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, HttpError> {
        let runtime = self.runtime.get().ok_or("the program has just started")?;
        let client = self.client.clone();
        let sent = runtime.spawn(async move { client.send(request).await }).await?;
        if let Err(error) = &sent {
            tracing::warn!(target: "s3tate_server::traces", %error, "spans were not sent");
        }
        Ok(sent?)
    }
}
