//! The inside of refused requests, and the bytes of refused writes: kept beside the states, for administrators.
//!
//! `.s3tate/why/ID.json` and `.s3tate/rescue/ID-….tfstate` in the bucket, so that any replica finds them.

use std::collections::VecDeque;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};

use s3tate::{Backend, Error, Payload};
use serde_json::{Value, json};

use crate::address::OWN;
use crate::answer::Refusal;
use crate::auth::Action;
use crate::request::Record;

/// How many characters a random ID has.
const RANDOM_ID_CHARS: usize = 36;
/// How many are remembered where the store can't keep them.
const REMEMBERED: usize = 256;

/// Keeps what was refused.
#[derive(Debug, Default)]
pub(crate) struct Incidents(Mutex<VecDeque<(String, Value)>>);

impl Incidents {
    /// Remembers why a request was refused, and stores it where the store can be reached, without being waited for.
    ///
    /// The ID may be the client's own choice: what is there under it stays.
    pub(crate) fn keep(&self, backend: &Backend, record: &Record, refusal: &Refusal) {
        let incident = described(record, refusal);
        {
            let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if recent.len() >= REMEMBERED {
                recent.pop_front();
            }
            recent.push_back((record.id.clone(), incident.clone()));
        }
        let (backend, id) = (backend.clone(), record.id.clone());
        drop(tokio::spawn(async move {
            if let Err(error) = backend.create_object(&why_key(&id), incident.to_string().into_bytes()).await
            {
                tracing::warn!(request_id = id, %error, "the inside of a refusal is remembered by this process alone");
            }
        }));
    }

    /// The inside of a request that was refused.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn find(&self, backend: &Backend, id: &str) -> s3tate::Result<Option<Value>> {
        let recent = {
            let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            recent.iter().find(|(of, _)| of == id).map(|(_, incident)| incident.clone())
        };
        if recent.is_some() {
            return Ok(recent);
        }
        let stored = backend.get_object(&why_key(id)).await?;
        Ok(stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// The key of the incident that an object is of: itself, or the one whose bytes it keeps.
pub(crate) fn why_key_of(key: &str) -> Option<String> {
    if key.strip_suffix(".json").is_some() {
        return Some(key.to_owned());
    }
    let name = key.rsplit('/').next()?.strip_suffix(".tfstate")?;
    let id = name.len().checked_sub(RANDOM_ID_CHARS + 1).and_then(|end| name.get(..end))?;
    Some(why_key(id))
}

fn why_key(id: &str) -> String {
    format!("{OWN}/why/{id}.json")
}

/// Keeps the bytes of a refused write; `None` where the store can't.
pub(crate) async fn rescue(backend: &Backend, id: &str, document: Payload) -> Option<String> {
    // The ID may be the client's own choice: what was rescued before isn't replaced.
    let key = format!("{OWN}/rescue/{id}-{}.tfstate", backend.env().random_id().ok()?);
    match backend.put_object(&key, document).await {
        Ok(()) => Some(key),
        Err(error) => {
            tracing::warn!(request_id = id, %error, "the bytes of a refused write could not be kept");
            None
        }
    }
}

fn described(record: &Record, refusal: &Refusal) -> Value {
    json!({
        "request_id": record.id,
        "time": record.time.to_string(),
        "method": record.method,
        "route": record.route,
        "state": record.key,
        "identity": record.identity.as_ref().map(|identity| &identity.name),
        "action": record.action.map(Action::as_str),
        "lock_id": record.lock_id,
        "status": refusal.status.as_u16(),
        "reason": refusal.reason,
        "detail": refusal.detail,
        "holder": refusal.holder,
        "rescued": refusal.rescued,
        "inside": refusal.inside.as_deref().map(inside),
    })
}

fn inside(error: &Error) -> Value {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let facts: Vec<Value> =
        error.facts().map(|(label, value)| json!({ "label": label, "value": value })).collect();
    json!({ "message": error.to_string(), "facts": facts, "causes": causes, "hint": error.hint_text() })
}
