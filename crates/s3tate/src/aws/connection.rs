//! Requests over connections whose TLS is set up here, directly or through a proxy: what the SDK's own connector can't be
//! told to do.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::config::Proxy;

/// A pool of connections. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    direct: Client<HttpsConnector<Tcp>, SdkBody>,
    proxied: Option<Proxied>,
    read_timeout: Option<Duration>,
}

/// The way through a proxy, and the hosts that take it.
#[derive(Debug, Clone)]
struct Proxied {
    matcher: Arc<Matcher>,
    client: Client<HttpsConnector<Tunnel<Tcp>>, SdkBody>,
}

/// How long to wait: for a connection, and for the head of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    pub(crate) connect: Option<Duration>,
    pub(crate) read: Option<Duration>,
}

impl Connection {
    /// `no_proxy` lists the hosts that are reached directly. Only requests by HTTPS take the proxy.
    pub(crate) fn new(timeouts: Timeouts, proxy: Option<&Proxy>, no_proxy: &str, tls: &ClientConfig) -> Self {
        let tcp = tcp(timeouts.connect);
        let proxied = proxy.and_then(|proxy| {
            let matcher = Matcher::builder().https(proxy.url.as_str()).no(no_proxy).build();
            let uri: Uri = proxy.url.parse().ok()?;
            let mut tunnel = Tunnel::new(uri, tcp.clone());
            // The matcher knows the proxy's credentials, if its URL has some.
            let anywhere = Uri::from_static("https://any.invalid");
            let auth = Matcher::builder().https(proxy.url.as_str()).build().intercept(&anywhere);
            if let Some(auth) = auth.as_ref().and_then(|intercept| intercept.basic_auth()) {
                tunnel = tunnel.with_auth(auth.clone());
            }
            Some(Proxied { matcher: Arc::new(matcher), client: client(tunnel, tls) })
        });
        Self { direct: client(tcp, tls), proxied, read_timeout: timeouts.read }
    }

    /// Sends a request; the answer's body is still to come.
    ///
    /// # Errors
    /// There was no answer.
    pub(crate) async fn send(&self, request: Request<SdkBody>) -> Result<Response<SdkBody>, ConnectorError> {
        let through =
            self.proxied.as_ref().filter(|proxied| proxied.matcher.intercept(request.uri()).is_some());
        let answer = match through {
            Some(proxied) => proxied.client.request(request),
            None => self.direct.request(request),
        };
        let answer = match self.read_timeout {
            Some(limit) => tokio::time::timeout(limit, answer)
                .await
                .map_err(|late| ConnectorError::timeout(late.into()))?,
            None => answer.await,
        };
        let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
        Ok(answer.map(SdkBody::from_body_1_x))
    }
}

fn tcp(timeout: Option<Duration>) -> Tcp {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(timeout);
    tcp
}

fn client<C>(below: C, tls: &ClientConfig) -> Client<HttpsConnector<C>, SdkBody>
where
    HttpsConnector<C>: hyper_util::client::legacy::connect::Connect + Clone,
{
    let tls = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http()
        .enable_http1()
        .wrap_connector(below);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(tls)
}
