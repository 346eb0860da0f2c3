//! What a request is about: its target by its path, its query, and what is noted of it on the way.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use crate::address::{self, MOST_PATH_BYTES};
use crate::answer::Refusal;
use crate::auth::{Action, Identity};
use crate::run;
use crate::ui::Page;
use http::StatusCode;
use s3tate::Writer;
use s3tate::config::BackendConfig;
use s3tate::lock::Holder;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Home,
    Health,
    Ready,
    Metrics,
    Version,
    /// What can be asked for.
    OpenApi,
    /// A state, by its key.
    State(String),
    /// The lock of a state.
    Lock(String),
    Outputs(String),
    RemoteState(String),
    /// What was stored at a state's key.
    History(String),
    /// A version of a state to be stored again.
    Restore(String),
    /// A deleted state to be stored again.
    Undelete(String),
    /// The inside of a refused request.
    Why(String),
    /// The bytes of a refused write.
    Rescue(String),
    /// A page for people.
    Page(Page),
}

impl Target {
    /// The label in metrics and logs.
    pub(crate) fn route(&self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Health => "/healthz",
            Self::Ready => "/readyz",
            Self::Metrics => "/metrics",
            Self::Version => "/version",
            Self::OpenApi => "/openapi.json",
            Self::State(_) => "/state/{key}",
            Self::Lock(_) => "/state/{key}/lock",
            Self::Outputs(_) => "/outputs/{key}",
            Self::RemoteState(_) => "/remote-state/{key}",
            Self::History(_) => "/history/{key}",
            Self::Restore(_) => "/restore/{key}",
            Self::Undelete(_) => "/undelete/{key}",
            Self::Why(_) => "/why/{id}",
            Self::Rescue(_) => "/rescue/{id}",
            Self::Page(page) => page.route(),
        }
    }

    /// The state that it is about.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::State(key)
            | Self::Lock(key)
            | Self::Outputs(key)
            | Self::RemoteState(key)
            | Self::History(key)
            | Self::Restore(key)
            | Self::Undelete(key) => Some(key),
            Self::Page(page) => page.key(),
            _ => None,
        }
    }

    /// Reads a path, percent-encoded as it came.
    ///
    /// Nothing but a missing state is answered with 404, which clients read as an empty one.
    ///
    /// # Errors
    /// 414, or 400 for a path that names nothing.
    pub(crate) fn parse(path: &str, query: &Query, config: &BackendConfig) -> Result<Self, Refusal> {
        if path.len() > MOST_PATH_BYTES {
            return Err(Refusal::new(
                StatusCode::URI_TOO_LONG,
                "path",
                format!("paths have at most {MOST_PATH_BYTES} bytes"),
            ));
        }
        let refused = |why: String| Refusal::new(StatusCode::BAD_REQUEST, "path", why);
        let key = |rest| address::state_key(rest, query.workspace.as_deref(), config).map_err(refused);
        let trimmed = path.strip_prefix('/').unwrap_or(path);
        let (head, rest) = trimmed.split_once('/').unwrap_or((trimmed, ""));
        match (head, rest) {
            ("", "") => Ok(Self::Home),
            ("healthz" | "livez", "") => Ok(Self::Health),
            ("readyz", "") => Ok(Self::Ready),
            ("metrics", "") => Ok(Self::Metrics),
            ("version", "") => Ok(Self::Version),
            ("openapi.json", "") => Ok(Self::OpenApi),
            ("state", rest) => match rest.strip_suffix("/lock") {
                Some(rest) => key(rest).map(Self::Lock),
                None => key(rest).map(Self::State),
            },
            ("outputs", rest) => key(rest).map(Self::Outputs),
            ("remote-state", rest) => key(rest).map(Self::RemoteState),
            ("history", rest) => key(rest).map(Self::History),
            ("restore", rest) => key(rest).map(Self::Restore),
            ("undelete", rest) => key(rest).map(Self::Undelete),
            ("why", id) if is_request_id(id) => Ok(Self::Why(id.to_owned())),
            ("ui", page) => Page::parse(page, query, config).map(Self::Page).map_err(refused),
            ("rescue", id) if is_request_id(id) => Ok(Self::Rescue(id.to_owned())),
            _ => Err(refused("there is nothing at this path; states are at /state/NAME".to_owned())),
        }
    }
}

