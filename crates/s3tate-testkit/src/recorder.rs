//! A proxy that writes down every request, to check budgets by counting and to compare what programs ask for.
//!
//! Clients may take it for the endpoint, or for a forward proxy: requests to hosts of other names are answered by the
//! endpoint too, and tunnels are refused once it is known where to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Response, StatusCode, Uri, header, server};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::form;
use crate::middle::{Body, Middle, Nothing, Upstream, is_cut, status_only};
use crate::runtime::runtime;

/// How long requests are held back for others that should be on their way; only a failing test waits so long.
const LIMIT: Duration = Duration::from_secs(10);

/// A request that passed, in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Whom the client meant: host and port, the port being left out where the client does.
    pub host: String,
    /// Whether it came as to a forward proxy.
    pub proxied: bool,
    /// DynamoDB's name of the operation, without the API version.
    pub operation: Option<String>,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, with the framing of a checksum that trails it.
    pub body: Bytes,
    /// The members of a form, as STS is sent; empty for all else.
    pub form: BTreeMap<String, String>,
    /// The status of the answer; 0 while there is none, and where none came.
    pub status: u16,
}

impl Request {
    fn new(parts: &hyper::http::request::Parts, body: Bytes) -> Self {
        let authority = parts.uri.authority().map(ToString::to_string);
        let headers = by_name(&parts.headers);
        let operation = headers.get("x-amz-target").and_then(|name| name.rsplit('.').next());
        Self {
            method: parts.method.to_string(),
            target: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            operation: operation.map(str::to_owned),
            proxied: authority.is_some(),
            host: authority.or_else(|| headers.get("host").cloned()).unwrap_or_default(),
            form: form::of(&headers, &body),
            headers,
            body,
            status: 0,
        }
    }

    /// The access key id that signed it.
    pub fn access_key(&self) -> Option<&str> {
        let (_, credential) = self.headers.get("authorization")?.split_once("Credential=")?;
        credential.split('/').next()
    }

    /// The action that a form asks for, such as `AssumeRole`.
    pub fn action(&self) -> Option<&str> {
        self.form.get("Action").map(String::as_str)
    }
}

fn by_name(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// What to ask the endpoint for: a bucket that is named by another host's first label comes first in the path.
fn upstream_target(request: &Request) -> String {
    match request.host.split_once(".s3.") {
        Some((bucket, _)) if request.proxied => format!("/{bucket}{}", request.target),
        _ => request.target.clone(),
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Some(operation) => write!(f, "{operation} {}", self.status),
            None => write!(f, "{} {} {}", self.method, self.target, self.status),
        }
    }
}

/// The proxy. It leaves the `Host` header as it is, so signatures stay valid, unless it stands in for another host.
#[derive(Debug)]
pub struct Recorder {
    url: String,
    log: Arc<Log>,
    listener: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Log {
    entries: Mutex<Entries>,
    gate_opens: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    requests: Vec<Request>,
    connections: usize,
    /// How many more requests have to arrive before the first is forwarded.
    awaited: usize,
}

impl Recorder {
    /// Starts a proxy on a free port in front of `upstream`, an `http://` URL.
    pub fn start(upstream: &str) -> Self {
        Self::start_with(upstream, Arc::new(Nothing))
    }

    /// The same with something between the proxy and `upstream`.
    pub(crate) fn start_with(upstream: &str, middle: Arc<dyn Middle>) -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let log = Arc::<Log>::default();
        let forward = Forward { upstream: Upstream::new(upstream), middle, log: Arc::clone(&log) };
        Self { url, log, listener: runtime().spawn(forward.serve(listener)) }
    }

    /// Where clients go instead of the endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes what was written down since the last time.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.log.lock().requests)
    }

    /// How many connections clients have opened.
    pub fn connections(&self) -> usize {
        self.log.lock().connections
    }

    /// Runs `action` and fails the test unless its first `count` requests are sent without waiting for an answer.
    pub fn sends_together<T>(&self, count: usize, action: impl FnOnce() -> T) -> T {
        self.log.lock().awaited = count;
        let result = action();
        let missing = self.log.lock().awaited;
        assert_eq!(
            missing, 0,
            "of {count} requests that should go out together, {missing} waited for an answer"
        );
        result
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().expect("nobody panics here")
    }

    /// Writes down a request and returns its number.
    fn arrive(&self, request: Request) -> usize {
        let mut entries = self.lock();
        entries.requests.push(request);
        if entries.awaited > 0 {
            entries.awaited -= 1;
            if entries.awaited == 0 {
                self.gate_opens.notify_waiters();
            }
        }
        entries.requests.len() - 1
    }

    /// Returns when no more requests are awaited, or the limit has passed.
    async fn pass_gate(&self) {
        let opens = self.gate_opens.notified();
        if self.lock().awaited > 0 {
            drop(tokio::time::timeout(LIMIT, opens).await);
        }
    }
}

/// What every connection needs.
#[derive(Debug, Clone)]
struct Forward {
    upstream: Upstream,
    middle: Arc<dyn Middle>,
    log: Arc<Log>,
}

impl Forward {
    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            self.log.lock().connections += 1;
            tokio::spawn(self.clone().serve_connection(stream));
        }
    }

    async fn serve_connection(self, stream: TcpStream) {
        let service = service_fn(|request| {
            let forward = self.clone();
            async move {
                let response = forward.answer(request).await;
                // An error makes the connection close without an answer.
                if is_cut(&response) { Err("cut") } else { Ok(response) }
            }
        });
        // A client that hangs up, as one that stops reading early does, is none of the proxy's business.
        drop(server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
            return status_only(StatusCode::BAD_REQUEST);
        };
        let request = Request::new(&parts, body.clone());
        let target = upstream_target(&request);
        let is_other_host = request.proxied;
        let number = self.log.arrive(request);
        if parts.method == Method::CONNECT {
            return status_only(StatusCode::BAD_GATEWAY);
        }
        self.log.pass_gate().await;
        parts.uri = target.parse::<Uri>().expect("the target came as a URI");
        if is_other_host {
            parts.headers.remove(header::HOST);
        }
        let response = self.middle.answer(hyper::Request::from_parts(parts, body), &self.upstream).await;
        if let Some(request) = self.log.lock().requests.get_mut(number) {
            request.status = if is_cut(&response) { 0 } else { response.status().as_u16() };
        }
        response
    }
}
