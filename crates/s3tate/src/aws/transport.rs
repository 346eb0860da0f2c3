//! The HTTP transport under all AWS clients: one connection pool, TLS by rustls with ring, roots only when needed.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::insecure::Insecure;
use crate::config::{Proxy, Transport};
use crate::env::Env;
use crate::error::{Error, Result};

/// Where distributions keep their bundle of trusted roots, read in one go instead of file by file.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Metadata services are on this very machine: no proxy stands before them.
const METADATA: &str = "169.254.169.254,fd00:ec2::254,169.254.170.2,169.254.170.23,fd00:ec2::23";
/// What no proxy gets to see, as with Go.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Makes the client that all services share.
///
/// The SDK asks for a connector at every attempt, and each has a pool of its own, so it is kept by its settings.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: the bundle that is named can't be read or holds no certificate.
pub(super) fn http_client(transport: &Transport, env: &Env) -> Result<SharedHttpClient> {
    let roots = transport.ca_bundle.as_deref().map(read_bundle).transpose()?;
    let transport = Arc::new(transport.clone());
    let fallback = env.var("SSL_CERT_FILE").map(str::to_owned);
    let trust = Arc::new(OnceLock::new());
    let known = Mutex::new(Vec::<(HttpConnectorSettings, SharedHttpConnector)>::new());
    Ok(http_client_fn(move |settings, components| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = known.iter().find(|(with, _)| same(with, settings)) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(ByScheme {
            settings: settings.clone(),
            components: components.clone(),
            transport: Arc::clone(&transport),
            roots: roots.clone(),
            fallback: fallback.clone(),
            trust: Arc::clone(&trust),
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        });
        known.push((settings.clone(), connector.clone()));
        connector
    }))
}

fn proxy_config(proxy: Option<&Proxy>, given: &str) -> ProxyConfig {
    let config = proxy.and_then(|proxy| ProxyConfig::all(proxy.url.as_str()).ok());
    config.map_or_else(ProxyConfig::disabled, |config| config.no_proxy(no_proxy(given)))
}

/// The hosts that are reached directly: those given, and those that no proxy should see.
pub(crate) fn no_proxy(given: &str) -> String {
    [given, METADATA, LOOPBACK].into_iter().filter(|rules| !rules.is_empty()).collect::<Vec<_>>().join(",")
}

fn same(a: &HttpConnectorSettings, b: &HttpConnectorSettings) -> bool {
    a.connect_timeout() == b.connect_timeout() && a.read_timeout() == b.read_timeout()
}

/// The system's bundle of trusted roots, or the one that stands in for it; `None` where there is none to read.
pub(crate) fn bundles(instead: Option<&str>) -> Option<Vec<u8>> {
    let places = instead.into_iter().chain(BUNDLES.iter().copied());
    places.into_iter().find_map(|path| std::fs::read(path).ok())
}

fn read_bundle(path: &Path) -> Result<Vec<u8>> {
    let failed = || {
        Error::invalid(format!("can't read the CA bundle `{}`; nothing was done", path.display()))
            .hint("it comes from `custom_ca_bundle` or AWS_CA_BUNDLE")
    };
    let pem = std::fs::read(path).map_err(|cause| failed().with_source(cause))?;
    if memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_none() {
        return Err(failed().fact("cause", "it holds no PEM certificate"));
    }
    Ok(pem)
}

/// Builds a plain or a TLS connector when the first request of its scheme comes along.
#[derive(Debug)]
struct ByScheme {
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
    transport: Arc<Transport>,
    roots: Option<Vec<u8>>,
    fallback: Option<String>,
    trust: Arc<OnceLock<TlsContext>>,
    plain: OnceLock<SharedHttpConnector>,
    tls: OnceLock<SharedHttpConnector>,
}

impl ByScheme {
    fn plain(&self) -> &SharedHttpConnector {
        self.plain.get_or_init(|| {
            let mut builder = Connector::builder()
                .connector_settings(self.settings.clone())
                .proxy_config(proxy_config(self.transport.http_proxy.as_ref(), &self.transport.no_proxy))
                .enable_tcp_nodelay(true);
            builder.set_sleep_impl(self.components.sleep_impl());
            SharedHttpConnector::new(builder.build_http())
        })
    }

    fn tls(&self) -> &SharedHttpConnector {
        self.tls.get_or_init(|| {
            let proxy = self.transport.https_proxy.as_ref();
            if self.transport.insecure {
                let no_proxy = no_proxy(&self.transport.no_proxy);
                return SharedHttpConnector::new(Insecure::new(&self.settings, proxy, &no_proxy));
            }
            let mut builder = Connector::builder()
                .connector_settings(self.settings.clone())
                .enable_tcp_nodelay(true)
                .proxy_config(proxy_config(proxy, &self.transport.no_proxy))
                .tls_provider(Provider::Rustls(CryptoMode::Ring));
            builder.set_sleep_impl(self.components.sleep_impl());
            SharedHttpConnector::new(builder.tls_context(self.trust().clone()).build())
        })
    }

    fn trust(&self) -> &TlsContext {
        self.trust.get_or_init(|| {
            let system = || bundles(self.fallback.as_deref());
            let store = match self.roots.clone().or_else(system) {
                Some(pem) => TrustStore::empty().with_pem_certificate(pem),
                None => TrustStore::default(),
            };
            TlsContext::builder().with_trust_store(store).build().unwrap_or_default()
        })
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let tls = request.uri().starts_with("https:");
        let connector = if tls { self.tls() } else { self.plain() };
        connector.call(request)
    }
}
