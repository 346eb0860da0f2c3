//! Signing in with a token or a client certificate, and out again.

use askama::Template;
use form_urlencoded::Serializer;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Visit;
use super::frame::{Frame, go_to, page};
use super::session::Session;
use crate::answer::{Refusal, Response};
use crate::auth::Identity;

/// The page's label in metrics and logs.
pub(super) const ROUTE: &str = "/ui/login";
/// What is said to all who aren't let in.
const NOT_IN: &str = "That is no token that is valid here.";

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    frame: Frame,
    next: &'a str,
    message: &'a str,
    /// Who has shown a client certificate.
    certificate: Option<&'a str>,
}

/// The way to the form, and from there back to here.
pub(super) fn redirect(visit: &Visit<'_>) -> Response {
    let mut address = ROUTE.to_owned();
    if is_ours(&visit.address) && visit.address != "/" {
        address += "?";
        address += &Serializer::new(String::new()).append_pair("next", &visit.address).finish();
    }
    go_to(&address, None)
}

pub(super) async fn answer(visit: Visit<'_>) -> Result<Response, Refusal> {
    if visit.is_post() {
        return sign_in(visit).await;
    }
    let certificate = visit.certificate.as_ref().map(|identity| identity.name.as_str());
    let frame = Frame::bare("Sign in");
    let next = Some(visit.asked("next")).filter(|next| is_ours(next)).unwrap_or_default();
    page(StatusCode::OK, &Login { frame, next, message: "", certificate })
}

/// The form after an attempt that failed.
pub(super) fn again(message: &str) -> Result<Response, Refusal> {
    let frame = Frame::bare("Sign in");
    page(StatusCode::UNAUTHORIZED, &Login { frame, next: "", message, certificate: None })
}

async fn sign_in(visit: Visit<'_>) -> Result<Response, Refusal> {
    let secret = visit.field("token").trim();
    let identity = known(&visit, secret).await?;
    let app = visit.app;
    let policy = app.policy();
    let bond = policy.authenticator.bond(&identity, secret, &policy.rules).await;
    // One that has ended is none here: nothing under a lock is finished by these pages.
    let bond = bond.filter(|_| identity.expired.is_none()).ok_or_else(|| not_in("expired"))?;
    let session = Session::begin(app, &identity, bond)?;
    let cookie = HeaderValue::from_str(&session.cookie(&app.ui)?).map_err(|_| not_in("cookie"))?;
    visit.record.identity = Some(identity);
    let next = Some(visit.field("next")).filter(|next| is_ours(next)).unwrap_or("/");
    Ok(go_to(next, Some(cookie)))
}

/// Who has shown this credential: as it would come in a header, so that attempts are counted and answered alike.
async fn known(visit: &Visit<'_>, secret: &str) -> Result<Identity, Refusal> {
    let mut shown = HeaderMap::new();
    let by_certificate = visit.certificate.as_ref().filter(|_| !visit.field("certificate").is_empty());
    if by_certificate.is_none() {
        let header = HeaderValue::from_str(&format!("Bearer {secret}")).map_err(|_| not_in("malformed"))?;
        shown.insert(AUTHORIZATION, header);
    }
    let identified = visit.app.identify(&shown, by_certificate, visit.record.client).await;
    identified.map_err(|refusal| match refusal.status {
        StatusCode::UNAUTHORIZED => not_in(refusal.reason),
        _ => refusal,
    })
}

fn not_in(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, reason, NOT_IN)
}

/// Ends the session in this browser.
pub(super) fn out(visit: &Visit<'_>) -> Response {
    go_to(ROUTE, Some(visit.app.ui.no_cookie()))
}

/// Whether an address is one of our pages, and can be read as nothing else.
fn is_ours(address: &str) -> bool {
    let page = address == "/" || address.starts_with("/?") || address.starts_with("/ui/");
    page && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for address in ["/", "/?q=a", "/ui/state/a%20b?x=y"] {
            assert!(is_ours(address), "{address}");
        }
        for address in ["", "//evil", "/\\evil", "https://evil", "/ui/\\x", "/state/x", "/ui/a\r\nb", "ui/x"]
        {
            assert!(!is_ours(address), "{address}");
        }
    }
}
