//! Heads that two readers could take for different things: refused before anything is looked up.

use http::header::{CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version};

use crate::answer::Refusal;

/// Refuses a head that a proxy in front may have read otherwise. Lengths that contradict each other end the connection,
/// which the library for HTTP sees to.
///
/// # Errors
/// 400.
pub(crate) fn check(head: &Parts) -> Result<(), Refusal> {
    let refused = |why| Err(Refusal::new(StatusCode::BAD_REQUEST, "head", why));
    let hosts = head.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && head.version == Version::HTTP_11) {
        return refused("a request has one Host");
    }
    let codings: Vec<_> = head.headers.get_all(TRANSFER_ENCODING).iter().collect();
    if codings.len() > 1 || codings.iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return refused("the only Transfer-Encoding that is read here is `chunked`, once");
    }
    if head.method == Method::CONNECT || !head.uri.path().starts_with('/') {
        return refused("the target of a request is a path");
    }
    Ok(())
}

/// Refuses bodies that a page of another site can make a browser send without being asked first.
///
/// # Errors
/// 415.
pub(crate) fn takes(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    if kind == "application/octet-stream" || kind == "application/json" || kind.ends_with("+json") {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type",
        "bodies here are `application/json`; nothing was done",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json() {
        let taken =
            |kind: &str| takes(&HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())])).is_ok();
        assert!(
            taken("application/json")
                && taken("Application/JSON; charset=utf-8")
                && taken("application/octet-stream")
        );
        for form in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
        {
            assert!(!taken(form), "{form}");
        }
        assert!(takes(&HeaderMap::new()).is_ok());
    }
}
