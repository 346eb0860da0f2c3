//! Whether it lives, whether it is ready, its counters. No names of states, nothing secret.

use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::answer::{Response, json, text};
use crate::server::App;

/// A key that is only looked at: whether the store answers, and its locks.
const LOOKED_AT: &str = ".s3tate/ready";

pub(super) fn home() -> Response {
    text(StatusCode::OK, "s3tate: states of Terraform and OpenTofu, at /state/NAME\n")
}

pub(super) fn alive() -> Response {
    text(StatusCode::OK, "ok\n")
}

/// Whether the store and its locks answer, and no stop was asked for.
pub(super) async fn ready(app: &App) -> Response {
    let looked = async {
        let door = app.backend.state_at(LOOKED_AT).door();
        door.read_to_write().await.map(drop)
    };
    let (store, draining) = (looked.await, app.is_draining());
    if let Err(error) = &store {
        tracing::warn!(%error, "not ready");
    }
    let word = |ok| if ok { "ok" } else { "failed" };
    let mut response = json(&json!({ "store": word(store.is_ok()), "serving": word(!draining) }));
    if store.is_err() || draining {
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
