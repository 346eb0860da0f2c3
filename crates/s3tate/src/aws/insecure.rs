//! HTTPS without a look at certificates, for `insecure`. The SDK's own connector can't be told to.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme};

use crate::config::Proxy;

/// A connector that takes any certificate, directly and through a proxy.
#[derive(Debug, Clone)]
pub(super) struct Insecure {
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

impl Insecure {
    /// `no_proxy` lists the hosts that are reached directly.
    pub(super) fn new(settings: &HttpConnectorSettings, proxy: Option<&Proxy>, no_proxy: &str) -> Self {
        let tcp = tcp(settings.connect_timeout());
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
            Some(Proxied { matcher: Arc::new(matcher), client: client(tunnel) })
        });
        Self { direct: client(tcp), proxied, read_timeout: settings.read_timeout() }
    }
}

fn tcp(timeout: Option<Duration>) -> Tcp {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(timeout);
    tcp
}

fn client<C>(below: C) -> Client<HttpsConnector<C>, SdkBody>
where
    HttpsConnector<C>: hyper_util::client::legacy::connect::Connect + Clone,
{
    let tls =
        HttpsConnectorBuilder::new().with_tls_config(tls()).https_only().enable_http1().wrap_connector(below);
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(tls)
}

fn tls() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = versions.expect("ring speaks the default versions of TLS");
    builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))).with_no_client_auth()
}

impl HttpConnector for Insecure {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let through =
                this.proxied.as_ref().filter(|proxied| proxied.matcher.intercept(request.uri()).is_some());
            let answer = match through {
                Some(proxied) => proxied.client.request(request),
                None => this.direct.request(request),
            };
            let answer = match this.read_timeout {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|late| ConnectorError::timeout(late.into()))?,
                None => answer.await,
            };
            let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Takes everybody for whom they say they are.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
