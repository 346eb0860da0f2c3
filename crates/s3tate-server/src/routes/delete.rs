//! `DELETE /state/{key}`: never sent by a client's command, but by people. Versions in the bucket stay.

use axum::body::Body;
use http::StatusCode;

use super::Call;
use super::lock::readable;
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::guard::holder_besides;

pub(super) async fn delete(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    call.allow(key, Action::Admin)?;
    call.record.lock_id.clone_from(&call.query.lock);
    let door = call.app.door(key);
    let (holders, base) = door.read_to_write().await?;
    if let Some(other) = holder_besides(&holders, call.query.lock.as_deref()) {
        let detail = "the state is locked; nothing was deleted";
        return Err(Refusal::locked(StatusCode::CONFLICT, "locked", detail, readable(other.info.clone())));
    }
    if base.etag.is_some() {
        call.begin().await?;
        door.delete(base, call.record.writer()).await?;
    }
    Ok(Response::new(Body::empty()))
}
