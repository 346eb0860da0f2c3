//! `LOCK /state/{key}`: the very lock that all other doors use.

use axum::body::Body;
use http::StatusCode;
use s3tate::Hold;
use s3tate::lock::LockInfo;

use super::Call;
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::body::{not_kept, receive};
use crate::guard::{record_for, refused_id, taken_by};

/// The largest lock record.
const MOST_RECORD_BYTES: u64 = 64 << 10;

pub(super) async fn lock(mut call: Call<'_>, key: &str) -> Result<Response, Refusal> {
    let identity = call.allow(key, Action::Lock)?;
    if call.app.is_draining() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "the server is stopping and takes no new locks",
        ));
    }
    let sent = sent_record(&mut call).await?;
    let Some(sent) = sent.filter(|sent| refused_id(&sent.id).is_none()) else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "lock_info",
            "the body is no lock info with an ID",
        ));
    };
    call.record.lock_id = Some(sent.id.clone());
    call.app.exists_or_may_begin(key).await?;
    let door = call.app.door(key);
    let record = record_for(sent, &identity.name, &door.lock_path());
    if call.app.was_released(key, &record.id) {
        return Err(late(record));
    }
    let sent = record.clone();
    let id = record.id.clone();
    call.begin().await?;
    match door.hold(record).await {
        Ok(Hold::Ours(holders)) => {
            // The late copy may have come in before its lock was released, and have waited since.
            if call.app.was_released(key, &id) {
                door.release(&holders).await?;
                return Err(late(sent));
            }
            call.record.acquired = holders;
            call.app.metrics.lock("acquired");
            Ok(Response::new(Body::empty()))
        }
        Ok(Hold::Others(holder)) => match holder.info {
            Some(held) if held.id == id && taken_by(&held).as_deref() == Some(&identity.name) => {
                call.app.metrics.lock("same_id");
                Ok(Response::new(Body::empty()))
            }
            held => {
                call.app.metrics.lock("conflict");
                Err(Refusal::locked(
                    StatusCode::LOCKED,
                    "locked",
                    "somebody else holds the lock",
                    readable(held),
                ))
            }
        },
        Err(error) => {
            call.app.metrics.lock("error");
            Err(error.into())
        }
    }
}

fn late(record: LockInfo) -> Refusal {
    let detail = "this lock was taken and released before; this is a late copy of its request";
    let record = LockInfo { info: format!("released; {}", record.info), ..record };
    Refusal::locked(StatusCode::CONFLICT, "released", detail, record)
}

/// The record in the body; `None` where there is no body.
pub(super) async fn sent_record(call: &mut Call<'_>) -> Result<Option<LockInfo>, Refusal> {
    let body = std::mem::take(&mut call.body);
    let record = receive(&call.headers, body, MOST_RECORD_BYTES, &call.app.temp_dir()).await?;
    if record.length() == 0 {
        return Ok(None);
    }
    let bytes = record.bytes().map_err(not_kept)?;
    let sent = serde_json::from_slice::<serde_json::Value>(&bytes).ok().filter(serde_json::Value::is_object);
    let sent = sent.and_then(|sent| serde_json::from_value(sent).ok());
    let refused = || Refusal::new(StatusCode::BAD_REQUEST, "lock_info", "the body is no lock info");
    sent.ok_or_else(refused).map(Some)
}

/// A holder's record as clients need it: never without an ID, or they stop waiting.
pub(super) fn readable(held: Option<LockInfo>) -> LockInfo {
    held.unwrap_or_else(|| LockInfo {
        id: "unreadable".to_owned(),
        info: "the stored lock record can't be read; `s3tate lock show` shows it".to_owned(),
        ..LockInfo::default()
    })
}
