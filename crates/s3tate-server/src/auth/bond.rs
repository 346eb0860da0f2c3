//! What a session stays bound to: the credential that it was begun with, and how long that lasts.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sha2::Digest as _;

use super::oidc::seconds;
use super::{Authenticator, Identity, Method};
use crate::body::hex;
use crate::config::Rule;

/// A credential, as far as a session has to know it: nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bond {
    /// Changes with the credential, and with what has to be known of its holder.
    pub(crate) mark: String,
    /// When the credential ends.
    pub(crate) ends: Option<Timestamp>,
}

impl Authenticator {
    /// What somebody who has just shown `secret` is bound to; `None` where it isn't configured.
    pub(crate) async fn bond(&self, identity: &Identity, secret: &str, rules: &[Rule]) -> Option<Bond> {
        match identity.method {
            Method::Token => {
                let tokens: Vec<_> = self.tokens_of(identity).collect();
                for token in tokens {
                    if self.is_of(secret, token).await {
                        return Some(Bond { mark: mark(&token.hash, rules), ends: token.expires });
                    }
                }
                None
            }
            Method::Oidc => {
                let ends = seconds(identity.claims.get("exp")?)?;
                let ends = Timestamp::from_second(ends).ok()?;
                Some(Bond { mark: mark(self.issuer_url(identity)?, rules), ends: Some(ends) })
            }
            Method::Certificate => Some(certificate_bond(rules)),
        }
    }

    /// Whether a session with this mark may go on: its credential is still configured, has not ended, and nothing else has
    /// to be known of its holder than when it began.
    pub(crate) fn still_holds(
        &self,
        identity: &Identity,
        marked: &str,
        rules: &[Rule],
        now: Timestamp,
    ) -> bool {
        match identity.method {
            Method::Token => self.tokens_of(identity).any(|token| {
                mark(&token.hash, rules) == marked && token.expires.is_none_or(|expires| expires > now)
            }),
            Method::Oidc => self.issuer_url(identity).is_some_and(|url| mark(url, rules) == marked),
            Method::Certificate => certificate_bond(rules).mark == marked,
        }
    }
}

/// The claims that rules look at.
pub(crate) fn claims_in(rules: &[Rule]) -> BTreeSet<&str> {
    rules.iter().flat_map(|rule| rule.claims.keys()).map(String::as_str).collect()
}

/// A certificate is shown anew by each connection.
fn certificate_bond(rules: &[Rule]) -> Bond {
    Bond { mark: mark("certificate", rules), ends: None }
}

/// A session knows the claims that rules looked at when it began. With rules that look at others it has to begin anew: one
/// that denies would pass it over.
fn mark(credential: &str, rules: &[Rule]) -> String {
    let mut hasher = sha2::Sha256::new();
    for part in std::iter::once(credential).chain(claims_in(rules)) {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex(&hasher.finalize()[..16])
}
