//! Spans, as a collector gets them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::stage::{Stage, authorization, document, lock_info, token_of};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector on this machine, and what it was sent.
struct Collector {
    url: String,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let sent = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let taken = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || take(stream, &taken));
            }
        });
        Self { url, sent }
    }

    fn spans(&self) -> Vec<Span> {
        let sent = self.sent.lock().expect("nobody panics here");
        let requests =
            sent.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).expect("spans"));
        requests
            .flat_map(|request| request.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

/// Takes bodies with a length until the connection ends.
fn take(stream: TcpStream, taken: &Mutex<Vec<Vec<u8>>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        taken.lock().expect("nobody panics here").push(body);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
        drop(reader.get_mut().write_all(answer));
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|it| char::from_digit(it.into(), 16))
        .collect()
}

/// Each request is a span below the client's, what it asks of the store are spans below it, and nothing secret is in any.
#[test]
fn requests_are_spans() {
    let collector = Collector::start();
    let stage = Stage::in_env(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]);
    let below = format!("{}traceparent: 00-{TRACE}-{PARENT}-01\r\n", authorization(token_of("writer")));
    let ask = |method: &str, path: &str, body: &[u8]| stage.server.send(method, path, &below, body);
    let _locked = ask("LOCK", "/state/app/a", lock_info("h").as_bytes()).is(200);
    let _written = ask("POST", "/state/app/a?ID=h", &document(1, "l", "zzsecretzz")).is(200);
    let _unlocked = ask("UNLOCK", "/state/app/a", lock_info("h").as_bytes()).is(200);
    let _other = ask("BREW", "/state/app/a", b"").is(405);
    let log = stage.server.running.stderr_so_far();
    assert!(log.contains(&format!("trace_id=\"{TRACE}\"")), "{log}");
    let Stage { endpoint, server, .. } = stage;
    server.running.signal("TERM");
    let _ended = server.running.finish().succeeds();
    drop(endpoint);
    let spans = collector.spans();
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| {
            panic!("{name} in {:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>())
        })
    };
    for (name, method, status) in [
        ("LOCK /state/{key}", "LOCK", "200"),
        ("POST /state/{key}", "POST", "200"),
        ("UNLOCK /state/{key}", "UNLOCK", "200"),
        ("HTTP /state/{key}", "_OTHER", "405"),
    ] {
        let span = named(name);
        assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (TRACE, PARENT));
        assert_eq!(span.kind, 2, "a server's");
        for (key, value) in [
            ("http.request.method", method),
            ("http.route", "/state/{key}"),
            ("http.response.status_code", status),
            ("url.path", "/state/app/a"),
            ("url.scheme", "http"),
            ("server.address", "test"),
            ("network.protocol.version", "1.1"),
        ] {
            assert_eq!(attribute(span, key), value, "{key} of {name}");
        }
    }
    assert_eq!(attribute(named("HTTP /state/{key}"), "http.request.method_original"), "BREW");
    let below = |name: &str, parent: &str| {
        let parent = named(parent).span_id.clone();
        assert!(spans.iter().any(|span| span.name == name && span.parent_span_id == parent), "{name}");
    };
    below("auth", "LOCK /state/{key}");
    below("DynamoDB.PutItem", "LOCK /state/{key}");
    below("S3.PutObject", "POST /state/{key}");
    let sent = collector.sent.lock().expect("nobody panics here").concat();
    let all = String::from_utf8_lossy(&sent);
    for secret in ["zzsecretzz", token_of("writer"), "Basic ", "ID=h"] {
        assert!(!all.contains(secret), "{secret} is in a span");
    }
}

/// A collector that is away keeps nobody from serving, and is told in the log.
#[test]
fn a_collector_that_is_away_harms_nobody() {
    let stage = Stage::in_env(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    let _written = stage.ask("writer", "POST", "app/a", document(1, "l", "x")).is(200);
    stage.server.running.signal("TERM");
    let ended = stage.server.running.finish().succeeds();
    assert!(ended.stderr_text().contains("spans were not sent"), "{}", ended.stderr_text());
}
