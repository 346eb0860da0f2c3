//! `GET /state/{key}`: the stored bytes, proven before the first of them is sent.

use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, StatusCode};

use s3tate::Spool;

use s3tate::history::Deletion;

use super::Call;
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::body::{content_md5, hex};
use crate::config::DeletedStates;
use crate::document;

pub(super) async fn read(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    call.allow(key, Action::Read)?;
    let workspace = call.app.backend.state_at(key);
    let mut spool = Spool::new(&call.app.temp_dir());
    let Some(pulled) = workspace.pull(&mut spool).await? else { return nothing(call, key).await };
    let document = spool.finish();
    let tag = format!("\"{}\"", hex(document.sha256()));
    if is_known(call, &tag) {
        return Ok(unchanged(&tag));
    }
    let (length, md5) = (document.length(), content_md5(document.digest()));
    let (serial, lineage) = tokio::task::block_in_place(|| document::head(document.reader()));
    let mut response = Response::new(Body::new(document.body()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    let described = [
        ("content-md5", Some(md5)),
        ("x-state-serial", serial.map(|serial| serial.to_string())),
        ("x-state-lineage", lineage),
        ("x-state-version-id", pulled.version_id.map(|id| id.to_string())),
    ];
    headers.extend(described.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value?).ok()?))
    }));
    Ok(response)
}

/// The only 404 there is: clients read it as an empty state. One that was deleted says so, to those who look.
pub(super) async fn nothing(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    call.app.may_begin(key)?;
    if let Some(deletion) = call.app.deletion(key).await {
        return Err(deleted(key, call.app.settings.deleted_states, deletion));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}

/// The answer where a state was deleted.
pub(super) fn deleted(key: &str, policy: DeletedStates, deletion: Deletion) -> Refusal {
    let status = match policy {
        DeletedStates::Empty => StatusCode::NOT_FOUND,
        DeletedStates::Refuse => StatusCode::GONE,
    };
    let time = deletion.time.map(|time| format!(" at {time}")).unwrap_or_default();
    let who = deletion.who.as_ref().map(|who| format!(" by {who}")).unwrap_or_default();
    let detail = format!("the state was deleted{time}{who}; POST /undelete/{key} brings it back");
    Refusal { deleted: Some(Box::new(deletion)), ..Refusal::new(status, "deleted", detail) }
}

/// Whether the client has what is tagged so already, packed or not.
pub(super) fn is_known(call: &Call<'_>, tag: &str) -> bool {
    let given = call.headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    given
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

pub(super) fn unchanged(tag: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().extend(HeaderValue::from_str(tag).ok().map(|tag| (ETAG, tag)));
    response
}