/// The parts of a query that mean something.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The ID of the lock that a write is made under.
    pub(crate) lock: Option<String>,
    pub(crate) workspace: Option<String>,
    /// Which version is meant.
    pub(crate) version: Option<String>,
    /// How many versions are asked for.
    pub(crate) limit: Option<usize>,
    /// Whether sensitive outputs are asked for.
    pub(crate) sensitive: bool,
}

impl Query {
    /// # Errors
    /// 400: a part comes twice, so that two readers could take it for different things.
    pub(crate) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let twice = match name.as_ref() {
                "ID" => parsed.lock.replace(value.into_owned()).is_some(),
                "workspace" => parsed.workspace.replace(value.into_owned()).is_some(),
                "version" => parsed.version.replace(value.into_owned()).is_some(),
                "limit" => parsed.limit.replace(value.parse().unwrap_or(usize::MAX)).is_some(),
                "sensitive" => std::mem::replace(&mut parsed.sensitive, value == "true"),
                _ => false,
            };
            if twice {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "query",
                    format!("`{name}` comes twice in the query"),
                ));
            }
        }
        parsed.lock = parsed.lock.filter(|id| !id.is_empty());
        Ok(parsed)
    }
}

/// Whether a text may be the ID of a request: it becomes part of headers, logs and keys.
pub(crate) fn is_request_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('.')
}

/// What is noted of a request on its way: for its log line, and for whoever audits.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// The trace that it is part of.
    pub(crate) trace: Option<String>,
    pub(crate) time: Timestamp,
    /// Where it comes from, as far as that can be believed.
    pub(crate) client: IpAddr,
    /// As OpenTelemetry calls it: `1.1`, `2`.
    pub(crate) protocol: &'static str,
    pub(crate) method: String,
    pub(crate) route: &'static str,
    /// What the client calls itself.
    pub(crate) agent: Option<String>,
    /// How much of its body has come.
    pub(crate) received: Arc<AtomicU64>,
    pub(crate) key: Option<String>,
    pub(crate) identity: Option<Identity>,
    pub(crate) action: Option<Action>,
    pub(crate) lock_id: Option<String>,
    /// Serials before and after a write.
    pub(crate) serials: (Option<u64>, Option<u64>),
    /// The version that a write made.
    pub(crate) version_id: Option<String>,
    /// SHA-256 of what was sent, 64 hex digits.
    pub(crate) sha256: Option<String>,
    /// The lock that was taken, where it is held.
    pub(crate) acquired: Vec<Holder>,
    /// Whether a lock was broken, or a guard overridden.
    pub(crate) forced: bool,
    /// Whether a person looks at the answer.
    pub(crate) page: bool,
}

impl Record {
    /// For whom a write is made, as the stored object is to tell.
    pub(crate) fn writer(&self) -> Writer {
        let identity = self.identity.as_ref();
        Writer {
            who: identity.map(|identity| identity.name.clone()).unwrap_or_default(),
            lock: self.lock_id.clone(),
            from: Some(self.client.to_string()),
            run: identity.and_then(|identity| run::page(&identity.claims)),
        }
    }

    /// How many bytes of its body have come.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_query_come_once() {
        let query = Query::parse("ref=main&ID=a%2Fb&workspace=dev&sensitive=true").unwrap();
        assert_eq!(
            (query.lock.as_deref(), query.workspace.as_deref(), query.sensitive),
            (Some("a/b"), Some("dev"), true)
        );
        assert_eq!(Query::parse("ID=").unwrap(), Query::default());
        assert!(Query::parse("ID=a&ID=b").is_err());
    }

    #[test]
    fn request_ids_are_plain() {
        assert!(is_request_id("a-B.9_"));
        for id in ["", "a b", "a\nb", "../x", ".x", "a/b", &"x".repeat(129)] {
            assert!(!is_request_id(id), "{id:?}");
        }
    }
}
