//! `GET /history/{key}`, `POST /restore/{key}?version=…` and `POST /undelete/{key}`: what was, and having it again.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use s3tate::history::{Restoration, VersionSpec};
use s3tate::lock::LockOptions;
use s3tate::state::Header;
use s3tate::{Error, ErrorKind, Workspace};
use serde_json::json;
use sha2::Digest as _;

use super::Call;
use super::lock::readable;
use crate::answer::{Refusal, Response, json};
use crate::auth::Action;
use crate::body::hex;

/// The versions of a state, or with `version` the bytes of one.
pub(super) async fn history(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    call.allow(key, Action::Read)?;
    let workspace = call.app.backend.state_at(key);
    if call.query.version.is_some() {
        let bytes = workspace.version(&named(call)?).await.map_err(refused)?;
        let mut response = Response::new(bytes.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok(response);
    }
    let versions = workspace.history(call.query.limit).await?;
    Ok(json(&json!({ "state": key, "versions": versions })))
}

/// Stores a version again, above all that were.
pub(super) async fn restore(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    let workspace = admitted(call, key)?;
    let version = named(call)?;
    let prepared = workspace.restore(&version, &LockOptions::default()).await;
    store(call, &workspace, prepared).await
}

/// Stores the bytes again that a deletion took away.
pub(super) async fn undelete(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    let workspace = admitted(call, key)?;
    let prepared = workspace.undelete(&LockOptions::default()).await;
    store(call, &workspace, prepared).await
}

fn admitted(call: &mut Call<'_>, key: &str) -> Result<Workspace, Refusal> {
    call.allow(key, Action::Admin)?;
    Ok(call.app.backend.state_at(key).written_for(call.record.writer()))
}

fn named(call: &Call<'_>) -> Result<VersionSpec, Refusal> {
    let text = call.query.version.as_deref().unwrap_or_default();
    VersionSpec::parse(text, call.app.env().now()).map_err(|error| {
        let detail = format!("{error}; `version` is an id of the history, `serial:N` or `@{{TIME}}`");
        Refusal::new(StatusCode::BAD_REQUEST, "version", detail)
    })
}

async fn store(
    call: &mut Call<'_>,
    workspace: &Workspace,
    prepared: s3tate::Result<Restoration>,
) -> Result<Response, Refusal> {
    let restoration = match prepared {
        Ok(restoration) => restoration,
        Err(error) if error.kind() == ErrorKind::Locked => return Err(locked(workspace, error).await),
        Err(error) => return Err(refused(error)),
    };
    let serial = restoration.serial;
    call.record.serials = (serial_of(restoration.stored()), Some(serial));
    call.record.sha256 = Some(hex(&sha2::Sha256::digest(restoration.restored())));
    if restoration.is_needless() {
        restoration.cancel().await?;
        return Ok(json(&json!({ "stored": false })));
    }
    if let Err(refusal) = call.begin().await {
        restoration.cancel().await?;
        return Err(refusal);
    }
    let written = restoration.write().await?;
    let version = written.version_id.map(|id| id.to_string());
    call.record.version_id.clone_from(&version);
    Ok(json(&json!({ "stored": true, "serial": serial, "version_id": version })))
}

fn serial_of(document: &[u8]) -> Option<u64> {
    Header::parse(document).ok().flatten().map(|header| header.serial)
}

async fn locked(workspace: &Workspace, error: Error) -> Refusal {
    let holders = workspace.lock_holders().await.unwrap_or_default();
    let held = readable(holders.into_iter().find_map(|holder| holder.info));
    let detail = "the state is locked; nothing was written";
    let inside = Some(Box::new(error));
    Refusal { inside, ..Refusal::locked(StatusCode::LOCKED, "locked", detail, held) }
}

/// Never 404, which clients take for an empty state.
fn refused(error: Error) -> Refusal {
    let (status, reason, detail) = match error.kind() {
        ErrorKind::NotFound => (StatusCode::GONE, "no_version", "there is no such version"),
        ErrorKind::Conflict => (
            StatusCode::CONFLICT,
            "not_deleted",
            "there is a state, which is not replaced; nothing was written",
        ),
        ErrorKind::Corrupt => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "not_restorable",
            "that version is no state that can be stored again: it was cut off, or OpenTofu encrypted it",
        ),
        _ => return error.into(),
    };
    Refusal { inside: Some(Box::new(error)), ..Refusal::new(status, reason, detail) }
}
