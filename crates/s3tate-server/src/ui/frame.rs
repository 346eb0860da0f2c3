//! What all pages have: frame, headers that guard them, and the page that tells of a refusal.

use askama::Template;
use axum::body::Body;
use http::header::{CONTENT_TYPE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3tate::{Error, ErrorKind};

use super::{Visit, assets, login, text};
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::request::Record;

/// No script, nothing from elsewhere, no frame around it, and forms to ourselves alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers of every page. `same-origin`, since with `no-referrer` browsers hide from us which site sent a form; others
/// are told nothing either way.
const GUARDS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What stands around a page's content.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) style: &'static str,
    /// Who is signed in, and the mark for the forms of this page.
    pub(super) who: Option<String>,
    pub(super) mark: String,
    /// Which of the main pages it is.
    pub(super) at: &'static str,
}

impl Frame {
    /// For somebody who is signed in.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn of(visit: &Visit<'_>, title: impl Into<String>) -> Result<Self, Refusal> {
        let who = Some(visit.identity()?.name);
        Ok(Self { who, mark: visit.mark()?, ..Self::bare(title) })
    }

    /// For anybody.
    pub(super) fn bare(title: impl Into<String>) -> Self {
        let style = assets::style_address();
        Self { title: title.into(), style, who: None, mark: String::new(), at: "" }
    }
}

/// A page about a state, and its siblings.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) label: &'static str,
    pub(super) href: String,
    pub(super) current: bool,
}

/// The pages about a state that a visitor may see.
pub(super) fn tabs(visit: &Visit<'_>, key: &str, current: &str) -> Vec<Tab> {
    let all = [
        ("Overview", "state", true),
        ("Resources", "resources", visit.may(key, Action::Read)),
        ("History", "history", visit.may(key, Action::Read)),
    ];
    let shown = all.into_iter().filter(|(_, _, may)| *may);
    shown
        .map(|(label, page, _)| Tab { label, href: text::href(page, key), current: page == current })
        .collect()
}

/// A page.
///
/// # Errors
/// It can't be rendered.
pub(super) fn page(status: StatusCode, content: &impl Template) -> Result<Response, Refusal> {
    let failed = |cause| Error::new(ErrorKind::Bug, "a page can't be rendered").with_source(cause);
    let mut response = Response::new(Body::from(content.render().map_err(failed)?));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    guard(response.headers_mut());
    Ok(response)
}

/// The headers that guard pages.
pub(super) fn guard(headers: &mut HeaderMap) {
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// Sends the browser on to another of our pages, after a form was carried out or in place of one.
pub(super) fn go_to(address: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.extend(HeaderValue::from_str(address).ok().map(|address| (http::header::LOCATION, address)));
    headers.extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    guard(headers);
    response
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    frame: Frame,
    status: u16,
    title: &'a str,
    detail: &'a str,
    request: &'a str,
}

/// What a person sees of a refusal.
pub(crate) fn refused(record: &Record, refusal: Refusal) -> Response {
    let (status, detail) = (refusal.status, refusal.detail.clone());
    let content = if record.route == login::ROUTE && status == StatusCode::UNAUTHORIZED {
        login::again(&detail)
    } else {
        let title = status.canonical_reason().unwrap_or("Refused");
        let frame = Frame::bare(title);
        page(status, &Problem { frame, status: status.as_u16(), title, detail: &detail, request: &record.id })
    };
    let plain = refusal.into_response(&record.id);
    let Ok(content) = content else { return plain };
    let mut head = plain.into_parts().0;
    // Browsers would ask for name and password in a window of their own.
    head.headers.remove(WWW_AUTHENTICATE);
    let (own, body) = content.into_parts();
    head.headers.extend(own.headers);
    Response::from_parts(head, body)
}
