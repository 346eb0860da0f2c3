//! Counters with bounded labels: no path, lock, identity or address is one.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Seconds that requests take.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    method: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Scope {
    scope: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Name {
    name: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// All counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram>,
    pub(crate) in_flight: Gauge,
    rejected: Family<Reason, Counter>,
    locks: Family<Outcome, Counter>,
    releases: Family<Kind, Counter>,
    attempts: Family<Attempt, Counter>,
    limited: Family<Scope, Counter>,
    reloads: Family<Outcome, Counter>,
    tls_reloads: Family<Outcome, Counter>,
    certificates: Family<Name, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("s3tate");
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let metrics = Self {
            requests: Family::default(),
            seconds,
            in_flight: Gauge::default(),
            rejected: Family::default(),
            locks: Family::default(),
            releases: Family::default(),
            attempts: Family::default(),
            limited: Family::default(),
            reloads: Family::default(),
            tls_reloads: Family::default(),
            certificates: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to the answer's head",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register("http_requests_in_flight", "Requests under way", metrics.in_flight.clone());
        registry.register("state_write_rejected", "Writes refused", metrics.rejected.clone());
        registry.register("lock_requests", "Locks asked for", metrics.locks.clone());
        registry.register("lock_releases", "Locks released", metrics.releases.clone());
        registry.register("auth_attempts", "Credentials shown", metrics.attempts.clone());
        registry.register("rate_limited", "Requests refused for their number", metrics.limited.clone());
        registry.register("configuration_reload", "Configurations read anew", metrics.reloads.clone());
        registry.register("tls_reload", "TLS files read anew", metrics.tls_reloads.clone());
        registry.register_with_unit(
            "tls_certificate_expiry_timestamp",
            "When a certificate in use ends",
            Unit::Seconds,
            metrics.certificates.clone(),
        );
        registry.register("build", "The server", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry, ..metrics }
    }

    pub(crate) fn request(&self, method: &str, route: &'static str, code: u16, seconds: f64) {
        let method = method_label(method);
        self.requests.get_or_create(&Request { method, route, code }).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(seconds);
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn lock(&self, result: &'static str) {
        self.locks.get_or_create(&Outcome { result }).inc();
    }

    pub(crate) fn release(&self, kind: &'static str) {
        self.releases.get_or_create(&Kind { kind }).inc();
    }

    pub(crate) fn attempt(&self, method: &'static str, result: &'static str) {
        self.attempts.get_or_create(&Attempt { method, result }).inc();
    }

    pub(crate) fn limited(&self, scope: &'static str) {
        self.limited.get_or_create(&Scope { scope }).inc();
    }

    pub(crate) fn reload(&self, good: bool) {
        self.reloads.get_or_create(&Outcome { result: word(good) }).inc();
    }

    pub(crate) fn tls_reload(&self, good: bool) {
        self.tls_reloads.get_or_create(&Outcome { result: word(good) }).inc();
    }

    pub(crate) fn certificate_expiry(&self, name: &'static str, seconds: i64) {
        self.certificates.get_or_create(&Name { name }).set(seconds);
    }

    /// In the text format of Prometheus.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` can't fail.
        encode(&mut text, &self.registry).map_or_else(|_| String::new(), |()| text)
    }
}

fn word(good: bool) -> &'static str {
    if good { "ok" } else { "failed" }
}

fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "LOCK", "UNLOCK"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
