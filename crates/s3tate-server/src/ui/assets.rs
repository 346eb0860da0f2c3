//! What pages load: a style sheet and an icon, both in the program.

use std::sync::LazyLock;

use axum::body::Body;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::Digest as _;

use super::frame::guard;
use crate::answer::Response;
use crate::body::hex;

const STYLE: &str = include_str!("../../templates/style.css");
const ICON: &str = include_str!("../../templates/icon.svg");

/// The style sheet's address, another one for each edition.
pub(super) fn style_address() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| {
        let digest = hex(&sha2::Sha256::digest(STYLE));
        format!("/ui/style.css?v={}", &digest[..12])
    });
    &ADDRESS
}

pub(super) fn style() -> Response {
    asset(STYLE, "text/css; charset=utf-8")
}

pub(super) fn icon() -> Response {
    asset(ICON, "image/svg+xml")
}

fn asset(text: &'static str, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    guard(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}
