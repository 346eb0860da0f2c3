//! Whether it lives, whether it is ready, its counters. No names of states, nothing secret.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::answer::{Response, json, text};
use crate::server::App;

/// A key that is only looked at: whether the store answers, and its locks.
pub(crate) const LOOKED_AT: &str = ".s3tate/ready";

/// How long what was seen of the store holds: anybody may ask, and that must not become work for the store.
const FRESH: Duration = Duration::from_secs(1);

/// What was last seen of the store.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether the store and its locks answer. Those who ask at the same time wait for one look.
    async fn look(&self, app: &App) -> bool {
        let mut seen = self.0.lock().await;
        if let Some((_, ready)) = seen.filter(|(at, _)| app.env().instant().duration_since(*at) < FRESH) {
            return ready;
        }
        let looked = app.backend.state_at(LOOKED_AT).door().read_to_write().await;
        if let Err(error) = &looked {
            tracing::warn!(%error, "not ready");
        }
        *seen = Some((app.env().instant(), looked.is_ok()));
        looked.is_ok()
    }
}

pub(super) fn home() -> Response {
    text(StatusCode::OK, "s3tate: states of Terraform and OpenTofu, at /state/NAME\n")
}

pub(super) fn alive() -> Response {
    text(StatusCode::OK, "ok\n")
}

/// Whether the store and its locks answer, as they were seen within [`FRESH`], and no stop was asked for.
pub(super) async fn ready(app: &App) -> Response {
    let (store, serving) = (app.readiness.look(app).await, !app.is_draining());
    let word = |ok| if ok { "ok" } else { "failed" };
    let mut response = json(&json!({ "store": word(store), "serving": word(serving) }));
    if !store || !serving {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

pub(super) fn metrics(app: &App) -> Response {
    let mut response = text(StatusCode::OK, app.metrics.text());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

pub(super) fn version() -> Response {
    json(&json!({ "name": "s3tate", "version": env!("CARGO_PKG_VERSION") }))
}
