//! Who is signed in: a sealed cookie, so that any server with the same key knows them and none has to remember.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use s3tate::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Ui;
use super::seal::Seal;
use crate::auth::token::random;
use crate::auth::{Bond, Identity, Method, claims_in};
use crate::body::hex;
use crate::server::App;

/// The longest session, in seconds.
const LONGEST: i64 = 8 * 60 * 60;
/// What the cookie is sealed for, and what marks in forms are.
const COOKIE_PURPOSE: &str = "session";
const MARK_PURPOSE: &str = "mark";

/// What is in the cookie: never the credential itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Session {
    id: String,
    name: String,
    method: Word,
    /// Those claims that rules look at.
    claims: Map<String, Value>,
    bond: String,
    /// Seconds of Unix time.
    ends: i64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Word {
    Token,
    Oidc,
    Certificate,
}

impl Session {
    /// Begins a session of somebody whose credential was checked just now.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn begin(app: &App, identity: &Identity, bond: Bond) -> Result<Self> {
        let policy = app.policy();
        let latest = app.env().now().as_second() + LONGEST;
        let kept = claims_in(&policy.rules);
        let claims = identity.claims.iter().filter(|(name, _)| kept.contains(name.as_str()));
        Ok(Self {
            id: hex(&random::<16>()?),
            name: identity.name.clone(),
            method: match identity.method {
                Method::Token => Word::Token,
                Method::Oidc => Word::Oidc,
                Method::Certificate => Word::Certificate,
            },
            claims: claims.map(|(name, value)| (name.clone(), value.clone())).collect(),
            bond: bond.mark,
            ends: bond.ends.map_or(latest, |ends| latest.min(ends.as_second())),
        })
    }

    /// The session of a request, if it has one that still holds. One that a certificate began needs that certificate.
    pub(super) fn of(app: &App, headers: &HeaderMap, certificate: Option<&Identity>) -> Option<Self> {
        let cookie = cookie(headers, app.ui.cookie_name())?;
        let session: Self = serde_json::from_slice(&app.ui.seal.open(COOKIE_PURPOSE, cookie)?).ok()?;
        let (now, identity, policy) = (app.env().now(), session.identity(), app.policy());
        let shown = match identity.method {
            Method::Certificate => certificate.is_some_and(|certificate| certificate.name == identity.name),
            Method::Token | Method::Oidc => true,
        };
        let holds = session.ends > now.as_second()
            && policy.authenticator.still_holds(&identity, &session.bond, &policy.rules, now);
        (shown && holds).then_some(session)
    }

    /// Whose it is.
    pub(super) fn identity(&self) -> Identity {
        let method = match self.method {
            Word::Token => Method::Token,
            Word::Oidc => Method::Oidc,
            Word::Certificate => Method::Certificate,
        };
        Identity { claims: self.claims.clone(), ..Identity::new(self.name.clone(), method) }
    }

    /// The cookie that carries it.
    ///
    /// # Errors
    /// No randomness.
    pub(super) fn cookie(&self, ui: &Ui) -> Result<String> {
        // Texts and numbers always serialise.
        let sealed = ui.seal.close(COOKIE_PURPOSE, &serde_json::to_vec(self).unwrap_or_default())?;
        Ok(ui.cookie_with(&sealed))
    }

    /// What forms carry, so that no other site's pass for ours. Each time another text: pages are sent packed, and a text
    /// that stays could be guessed by their length.
    pub(super) fn mark(&self, seal: &Seal) -> Result<String> {
        seal.close(MARK_PURPOSE, self.id.as_bytes())
    }

    /// Whether a mark is of this session.
    pub(super) fn knows(&self, seal: &Seal, mark: &str) -> bool {
        seal.open(MARK_PURPOSE, mark).is_some_and(|id| id == self.id.as_bytes())
    }
}

impl Ui {
    /// By TLS a name that browsers take from this very host alone.
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-s3tate" } else { "s3tate" }
    }

    fn cookie_with(&self, value: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", self.cookie_name())
    }

    /// The cookie that ends a session.
    pub(super) fn no_cookie(&self) -> HeaderValue {
        let text = self.cookie_with("") + "; Max-Age=0";
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The value of a cookie. Two of one name are none: somebody else may have set one.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut found = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(of, _)| *of == name);
    let first = found.next();
    first.filter(|_| found.next().is_none()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_unless_it_comes_twice() {
        let headers = |lines: &[&'static str]| {
            lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line))).collect::<HeaderMap>()
        };
        assert_eq!(cookie(&headers(&["a=1; s3tate=x; b=2"]), "s3tate"), Some("x"));
        assert_eq!(cookie(&headers(&["a=1", "s3tate=x"]), "s3tate"), Some("x"));
        assert_eq!(cookie(&headers(&["s3tate=x; s3tate=y"]), "s3tate"), None);
        assert_eq!(cookie(&headers(&["xs3tate=x"]), "s3tate"), None);
    }
}
