//! From a request's headers, or its client certificate, to an identity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use s3tate::Env;
use sha2::Digest as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::oidc::Issuers;
use super::{Identity, Method, token};
use crate::config::{Issuer, Token};

/// How long a token that was checked isn't hashed again: one apply makes five requests.
const CHECKED: Duration = Duration::from_mins(1);
/// How long a token that was right is told from those that come from where others failed.
const KNOWN: Duration = Duration::from_hours(24);
/// How many tokens are hashed at a time; each takes 19 MiB.
const HASHING: usize = 4;
/// How many checked tokens are remembered.
const MOST_CHECKED: usize = 1024;

/// What a token that was checked is known by.
type Mark = [u8; 32];

/// Knows everybody.
#[derive(Debug)]
pub(crate) struct Authenticator {
    tokens: Vec<Token>,
    issuers: Issuers,
    /// By their digest, when they were last hashed.
    checked: Arc<Mutex<HashMap<Mark, Instant>>>,
    hashing: Arc<Semaphore>,
    /// The same for those that were right within a day, who don't wait for guesses.
    hashing_known: Arc<Semaphore>,
    env: Env,
}

/// Why nobody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Neither header nor certificate.
    Nobody,
    /// What was shown is none of ours, or not any more. The word is for the log.
    Refused(&'static str),
    /// Where it comes from too much failed: a token that was not seen lately isn't looked at.
    Suspect,
}

impl Authenticator {
    /// What another one has learnt of the same tokens and issuers goes on to hold.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: the roots that issuers are known by can't be used.
    pub(crate) fn new(
        tokens: Vec<Token>,
        issuers: Vec<Issuer>,
        env: Env,
        before: Option<&Self>,
    ) -> s3tate::Result<Self> {
        let issuers = Issuers::new(issuers, &env, before.map(|before| &before.issuers))?;
        // Each is known by its hash, so that one that was taken out isn't known by it any more.
        let checked = before.map(|before| Arc::clone(&before.checked)).unwrap_or_default();
        let hashing = before.map_or_else(|| Arc::new(Semaphore::new(HASHING)), |it| Arc::clone(&it.hashing));
        let hashing_known =
            before.map_or_else(|| Arc::new(Semaphore::new(HASHING)), |it| Arc::clone(&it.hashing_known));
        Ok(Self { tokens, issuers, checked, hashing, hashing_known, env })
    }

    /// Who asks. A header counts before a certificate. One whose credential has ended is told apart, and may only
    /// finish what they hold. Of a `suspect` no token is hashed but those that were right within a day: hashing is slow on
    /// purpose, and whoever holds a lock must get on.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        certificate: Option<&Identity>,
        suspect: bool,
    ) -> Result<Identity, Unknown> {
        match headers.get(AUTHORIZATION) {
            Some(header) => {
                let secret = header.to_str().ok().and_then(secret_in).ok_or(Unknown::Refused("malformed"))?;
                self.by_secret(secret, suspect).await
            }
            None => certificate.cloned().ok_or(Unknown::Nobody),
        }
    }

    async fn by_secret(&self, secret: String, suspect: bool) -> Result<Identity, Unknown> {
        match token::name_in(&secret) {
            Some(name) => self.by_token(name.to_owned(), secret, suspect).await,
            None => self.issuers.identify(&secret, self.env.now()).await.map_err(Unknown::Refused),
        }
    }

    async fn by_token(&self, name: String, secret: String, suspect: bool) -> Result<Identity, Unknown> {
        // Several with one name: an old one and its successor.
        let known: Vec<&Token> = self.tokens.iter().filter(|token| token.name == name).collect();
        if known.is_empty() {
            return Err(Unknown::Refused("unknown_token"));
        }
        for token in &known {
            let mark = mark(&secret, &token.hash);
            if self.is(mark, &secret, &token.hash, suspect).await {
                let expired = token.expires.filter(|expires| *expires <= self.env.now());
                return Ok(Identity { expired, ..Identity::new(format!("token:{name}"), Method::Token) });
            }
        }
        Err(if suspect { Unknown::Suspect } else { Unknown::Refused("wrong_token") })
    }

    /// The tokens with an identity's name: an old one and its successor, maybe.
    pub(super) fn tokens_of(&self, identity: &Identity) -> impl Iterator<Item = &Token> {
        let name = identity.name.strip_prefix("token:");
        self.tokens.iter().filter(move |token| Some(token.name.as_str()) == name)
    }

    /// The URL of the issuer that vouched for an identity.
    pub(super) fn issuer_url(&self, identity: &Identity) -> Option<&str> {
        let name = identity.name.strip_prefix("oidc:")?.split(':').next()?;
        self.issuers.url_of(name)
    }

    /// Whether a secret is that of a token.
    pub(super) async fn is_of(&self, secret: &str, token: &Token) -> bool {
        self.is(mark(secret, &token.hash), secret, &token.hash, false).await
    }

    async fn is(&self, mark: Mark, secret: &str, hash: &str, suspect: bool) -> bool {
        let now = self.env.instant();
        let since = self.checked().get(&mark).map(|at| now.duration_since(*at));
        let permits = match since {
            Some(since) if since < CHECKED => return true,
            Some(since) if since < KNOWN => &self.hashing_known,
            _ if suspect => return false,
            _ => &self.hashing,
        };
        let Ok(_permit) = permits.acquire().await else { return false };
        let (secret, hash) = (secret.to_owned(), hash.to_owned());
        let right = tokio::task::spawn_blocking(move || token::verify(&secret, &hash)).await.unwrap_or(false);
        if right {
            let mut checked = self.checked();
            if checked.len() >= MOST_CHECKED {
                checked.retain(|_, at| now.duration_since(*at) < CHECKED);
            }
            if checked.len() >= MOST_CHECKED {
                checked.clear();
            }
            checked.insert(mark, now);
        }
        right
    }

    fn checked(&self) -> std::sync::MutexGuard<'_, HashMap<Mark, Instant>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mark(secret: &str, hash: &str) -> Mark {
    sha2::Sha256::digest([secret.as_bytes(), b"\0", hash.as_bytes()].concat()).into()
}

/// The password of `Basic`, whose user may be anybody, or what comes with `Bearer`.
fn secret_in(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    let secret = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => rest.trim().to_owned(),
        "basic" => {
            let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            decoded.split_once(':')?.1.to_owned()
        }
        _ => return None,
    };
    (!secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_in_both_schemes() {
        assert_eq!(secret_in("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(secret_in("basic dTpwOnc=").as_deref(), Some("p:w"));
        for header in ["", "Basic", "Basic !!", "Basic dQ==", "Basic dTo=", "Digest x", "Bearer "] {
            assert_eq!(secret_in(header), None, "{header}");
        }
    }
}
