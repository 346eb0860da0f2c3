//! Counters with bounded labels: no path, lock, identity or address is one.

use http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};
use s3tate::lock::LockInfo;

use crate::auth::Action;
use crate::request::Record;

/// Seconds that requests take.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Sizes of bodies: 1 KiB to 256 MiB.
const BYTES: [f64; 10] = [
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
];
/// Seconds that locks are held: up to four hours.
const HELD: [f64; 9] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0];

/// Label sets with one label, which has the name of the field.
macro_rules! label {
    ($($name:ident { $label:ident })*) => {$(
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name {
            $label: &'static str,
        }
    )*};
}

label! {
    Reason { reason }
    Outcome { result }
    Scope { scope }
    Name { name }
    Kind { kind }
    OfRoute { route }
    Operation { operation }
}

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
struct Attempt {
    method: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Deed {
    op: &'static str,
    result: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All counters of one server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histograms<Route>,
    received: Histograms<OfRoute>,
    sent: Histograms<OfRoute>,
    pub(crate) in_flight: Gauge,
    operations: Family<Deed, Counter>,
    rejected: Family<Reason, Counter>,
    locks: Family<Outcome, Counter>,
    held: Histograms<Operation>,
    releases: Family<Kind, Counter>,
    attempts: Family<Attempt, Counter>,
    limited: Family<Scope, Counter>,
    unaudited: Counter,
    reloads: Family<Outcome, Counter>,
    tls_reloads: Family<Outcome, Counter>,
    certificates: Family<Name, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("s3tate");
        let seconds: Histograms<Route> = Family::new_with_constructor(|| Histogram::new(SECONDS));
        let bytes: fn() -> Histogram = || Histogram::new(BYTES);
        let held: Histograms<Operation> = Family::new_with_constructor(|| Histogram::new(HELD));
        let all = &mut registry;
        let metrics = Self {
            requests: counted(all, "http_requests", "Requests answered"),
            seconds: measured(
                all,
                "http_request_duration",
                "Time to the answer's head",
                Unit::Seconds,
                seconds,
            ),
            received: measured(
                all,
                "http_request_body",
                "Bodies received",
                Unit::Bytes,
                Family::new_with_constructor(bytes),
            ),
            sent: measured(
                all,
                "http_response_body",
                "Bodies sent, before they are packed",
                Unit::Bytes,
                Family::new_with_constructor(bytes),
            ),
            in_flight: counted(all, "http_requests_in_flight", "Requests under way"),
            operations: counted(all, "state_operations", "What was done with states"),
            rejected: counted(all, "state_write_rejected", "Writes refused"),
            locks: counted(all, "lock_requests", "Locks asked for"),
            held: measured(
                all,
                "lock_hold",
                "How long locks were held, by their records",
                Unit::Seconds,
                held,
            ),
            releases: counted(all, "lock_releases", "Locks released"),
            attempts: counted(all, "auth_attempts", "Credentials shown"),
            unaudited: counted(all, "audit_failures", "Requests whose end the audit log doesn't have"),
            limited: counted(all, "rate_limited", "Requests refused for their number"),
            reloads: counted(all, "configuration_reload", "Configurations read anew"),
            tls_reloads: counted(all, "tls_reload", "TLS files read anew"),
            certificates: measured(
                all,
                "tls_certificate_expiry_timestamp",
                "When a certificate in use ends",
                Unit::Seconds,
                Family::default(),
            ),
            registry: Registry::default(),
        };
        registry.register("build", "The server", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry, ..metrics }
    }

    /// Counts a request that was answered with `code` and, where that is known, this many bytes.
    pub(crate) fn request(&self, record: &Record, code: u16, seconds: f64, sent: Option<u64>) {
        let (method, route) = (method_label(&record.method), record.route);
        self.requests.get_or_create(&Request { method, route, code }).inc();
        self.seconds.get_or_create(&Route { method, route }).observe(seconds);
        if let received @ 1.. = record.received() {
            self.received.get_or_create(&OfRoute { route }).observe(size(received));
        }
        if let Some(sent @ 1..) = sent {
            self.sent.get_or_create(&OfRoute { route }).observe(size(sent));
        }
        if let Some(op) = operation(record) {
            let result = match code {
                0..400 => "ok",
                400..500 => "refused",
                _ => "failed",
            };
            self.operations.get_or_create(&Deed { op, result }).inc();
        }
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn unaudited(&self) {
        self.unaudited.inc();
    }

    pub(crate) fn lock(&self, result: &'static str) {
        self.locks.get_or_create(&Outcome { result }).inc();
    }

    /// Counts a lock that was released, and how long it was held by what its record says, where its time is one.
    pub(crate) fn release(&self, kind: &'static str, held: &LockInfo, now: jiff::Timestamp) {
        self.releases.get_or_create(&Kind { kind }).inc();
        let operation = match held.operation.as_str() {
            "OperationTypePlan" => "plan",
            "OperationTypeApply" => "apply",
            _ => "other",
        };
        let taken = held.created_at().map(|created| now.duration_since(created).as_secs_f64());
        if let Some(seconds) = taken.filter(|seconds| *seconds >= 0.0) {
            self.held.get_or_create(&Operation { operation }).observe(seconds);
        }
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

fn counted<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn measured<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, unit: Unit, metric: M) -> M {
    registry.register_with_unit(name, help, unit, metric.clone());
    metric
}

fn word(good: bool) -> &'static str {
    if good { "ok" } else { "failed" }
}

#[expect(clippy::cast_precision_loss, reason = "a bucket of sizes is coarser")]
fn size(bytes: u64) -> f64 {
    bytes as f64
}

/// What was done with a state; `None` for what is no such thing, locks among them.
fn operation(record: &Record) -> Option<&'static str> {
    match record.action? {
        Action::Outputs | Action::Read => Some("read"),
        Action::Write => Some("write"),
        Action::Admin if record.method == Method::DELETE.as_str() => Some("delete"),
        _ => None,
    }
}

fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "LOCK", "UNLOCK"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
