//! Spans of requests, as OpenTelemetry names what is in them; whoever starts the program says where they go.
//!
//! Their target is `spans`, which no filter of the log names by its prefix: they would stand before each of its lines.
//! No body, credential or query is in them.

use http::header::HOST;
use http::{HeaderMap, Request};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use s3tate::Env;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::request::Record;

/// What the conventions know, and those of this protocol.
const METHODS: [&str; 11] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "LOCK", "UNLOCK"];

/// The methods that spans are named by; all others are `_OTHER`.
#[derive(Debug)]
pub(crate) struct Methods(Vec<String>);

impl Methods {
    /// Those that are known here, or those of `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, which replaces them.
    pub(crate) fn new(env: &Env) -> Self {
        let given = env.var("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
        Self(match given {
            Some(list) => list.split(',').map(|method| method.trim().to_owned()).collect(),
            None => METHODS.map(str::to_owned).into(),
        })
    }

    fn know(&self, method: &str) -> bool {
        self.0.iter().any(|known| known == method)
    }
}

/// The span of one request, below that which the client names.
pub(crate) fn span<B>(request: &Request<B>, id: &str, tls: bool) -> Span {
    let host = request.uri().host().or_else(|| request.headers().get(HOST)?.to_str().ok());
    let span = tracing::info_span!(
        target: "spans",
        "request",
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.request.method_original = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
        url.scheme = if tls { "https" } else { "http" },
        url.path = request.uri().path(),
        server.address = host.map(without_port),
        network.protocol.version = Empty,
        error.r#type = Empty,
        s3tate.request_id = id,
    );
    if let Some(parent) = parent(request.headers()) {
        // Fails where nobody takes spans.
        drop(span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent)));
    }
    span
}

/// `Host` without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The span of a part of the present request.
macro_rules! part {
    ($name:literal) => {
        tracing::info_span!(target: "spans", $name)
    };
}
pub(crate) use part;

/// Notes what became of the request in its span, which is the present one.
pub(crate) fn conclude(methods: &Methods, record: &Record, status: u16, reason: Option<&str>) {
    let span = Span::current();
    let known = methods.know(&record.method);
    let method = if known { record.method.as_str() } else { "_OTHER" };
    let name = if known { method } else { "HTTP" };
    // A field could name it only before it has begun, when its route isn't known.
    span.context().span().update_name(format!("{name} {}", record.route));
    span.record("http.request.method", method);
    if !known {
        span.record("http.request.method_original", record.method.as_str());
    }
    span.record("http.route", record.route);
    span.record("http.response.status_code", status);
    span.record("network.protocol.version", record.protocol);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", reason.unwrap_or("unknown"));
    }
}

/// The trace of a request: that of its span, or where nobody takes spans the one that the client names.
pub(crate) fn id(span: &Span, headers: &HeaderMap) -> Option<String> {
    let taken = span.context().span().span_context().clone();
    let context = if taken.is_valid() { Some(taken) } else { parent(headers) };
    context.map(|context| context.trace_id().to_string())
}

/// What `traceparent` says. Source: W3C Trace Context, level 1.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let version = hex::<2>(parts.next()?)?;
    let trace = TraceId::from_hex(hex::<32>(parts.next()?)?).ok()?;
    let span = SpanId::from_hex(hex::<16>(parts.next()?)?).ok()?;
    let flags = u8::from_str_radix(hex::<2>(parts.next()?)?, 16).ok()?;
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
    Some(SpanContext::new(trace, span, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

fn hex<const DIGITS: usize>(text: &str) -> Option<&str> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == DIGITS && text.bytes().all(digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_parents_count() {
        let parent = |text: &str| {
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), text.parse().unwrap())]);
            super::parent(&headers).map(|context| context.trace_id().to_string())
        };
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parent(&format!("00-{trace}-{span}-01")).as_deref(), Some(trace));
        assert_eq!(parent(&format!("01-{trace}-{span}-01-more")).as_deref(), Some(trace));
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{zeros}-{span}-01"),
            format!("00-{trace}-{}-01", &zeros[..16]),
        ] {
            assert_eq!(parent(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_host_has_no_port() {
        for (host, name) in [("a", "a"), ("a:1", "a"), ("[::1]:1", "[::1]"), ("[::1]", "[::1]")] {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn the_list_of_methods_is_replaced_as_a_whole() {
        let env = |vars: &[(&str, &str)]| {
            Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), "", "")
        };
        assert!(Methods::new(&env(&[])).know("UNLOCK"));
        let replaced = Methods::new(&env(&[("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET, POST")]));
        assert!(replaced.know("POST") && !replaced.know("UNLOCK"));
    }
}
