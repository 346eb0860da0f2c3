//! The few requests that are made rather than answered: keys of issuers, and `s3tate why`.

use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use rustls::crypto::ring;
use s3tate::{Env, Error, ErrorKind, Result};

/// How long the head of an answer, and each piece of its body, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer: a rescued state may be large.
const MOST_BYTES: usize = 512 << 20;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Bytes,
}

/// Makes requests, over TLS where the address says so.
#[derive(Debug, Clone)]
pub struct Client(Pool<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Client {
    /// # Errors
    /// [`ErrorKind::Invalid`]: the system's roots can't be used.
    pub fn new() -> Result<Self> {
        let failed =
            |cause| Error::invalid("the system's trusted certificates can't be used").with_source(cause);
        let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().map_err(|cause| {
            Error::new(ErrorKind::Bug, "no version of TLS is supported").with_source(cause)
        })?;
        let config = builder.with_native_roots().map_err(failed)?.with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Pool::builder(TokioExecutor::new()).build(connector)))
    }

    /// Gets what is at a URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: no answer, or none that goes on, within ten seconds.
    pub(crate) async fn get(&self, url: &str, secret: Option<&str>) -> Result<Answer> {
        let failed = || Error::new(ErrorKind::Unavailable, format!("no answer from `{url}`"));
        let mut request = Request::get(url);
        if let Some(secret) = secret {
            let user = base64::engine::general_purpose::STANDARD.encode(format!("token:{secret}"));
            request = request.header(http::header::AUTHORIZATION, format!("Basic {user}"));
        }
        let request = request.body(Bytes::new()).map_err(|cause| failed().with_source(cause))?;
        let (head, body) = self.send(request).await?.into_parts();
        Ok(Answer { status: head.status.as_u16(), body })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: no answer within ten seconds.
    pub async fn send(&self, request: Request<Bytes>) -> Result<http::Response<Bytes>> {
        let url = request.uri().clone();
        let failed = || Error::new(ErrorKind::Unavailable, format!("no answer from `{url}`"));
        let answered = async {
            let request = request.map(Full::new);
            let response = self.0.request(request).await.map_err(|cause| failed().with_source(cause))?;
            Ok::<_, Error>(response.into_parts())
        };
        let (head, body) =
            tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| Err(failed()))?;
        let mut body = Limited::new(body, MOST_BYTES);
        let mut came = BytesMut::new();
        // A rescued state may be large, and take as long as it moves.
        while let Some(frame) = tokio::time::timeout(PATIENCE, body.frame()).await.map_err(|_| failed())? {
            let frame = frame.map_err(|cause| failed().fact("cause", cause.to_string()))?;
            came.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default());
        }
        Ok(http::Response::from_parts(head, came.freeze()))
    }
}

/// Gets what is at a URL of a state server.
///
/// # Errors
/// [`ErrorKind::Unavailable`]: no answer.
pub async fn get(_env: &Env, url: &str, secret: &str) -> Result<Answer> {
    Client::new()?.get(url, Some(secret)).await
}
