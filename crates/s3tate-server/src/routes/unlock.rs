//! `UNLOCK /state/{key}`: the end of a command, or a lock broken.

use axum::body::Body;
use http::StatusCode;
use s3tate::lock::Holder;

use super::Call;
use super::lock::{readable, sent_record};
use crate::answer::{Refusal, Response};
use crate::auth::{Action, Identity};
use crate::guard::{Release, breakable, holder_besides, release, taken_by};
use crate::request::Record;
use crate::server::App;

pub(super) async fn unlock(mut call: Call<'_>, key: &str) -> Result<Response, Refusal> {
    let identity = call.identity()?;
    call.record.action = Some(Action::Lock);
    let sent = sent_record(&mut call).await?;
    let id = sent.as_ref().map(|sent| sent.id.clone());
    if id.as_deref() == Some("") {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "lock_info", "the lock info has no ID"));
    }
    call.record.lock_id.clone_from(&id);
    let may_lock = call.app.allow_finishing(&identity, key, Action::Lock, id.as_deref()).await;
    if may_lock.is_err() && identity.expired.is_some() {
        return may_lock.map(|()| Response::new(Body::empty()));
    }
    let door = call.app.door(key);
    let holders = door.holders().await?;
    let other = id.as_deref().and_then(|id| holder_besides(&holders, Some(id)));
    if let Some(other) = other {
        may_lock?;
        // Its answer was lost, and somebody else came in between.
        if id.as_deref().is_some_and(|id| call.app.was_released(key, id)) {
            return Ok(Response::new(Body::empty()));
        }
        let detail = "the lock that is held has another ID; nothing was released";
        return Err(Refusal::locked(
            StatusCode::CONFLICT,
            "lock_mismatch",
            detail,
            readable(other.info.clone()),
        ));
    }
    let Some(first) = holders.first() else {
        // The repetition of an unlock whose answer was lost, by whoever might have unlocked, or broken.
        let may_break = call.app.decide(&identity, key, Action::BreakLock).allowed;
        return if may_break {
            Ok(Response::new(Body::empty()))
        } else {
            may_lock.map(|()| Response::new(Body::empty()))
        };
    };
    let held = readable(first.info.clone());
    let kind = match release(sent.as_ref(), &held, &identity.name) {
        Release::Own => {
            may_lock?;
            "normal"
        }
        Release::Break => {
            call.record.action = Some(Action::BreakLock);
            may_break(call.app, &identity, key, taken_by(&held).as_deref())?;
            call.record.forced = true;
            call.record.lock_id = Some(held.id.clone());
            "force"
        }
    };
    finish(call.app, call.record, key, &holders, kind).await?;
    Ok(Response::new(Body::empty()))
}

/// Releases exactly these locks, which is told before and noted afterwards, by what kind of request it was.
///
/// # Errors
/// Failures of the store.
pub(crate) async fn finish(
    app: &App,
    record: &Record,
    key: &str,
    holders: &[Holder],
    kind: &'static str,
) -> Result<(), Refusal> {
    if let Some(audit) = &app.audit {
        audit.begin(record).await?;
    }
    app.door(key).release(holders).await?;
    if let Some(first) = holders.first() {
        let held = readable(first.info.clone());
        app.remember_release(key, &held.id);
        app.metrics.release(kind, &held, app.env().now());
    }
    Ok(())
}

/// Whether somebody may break the lock that `holder` took, if that is known.
///
/// # Errors
/// 403.
pub(crate) fn may_break(
    app: &App,
    identity: &Identity,
    key: &str,
    holder: Option<&str>,
) -> Result<(), Refusal> {
    let granted = app.decide(identity, key, Action::BreakLock).allowed;
    if breakable(app.settings.force_unlock, granted, holder == Some(identity.name.as_str())) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::FORBIDDEN,
        "denied",
        "breaking this lock needs the permission `break-lock`, and a server that allows it",
    ))
}
