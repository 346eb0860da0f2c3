//! Answers: states, problems, and lock conflicts in the form that clients read.

use std::time::Duration;

use axum::body::Body;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use s3tate::history::Deletion;
use s3tate::lock::LockInfo;
use s3tate::state::StateError;
use s3tate::{Error, ErrorKind};
use serde_json::json;

pub(crate) type Response = http::Response<Body>;

/// The header that names a request in logs, errors and `s3tate why`.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that tells when a state was deleted.
const STATE_DELETED: HeaderName = HeaderName::from_static("x-state-deleted");

/// Why a request is not answered as it would like.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// A word for counters.
    pub(crate) reason: &'static str,
    /// What the client is told.
    pub(crate) detail: String,
    /// What only `s3tate why` and the log tell.
    pub(crate) inside: Option<Box<Error>>,
    /// Who holds the lock, where that is why.
    pub(crate) holder: Option<Box<LockInfo>>,
    /// Methods that would be answered.
    pub(crate) allow: Option<&'static str>,
    /// In how many seconds to try again; `None` where that isn't told apart.
    pub(crate) retry_after: Option<u16>,
    /// That the state was deleted, where that is why.
    pub(crate) deleted: Option<Box<Deletion>>,
    /// The key under which refused bytes were kept.
    pub(crate) rescued: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            status,
            reason,
            detail,
            inside: None,
            holder: None,
            allow: None,
            retry_after: None,
            deleted: None,
            rescued: None,
        }
    }

    /// A lock conflict: the body is the holder's record, which clients show and wait by.
    pub(crate) fn locked(
        status: StatusCode,
        reason: &'static str,
        detail: impl Into<String>,
        holder: LockInfo,
    ) -> Self {
        Self { holder: Some(Box::new(holder)), ..Self::new(status, reason, detail) }
    }

    /// Too many requests. Clients repeat one after the time that they are told, a few times: it is kept short.
    pub(crate) fn limited(wait: Duration, detail: &'static str) -> Self {
        let seconds = wait.as_secs_f64().ceil().clamp(1.0, 5.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 5")]
        let retry_after = Some(seconds as u16);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate", detail) }
    }

    /// The answer, carrying the request's ID.
    pub(crate) fn into_response(self, id: &str) -> Response {
        let (kind, body) = match &self.holder {
            Some(holder) => ("application/json", conflict(holder, &self.detail, id, self.rescued.is_some())),
            None => ("application/problem+json", self.problem(id)),
        };
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Basic realm="s3tate", charset="UTF-8""#),
            );
        }
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(RETRY_AFTER, self.retry_after.unwrap_or(1).into());
        }
        if let Some(deletion) = self.deleted {
            let time = deletion.time.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
            headers.extend(HeaderValue::from_str(&time).ok().map(|time| (STATE_DELETED, time)));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    fn problem(&self, id: &str) -> serde_json::Value {
        let title = self.status.canonical_reason().unwrap_or("refused");
        let mut problem = json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail, "request_id": id,
        });
        if let Some(deletion) = &self.deleted {
            problem["deleted"] =
                json!({ "time": deletion.time.map(|time| time.to_string()), "who": deletion.who });
        }
        if self.rescued.is_some() {
            problem["rescued"] = true.into();
        }
        problem
    }
}

/// The seven members of a lock record, and two that clients ignore.
fn conflict(holder: &LockInfo, detail: &str, id: &str, rescued: bool) -> serde_json::Value {
    let mut body = json!(holder);
    // Clients fail to read the whole record where the time is none.
    if holder.created_at().is_none() {
        body["Created"] = serde_json::Value::Null;
    }
    body["detail"] = detail.into();
    body["request_id"] = id.into();
    if rescued {
        body["rescued"] = true.into();
    }
    body
}

/// The library's errors by their kind alone. What they say may name buckets and accounts: that stays inside.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, reason, detail) = match error.kind() {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not_found", "there is no such state"),
            ErrorKind::Conflict => {
                (StatusCode::CONFLICT, "conflict", "the stored state changed meanwhile; nothing was written")
            }
            ErrorKind::Locked => {
                (StatusCode::SERVICE_UNAVAILABLE, "contended", "the lock is being taken by others; try again")
            }
            ErrorKind::Unavailable | ErrorKind::Interrupted => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the store can't be reached; nothing was written",
            ),
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "invalid", "the request can't be carried out"),
            ErrorKind::Denied => {
                (StatusCode::INTERNAL_SERVER_ERROR, "store_denied", "the store refuses the server")
            }
            ErrorKind::Corrupt if is_no_state(&error) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unreadable",
                "what is stored can't be read as a state; /state/ has its bytes",
            ),
            ErrorKind::Corrupt => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "corrupt",
                "the stored state does not match its digest; it was not sent",
            ),
            ErrorKind::Unknown => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "unknown",
                "what became of the request can't be told yet; repeat it",
            ),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "bug", "the server made a mistake"),
        };
        Self { inside: Some(Box::new(error)), ..Self::new(status, reason, detail) }
    }
}

/// Whether bytes are whole, but not what a state is: somebody wrote them so.
fn is_no_state(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<StateError>)
}

/// JSON with status 200.
pub(crate) fn json(value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Plain text.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
