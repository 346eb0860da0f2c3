//! From a request's head to its answer, its log line and its counters.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tower_http::timeout::TimeoutBody;
use tracing::Instrument as _;

use crate::answer::{REQUEST_ID, Refusal, Response};
use crate::auth::{Action, Identity};
use crate::head;
use crate::limits;
use crate::request::{Query, Record, Target, is_request_id};
use crate::routes::{self, Call};
use crate::server::App;
use crate::trace;
use crate::ui;

/// How much of a client's name is kept.
const MOST_AGENT_CHARS: usize = 200;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whom a client certificate shows.
    pub(crate) certificate: Option<Identity>,
    pub(crate) door: Door,
}

/// What is answered where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Everything,
    /// Everything but counters.
    States,
    /// Counters and health.
    Probes,
}

impl Door {
    fn shows(self, target: &Target) -> bool {
        match self {
            Self::Everything => true,
            Self::States => *target != Target::Metrics,
            Self::Probes => matches!(target, Target::Metrics | Target::Health | Target::Ready),
        }
    }
}

/// Answers one request. The work is a task of its own, so that it comes to its end although the client hangs up.
pub(crate) async fn answer(app: Arc<App>, request: Request<Body>, peer: Peer) -> Response {
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_request_id(id));
    let id = id.map_or_else(|| app.new_id(), str::to_owned);
    let span = trace::span(&request, &id, app.tls.is_some());
    let trace = trace::id(&span, request.headers());
    let work = carry_out(Arc::clone(&app), request, peer, id.clone(), trace).instrument(span);
    let worked = tokio::spawn(work).await;
    let mut response = worked.unwrap_or_else(|error| {
        tracing::error!(request_id = id, %error, "a request ended in a panic");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "the server made a mistake").into_response(&id)
    });
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.extend(HeaderValue::from_str(&id).ok().map(|id| (REQUEST_ID, id)));
    response
}

async fn carry_out(
    app: Arc<App>,
    request: Request<Body>,
    peer: Peer,
    id: String,
    trace: Option<String>,
) -> Response {
    let start = app.env().instant();
    let _flight = app.in_flight();
    let mut record = Record {
        id,
        trace,
        time: app.env().now(),
        client: app.limits.client(peer.address, request.headers()),
        protocol: protocol(request.version()),
        method: request.method().as_str().chars().take(32).collect(),
        route: "none",
        agent: agent(request.headers()),
        received: Arc::default(),
        key: None,
        identity: None,
        action: None,
        lock_id: None,
        serials: (None, None),
        version_id: None,
        sha256: None,
        acquired: Vec::new(),
        forced: false,
        page: ui::is_for_people(request.uri().path(), request.headers()),
    };
    let result = route(&app, request, peer, &mut record).await;
    conclude(&app, &record, result, start).await
}

/// What a client calls itself, cut.
fn agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.map(|agent| agent.chars().take(MOST_AGENT_CHARS).collect())
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

/// The one place where identity, state, action and result of every request meet.
async fn conclude(
    app: &App,
    record: &Record,
    result: Result<Response, Refusal>,
    start: tokio::time::Instant,
) -> Response {
    let result = told(app, record, result).await;
    let reason = result.as_ref().err().map(|refusal| refusal.reason);
    if let Err(refusal) = &result {
        if record.action == Some(Action::Write) {
            app.metrics.rejected(refusal.reason);
        }
        if let Some(error) = &refusal.inside {
            tracing::warn!(request_id = record.id, status = refusal.status.as_u16(), %error, "a request failed");
        }
        // Anybody could fill the store otherwise. Waiting for a lock is no incident, and neither is a limit, which would
        // make of each request that it keeps from the store another one.
        let waiting = record.action == Some(Action::Lock) && refusal.holder.is_some();
        let nothing = refusal.status == StatusCode::NOT_FOUND && refusal.deleted.is_none();
        let limited = refusal.status == StatusCode::TOO_MANY_REQUESTS;
        if record.identity.is_some() && !nothing && !waiting && !limited {
            app.incidents.keep(&app.backend, record, refusal);
        }
    }
    let told = |refusal: Refusal| {
        if record.page { ui::refused(record, refusal) } else { refusal.into_response(&record.id) }
    };
    let response = result.unwrap_or_else(told);
    let taken = app.env().instant().duration_since(start);
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let sent = length.or_else(|| response.body().size_hint().exact());
    trace::conclude(&app.traced_methods, record, response.status().as_u16(), reason);
    app.metrics.request(record, response.status().as_u16(), taken.as_secs_f64(), sent);
    tracing::info!(
        target: "s3tate_server::access",
        request_id = record.id,
        trace_id = record.trace,
        client_ip = %record.client,
        user_agent = record.agent,
        protocol = record.protocol,
        method = record.method,
        route = record.route,
        state = record.key,
        status = response.status().as_u16(),
        identity = record.identity.as_ref().map(|identity| identity.name.as_str()),
        action = record.action.map(Action::as_str),
        lock_id = record.lock_id,
        serial_before = record.serials.0,
        serial_after = record.serials.1,
        forced = record.forced,
        reason,
        bytes_in = record.received(),
        bytes_out = sent,
        duration_ms = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
    );
    response
}

