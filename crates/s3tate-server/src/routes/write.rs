//! `POST /state/{key}?ID=…`: compare-and-swap under the lock that the query names.

use http::StatusCode;
use s3tate::lock::Holder;
use s3tate::{ErrorKind, Payload, Snapshot};
use serde_json::json;

use super::Call;
use super::lock::readable;
use super::read::deleted;
use crate::answer::{Refusal, Response, json};
use crate::auth::{Action, Identity};
use crate::body::{hex, receive};
use crate::config::DeletedStates;
use crate::document::{self, Summary};
use crate::guard::{Content, Locked, compare, holder_besides, writable};
use crate::incident;

pub(super) async fn write(mut call: Call<'_>, key: &str) -> Result<Response, Refusal> {
    let identity = call.identity()?;
    call.record.action = Some(Action::Write);
    call.record.lock_id.clone_from(&call.query.lock);
    call.app.allow_finishing(&identity, key, Action::Write, call.query.lock.as_deref()).await?;
    let body = std::mem::take(&mut call.body);
    let limit = call.app.settings.body_limit.0;
    let document = receive(&call.headers, body, limit, &call.app.temp_dir()).await?;
    // Reading a large document takes a while, in which others are served.
    let sent = tokio::task::block_in_place(|| summary(&document))?;
    call.record.serials.1 = sent.serial;
    call.record.sha256 = Some(hex(document.sha256()));
    match store(&mut call, key, &identity, &sent, &document).await {
        Ok(stored) => {
            let digests =
                json!({ "serial": sent.serial, "sha256": hex(document.sha256()), "stored": stored });
            Ok(json(&digests))
        }
        // Where the store is away, it can't keep anything; the client does.
        Err(refusal) if refusal.status == StatusCode::SERVICE_UNAVAILABLE => Err(refusal),
        Err(mut refusal) => {
            refusal.rescued = incident::rescue(&call.app.backend, &call.record.id, document).await;
            Err(refusal)
        }
    }
}

fn summary(sent: &Payload) -> Result<Summary, Refusal> {
    document::read(sent.reader(), sent.digest()).map_err(|(is_json, why)| {
        let status = if is_json { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Refusal::new(status, "parse", why)
    })
}

/// Stores what may be stored; `false` where it is there already.
///
/// Another server may be carrying out the same request, whose answer was lost: what it stores first is looked at again.
async fn store(
    call: &mut Call<'_>,
    key: &str,
    identity: &Identity,
    sent: &Summary,
    document: &Payload,
) -> Result<bool, Refusal> {
    // Boxed, since requests to the store have large states, which are moved over the stack of the thread.
    match Box::pin(try_to_store(call, key, identity, sent, document)).await {
        Err(refusal) if refusal.inside.as_ref().is_some_and(|error| error.kind() == ErrorKind::Conflict) => {
            Box::pin(try_to_store(call, key, identity, sent, document)).await
        }
        stored => stored,
    }
}

async fn try_to_store(
    call: &mut Call<'_>,
    key: &str,
    identity: &Identity,
    sent: &Summary,
    document: &Payload,
) -> Result<bool, Refusal> {
    let door = call.app.door(key);
    let (holders, base) = door.read_to_write().await?;
    if base.etag.is_none() {
        call.app.may_begin(key)?;
        may_begin_anew(call, key, identity).await?;
    }
    let lock = call.query.lock.clone();
    let lock = lock.as_deref();
    writable(&holders, lock, call.app.settings.unlocked_writes)
        .map_err(|why| not_writable(why, &holders, lock))?;
    let stored = tokio::task::block_in_place(|| stored_summary(&base));
    call.record.serials.0 = stored.as_ref().and_then(|stored| stored.serial);
    let same_lock = lock.is_some() && base.written_under() == lock;
    match compare(stored.as_ref(), sent, same_lock) {
        Content::Same => return Ok(false),
        Content::Store => {}
        guarded => override_guard(call, key, identity, guarded, stored.as_ref(), sent)?,
    }
    call.begin().await?;
    let written = door.write(&base, document.clone(), call.record.writer()).await?;
    call.record.version_id = written.version_id.map(|id| id.to_string());
    Ok(true)
}

/// Where deleted states are not begun anew by accident, administrators do it on purpose.
async fn may_begin_anew(call: &mut Call<'_>, key: &str, identity: &Identity) -> Result<(), Refusal> {
    let policy = call.app.settings.deleted_states;
    if policy != DeletedStates::Refuse {
        return Ok(());
    }
    let Some(deletion) = call.app.deletion(key).await else { return Ok(()) };
    if identity.expired.is_some() || !call.app.decide(identity, key, Action::Admin).allowed {
        return Err(deleted(key, policy, deletion));
    }
    call.record.forced = true;
    Ok(())
}

/// What is stored, as far as it can be read.
fn stored_summary(base: &Snapshot) -> Option<Summary> {
    let stored = base.payload()?;
    let md5 = stored.digest();
    // A stored document that is no state guards nothing.
    Some(document::read(stored.reader(), md5).unwrap_or(Summary { md5, serial: None, lineage: None }))
}

fn not_writable(why: Locked, holders: &[Holder], id: Option<&str>) -> Refusal {
    let held = || readable(holder_besides(holders, id).and_then(|holder| holder.info.clone()));
    match why {
        Locked::Unnamed => Refusal::locked(
            StatusCode::LOCKED,
            "no_lock",
            "the state is locked, and the write names no lock; nothing was written",
            held(),
        ),
        Locked::Others => Refusal::locked(
            StatusCode::CONFLICT,
            "lock_mismatch",
            "the state is locked by somebody else; nothing was written",
            held(),
        ),
        Locked::Fenced => Refusal::new(
            StatusCode::CONFLICT,
            "fenced",
            "the lock that the write names is not held any more: it was broken, and somebody may have written since; nothing was written",
        ),
        Locked::Unlocked => {
            let synthetic = s3tate::lock::LockInfo {
                id: "none".to_owned(),
                info: "nobody holds the lock, but this server takes no writes without one".to_owned(),
                ..s3tate::lock::LockInfo::default()
            };
            Refusal::locked(
                StatusCode::LOCKED,
                "no_lock",
                "this server takes no writes without a lock; nothing was written",
                synthetic,
            )
        }
    }
}

/// Administrators may go back, and over another lineage: `state push -force` says nothing of it on the wire.
fn override_guard(
    call: &mut Call<'_>,
    key: &str,
    identity: &Identity,
    content: Content,
    stored: Option<&Summary>,
    sent: &Summary,
) -> Result<(), Refusal> {
    // Without a lock, two that read the same would come over each other unnoticed.
    let may_override = content != Content::SameSerial || call.query.lock.is_some();
    if may_override && identity.expired.is_none() && call.app.decide(identity, key, Action::Admin).allowed {
        call.record.forced = true;
        return Ok(());
    }
    let serial = |summary: Option<&Summary>| {
        summary.and_then(|it| it.serial).map_or_else(|| "none".to_owned(), |serial| serial.to_string())
    };
    let (ours, theirs) = (serial(Some(sent)), serial(stored));
    let (reason, detail) = match content {
        Content::Unrelated => {
            ("lineage", "the stored state has another lineage; nothing was written".to_owned())
        }
        Content::Older => {
            ("serial", format!("the stored state has serial {theirs}, above {ours}; nothing was written"))
        }
        _ => ("serial", format!("another state with serial {theirs} is stored; nothing was written")),
    };
    Err(Refusal::new(
        StatusCode::CONFLICT,
        reason,
        format!("{detail}. Going over it needs the permission `admin`"),
    ))
}
