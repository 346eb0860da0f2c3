//! What may stand between a recorder and the endpoint: it answers requests, usually by passing them on, changed or not.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The body of an answer: the endpoint's, as it comes, or one that was made up.
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

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
    client: Client<HttpConnector, Body>,
}

impl Upstream {
    /// The one at an `http://` URL.
    pub(crate) fn new(url: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url: url.trim_end_matches('/').to_owned(), client }
    }

    /// Asks the endpoint; one that doesn't answer is a bad gateway.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response<Body> {
        self.pass_on(request.map(whole)).await
    }

    /// The same for a request whose body is not at hand, or breaks off.
    pub(crate) async fn pass_on(&self, mut request: Request<Body>) -> Response<Body> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        *request.uri_mut() =
            format!("{}{target}", self.url).parse::<Uri>().expect("the target came as a URI");
        match self.client.request(request).await {
            Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
            Err(_) => status_only(StatusCode::BAD_GATEWAY),
        }
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body that breaks off halfway, and the connection with it.
pub(crate) fn broken(whole: &Bytes) -> Body {
    let half = whole.slice(..whole.len() / 2);
    let frames = [Ok(Frame::data(half)), Err("the body breaks off".into())];
    StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
}

/// An answer without a body.
pub(crate) fn status_only(status: StatusCode) -> Response<Body> {
    made_up(status, Bytes::new())
}

/// An answer that the endpoint knows nothing of.
pub(crate) fn made_up(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(whole(body.into()));
    *response.status_mut() = status;
    response
}

/// What marks an answer that is never given: the connection is closed instead.
#[derive(Debug, Clone, Copy)]
struct Cut;

/// No answer: the connection is closed.
pub(crate) fn cut() -> Response<Body> {
    let mut response = status_only(StatusCode::BAD_GATEWAY);
    response.extensions_mut().insert(Cut);
    response
}

/// Whether the connection is closed instead of giving this answer.
pub(crate) fn is_cut(response: &Response<Body>) -> bool {
    response.extensions().get::<Cut>().is_some()
}

/// The name of DynamoDB's operation, such as `PutItem`.
pub(crate) fn operation(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get("x-amz-target")?.to_str().ok()?.rsplit('.').next()
}

/// What a request is called: DynamoDB's `PutItem`, S3's `PUT /bucket/key`, or one of the requests of an upload in parts,
/// `CreateMultipartUpload`, `UploadPart` or `CompleteMultipartUpload`.
pub(crate) fn name(request: &Request<Bytes>) -> String {
    operation(request).map_or_else(|| s3_name(request), str::to_owned)
}

fn s3_name(request: &Request<Bytes>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match request.method().as_str() {
        "GET" if has("versions") => "ListObjectVersions".to_owned(),
        "POST" if has("uploads") => "CreateMultipartUpload".to_owned(),
        "POST" if has("uploadId") => "CompleteMultipartUpload".to_owned(),
        "PUT" if has("uploadId") => "UploadPart".to_owned(),
        method => format!("{method} {}", request.uri().path()),
    }
}