/// The result, once the audit log has it.
async fn told(app: &App, record: &Record, result: Result<Response, Refusal>) -> Result<Response, Refusal> {
    let Some(audit) = &app.audit else { return result };
    let status = result.as_ref().map_or_else(|refusal| refusal.status, Response::status);
    let told = audit.conclude(record, status, result.as_ref().err()).await;
    if told.is_err() {
        app.metrics.unaudited();
        give_back(app, record).await;
    }
    // What was refused stays so; what was done must not be acknowledged.
    result.and_then(|response| told.map(|()| response))
}

/// Releases a lock that was taken and isn't acknowledged: nobody would know that it is theirs.
async fn give_back(app: &App, record: &Record) {
    let Some(key) = record.key.as_deref().filter(|_| !record.acquired.is_empty()) else { return };
    if let Err(error) = app.door(key).release(&record.acquired).await {
        tracing::error!(request_id = record.id, state = key, %error, "a lock that was not acknowledged may be left behind");
    }
}

async fn route(
    app: &Arc<App>,
    request: Request<Body>,
    peer: Peer,
    record: &mut Record,
) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    head::check(&head)?;
    let query = Query::parse(head.uri.query().unwrap_or_default())?;
    let target = Target::parse(head.uri.path(), &query, app.backend.config())?;
    let target = ui::instead(target, record.page);
    record.route = target.route();
    if !peer.door.shows(&target) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "path", "this is not answered at this address"));
    }
    if head.method == Method::GET && head.headers.contains_key("content-md5") {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "mangled",
            "this GET carries Content-MD5: it was a write, a lock or an unlock, until a redirect in between changed it; nothing was done",
        ));
    }
    record.key = target.key().map(str::to_owned);
    let received = Arc::clone(&record.received);
    let counted = body.map_frame(move |frame| {
        received.fetch_add(frame.data_ref().map_or(0, Bytes::len) as u64, Ordering::Relaxed);
        frame
    });
    let body = Body::new(TimeoutBody::new(app.timeouts.body, counted));
    if let Target::Page(page) = target {
        let visit = ui::Visit::new(app, head, peer.certificate, record);
        // Apart, or requests that are no pages would take as much memory as the largest of them.
        return Box::pin(ui::answer(visit, body, page)).await;
    }
    if let Some(open) = routes::open(app, &head.method, &target).await {
        return open;
    }
    let identity = app
        .identify(&head.headers, peer.certificate.as_ref(), record.client)
        .instrument(trace::part!("auth"))
        .await?;
    record.identity = Some(identity.clone());
    if let Err(refusal) = app.count(&identity)
        && !limits::finishes(app, &identity.name, &head.method, &target, &query).await
    {
        app.metrics.limited("identity");
        return Err(refusal);
    }
    if matches!(target, Target::State(_) | Target::Lock(_)) {
        head::takes(&head.headers)?;
    }
    let call = Call { app, method: head.method, headers: head.headers, query, body, record };
    // Boxed, so that not each request carries the largest of all routes over the stack of its thread.
    Box::pin(routes::closed(call, target)).await
}
