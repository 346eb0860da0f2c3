//! Where a form was sent from, as browsers tell: no other site's pages may send ours.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderName, StatusCode, Uri};

use super::Visit;
use crate::answer::Refusal;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what another site's page sends.
///
/// # Errors
/// 403.
pub(super) fn check(visit: &Visit<'_>) -> Result<(), Refusal> {
    if is_own(&visit.headers, visit.host.as_deref(), visit.app.settings.url.as_deref()) {
        return Ok(());
    }
    let detail = "this form was sent from another site; nothing was done";
    Err(Refusal::new(StatusCode::FORBIDDEN, "origin", detail))
}

/// Browsers say by `Sec-Fetch-Site` how sender and receiver relate, where they trust the connection, and the sender by
/// `Origin` in any case. What says neither is no browser's, and can't send a cookie that it doesn't have.
fn is_own(headers: &HeaderMap, host: Option<&str>, url: Option<&str>) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text(&FETCH_SITE), text(&ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, None) => true,
        (None, Some(origin)) => {
            let authority = |url: &str| {
                // `null`, of pages without an origin, is an authority without a scheme.
                let url = url.parse::<Uri>().ok().filter(|url| url.scheme().is_some())?;
                url.authority().map(ToString::to_string)
            };
            let from = authority(origin);
            from.is_some() && (from.as_deref() == host || from == url.and_then(authority))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(lines: &[(&'static str, &'static str)]) -> bool {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), http::HeaderValue::from_static(value))
        };
        let host = lines.iter().find(|(name, _)| *name == "host").map(|(_, host)| *host);
        let headers = lines.iter().map(header).collect();
        is_own(&headers, host, Some("https://state.example.com"))
    }

    #[test]
    fn only_our_own_pages_send_forms() {
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(own(&[("host", "a:1"), ("origin", "http://a:1")]));
        assert!(own(&[("host", "inside:4561"), ("origin", "https://state.example.com")]), "behind a proxy");
        assert!(own(&[("host", "a:1")]), "no browser");
        assert!(!own(&[("sec-fetch-site", "same-site"), ("host", "a"), ("origin", "http://a")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("host", "a:1"), ("origin", "http://a:2")]));
        assert!(!own(&[("host", "null"), ("origin", "null")]));
    }
}
