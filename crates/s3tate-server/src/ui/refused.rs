//! Requests that were refused, and the bytes of refused writes: for administrators of the states that they are about.

use askama::Template;
use axum::body::Body;
use form_urlencoded::Serializer;
use futures::StreamExt as _;
use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use s3tate::Backend;
use serde_json::Value;

use super::Visit;
use super::frame::{Frame, guard, page};
use super::text::{self, Clock, When};
use crate::address::OWN;
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::incident;
use crate::request::Query;
use crate::routes::{Call, rescued};

/// How many refused requests are looked at, the newest ones.
const MOST: usize = 200;
/// How many of them are read at a time.
const CONCURRENT_READS: usize = 16;

#[derive(Template)]
#[template(path = "refused.html")]
struct List<'a> {
    frame: Frame,
    /// The state that it is about alone.
    key: &'a str,
    all: bool,
    rows: Vec<Row>,
    most: usize,
    cut: bool,
}

struct Row {
    id: String,
    time: Option<When>,
    key: String,
    state: String,
    who: String,
    action: String,
    status: u64,
    reason: String,
    detail: String,
    /// Where the bytes are, if any were kept.
    rescued: Option<String>,
}

/// The address of the list for one state.
pub(super) fn href(key: &str) -> String {
    format!("/ui/refused?{}", Serializer::new(String::new()).append_pair("state", key).finish())
}

pub(super) async fn list(mut visit: Visit<'_>) -> Result<Response, Refusal> {
    visit.record.action = Some(Action::Admin);
    let key = visit.asked("state").to_owned();
    if !key.is_empty() {
        visit.allow(&key, Action::Admin)?;
    }
    let all = visit.asked("all") == "yes";
    // Those whose bytes were kept are found by these, however much else was refused since.
    let kind = if all { "why" } else { "rescue" };
    let mut stored = visit.app.backend.objects(&format!("{OWN}/{kind}/")).await?;
    stored.sort_by_key(|object| std::cmp::Reverse(object.modified));
    let cut = stored.len() > MOST;
    stored.truncate(MOST);
    let (backend, clock) = (visit.app.backend.clone(), visit.clock());
    let keys = stored.into_iter().filter_map(|object| incident::why_key_of(&object.key));
    let reads = keys.map(move |key| read(backend.clone(), key, clock));
    let found: Vec<_> = futures::stream::iter(reads).buffered(CONCURRENT_READS).collect().await;
    let found = found.into_iter().flatten();
    let found = found.filter(|row| (key.is_empty() || row.key == key) && (all || row.rescued.is_some()));
    let rows = found.filter(|row| visit.may(&row.key, Action::Admin)).collect();
    let frame = Frame { at: "refused", ..Frame::of(&visit, "Refused writes")? };
    page(StatusCode::OK, &List { frame, key: &key, all, rows, most: MOST, cut })
}

/// `None` for what can't be read: the others are worth being shown.
async fn read(backend: Backend, key: String, clock: Clock) -> Option<Row> {
    let bytes = backend.get_object(&key).await.ok()??;
    let incident: Value = serde_json::from_slice(&bytes).ok()?;
    let text = |name: &str| incident[name].as_str().unwrap_or_default().to_owned();
    let (id, key) = (text("request_id"), text("state"));
    Some(Row {
        time: text("time").parse().ok().map(|time| clock.when(time)),
        state: text::href("state", &key),
        who: text("identity"),
        action: text("action"),
        status: incident["status"].as_u64().unwrap_or_default(),
        reason: text("reason"),
        detail: text("detail"),
        rescued: incident["rescued"].is_string().then(|| format!("/ui/rescue/{id}")),
        id,
        key,
    })
}

/// The bytes of a refused write, as a file.
pub(super) async fn download(visit: Visit<'_>, id: &str) -> Result<Response, Refusal> {
    let Visit { app, method, headers, record, .. } = visit;
    let mut call = Call { app, method, headers, query: Query::default(), body: Body::empty(), record };
    let mut response = rescued(&mut call, id).await?;
    guard(response.headers_mut());
    let name = format!("attachment; filename=\"{id}.tfstate\"");
    response.headers_mut().extend(HeaderValue::from_str(&name).ok().map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}
