//! What one line of the audit log tells.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::Refusal;
use crate::auth::{Action, Identity};
use crate::request::Record;

/// Claims that tell one run or one person from another; tokens themselves are never told.
const CLAIMS: [&str; 22] = [
    "iss",
    "sub",
    "jti",
    "repository",
    "ref",
    "sha",
    "environment",
    "workflow_ref",
    "job_workflow_ref",
    "run_id",
    "run_attempt",
    "actor",
    "event_name",
    "project_path",
    "namespace_path",
    "pipeline_id",
    "pipeline_source",
    "job_id",
    "user_login",
    "user_email",
    "email",
    "name",
];
/// How much of a claim is told.
const MOST_CLAIM_CHARS: usize = 256;

/// A line without its place in the chain. What isn't known, or doesn't apply, is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Event {
    pub(super) ts: String,
    /// `opened`, `begun` or `done`.
    #[serde(rename = "event")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    /// `accepted`, `refused` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lock_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) forced: bool,
    /// The server that opened the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<&'static str>,
    /// What a crash left of a line before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) torn: Option<Torn>,
}

/// Who asked.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Actor {
    identity: String,
    method: &'static str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Value>,
}

/// From where.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Source {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

/// Bytes that are no line, and stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Event {
    /// The log is gone on with.
    pub(super) fn opened(now: Timestamp, torn: Option<Torn>) -> Self {
        let server = Some(concat!("s3tate/", env!("CARGO_PKG_VERSION")));
        Self { kind: "opened", server, torn, ..Self::at(now) }
    }

    /// What is about to be done.
    pub(super) fn begun(record: &Record, now: Timestamp) -> Self {
        Self { kind: "begun", ..Self::of(record, now) }
    }

    /// What came of it.
    pub(super) fn done(record: &Record, now: Timestamp, status: u16, refusal: Option<&Refusal>) -> Self {
        let result = match refusal {
            // A state that isn't there is an answer like others.
            None if status < 400 || status == 404 => "accepted",
            None => "refused",
            Some(_) if status < 500 => "refused",
            Some(_) => "failed",
        };
        let reason = refusal.map(|refusal| refusal.reason);
        Self { kind: "done", result: Some(result), status: Some(status), reason, ..Self::of(record, now) }
    }

    fn at(now: Timestamp) -> Self {
        Self { ts: format!("{now:.3}"), ..Self::default() }
    }

    fn of(record: &Record, now: Timestamp) -> Self {
        Self {
            request_id: Some(record.id.clone()),
            actor: record.identity.as_ref().map(Actor::of),
            source: Some(Source { address: record.client.to_string(), user_agent: record.agent.clone() }),
            action: action(record),
            state: record.key.clone(),
            lock_id: record.lock_id.clone(),
            serial_before: record.serials.0,
            serial_after: record.serials.1,
            version_id: record.version_id.clone(),
            sha256: record.sha256.clone(),
            forced: record.forced,
            ..Self::at(now)
        }
    }
}

impl Actor {
    fn of(identity: &Identity) -> Self {
        let told = |name: &&str| Some(((*name).to_owned(), short(identity.claims.get(*name)?)?));
        let claims = CLAIMS.iter().filter_map(told).collect();
        Self { identity: identity.name.clone(), method: identity.method.as_str(), claims }
    }
}

fn short(claim: &Value) -> Option<Value> {
    match claim {
        Value::String(text) => Some(text.chars().take(MOST_CLAIM_CHARS).collect::<String>().into()),
        Value::Number(_) | Value::Bool(_) => Some(claim.clone()),
        _ => None,
    }
}

/// The word for what was asked: finer than what has to be permitted for it.
fn action(record: &Record) -> Option<&'static str> {
    match (record.route, record.method.as_str(), record.action) {
        (_, _, Some(Action::BreakLock)) => Some(Action::BreakLock.as_str()),
        ("/restore/{key}", ..) => Some("restore"),
        ("/undelete/{key}", ..) => Some("undelete"),
        ("/state/{key}", "DELETE", _) => Some("delete"),
        (_, "UNLOCK", _) | ("/state/{key}/lock", "DELETE", _) => Some("unlock"),
        (_, "LOCK", None) | ("/state/{key}/lock", "POST" | "PUT", None) => Some("lock"),
        ("/state/{key}", "POST" | "PUT", None) => Some("write"),
        (_, _, action) => action.map(Action::as_str),
    }
}
