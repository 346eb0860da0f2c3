//! What may stand between a recorder and the endpoint: it answers requests, usually by passing them on, changed or not.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The body of an answer: the endpoint's, as it comes, or one that was made up.
pub(crate) type Body = Either<Incoming, Full<Bytes>>;

/// An answer on its way.
pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// Something between a client and the endpoint.
pub(crate) trait Middle: fmt::Debug + Send + Sync {
    /// Answers a request whose target is a path and a query.
    fn answer<'a>(&'a self, request: Request<Bytes>, upstream: &'a Upstream) -> Answer<'a>;
}

/// Passes everything on as it is.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Middle for Nothing {
    fn answer<'a>(&'a self, request: Request<Bytes>, upstream: &'a Upstream) -> Answer<'a> {
        Box::pin(upstream.send(request))
    }
}

/// The endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    /// The one at an `http://` URL.
    pub(crate) fn new(url: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url: url.trim_end_matches('/').to_owned(), client }
    }

    /// Asks the endpoint; one that doesn't answer is a bad gateway.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Body> {
        let mut request = request.map(Full::new);
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        *request.uri_mut() =
            format!("{}{target}", self.url).parse::<Uri>().expect("the target came as a URI");
        match self.client.request(request).await {
            Ok(response) => response.map(Either::Left),
            Err(_) => status_only(StatusCode::BAD_GATEWAY),
        }
    }
}

/// An answer without a body.
pub(crate) fn status_only(status: StatusCode) -> Response<Body> {
    made_up(status, Bytes::new())
}

/// An answer that the endpoint knows nothing of.
pub(crate) fn made_up(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::new(body.into())));
    *response.status_mut() = status;
    response
}
