//! Tokens that issuers sign, such as those of CI systems: signature, issuer, audience and times are checked.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use s3tate::{Env, Error, ErrorKind, Result};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Identity, Method, ring_jwt};
use crate::client::Client;
use crate::config::Issuer;

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// How long keys are taken for fresh.
const FRESH: Duration = Duration::from_hours(1);
/// How often keys are asked for at most, whatever tokens name.
const PAUSE: Duration = Duration::from_mins(1);

/// The issuers that are trusted, with their keys.
#[derive(Debug)]
pub(crate) struct Issuers {
    known: Vec<(Issuer, Arc<Keys>)>,
    client: Option<Client>,
    env: Env,
}

/// The keys of one issuer, as they were last told.
#[derive(Debug, Default)]
struct Keys {
    by_id: RwLock<BTreeMap<String, (Jwk, DecodingKey)>>,
    /// Held by who asks for them. Those whose key is known don't wait for that: the issuer may be slow, or away.
    asking: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    /// When they were last asked for, whatever came of it.
    asked: Option<Instant>,
    /// When they were last asked for because a token named one that isn't known.
    missed: Option<Instant>,
}

impl Keys {
    fn get(&self, id: &str) -> Option<(Jwk, DecodingKey)> {
        self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

/// The key, where it is one for this algorithm.
fn fitting((jwk, key): &(Jwk, DecodingKey), algorithm: Algorithm) -> Result<DecodingKey, &'static str> {
    let fits = jwk.common.key_algorithm.is_none_or(|of| of == algorithm.into());
    if fits { Ok(key.clone()) } else { Err("algorithm") }
}

impl Issuers {
    /// Keys that were learnt `before` of the same issuer serve on: it may be away.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the system's roots, by which issuers are known, can't be used.
    pub(crate) fn new(issuers: Vec<Issuer>, env: &Env, before: Option<&Self>) -> Result<Self> {
        ring_jwt::install();
        let client = if issuers.is_empty() { None } else { Some(Client::new()?) };
        let learnt = |issuer: &Issuer| {
            let same = |(of, _): &&(Issuer, _)| of.url == issuer.url && of.jwks_url == issuer.jwks_url;
            let (_, keys) = before?.known.iter().find(same)?;
            Some(Arc::clone(keys))
        };
        let known = issuers.into_iter().map(|issuer| {
            let keys = learnt(&issuer).unwrap_or_default();
            (issuer, keys)
        });
        let known = known.collect();
        Ok(Self { known, client, env: env.clone() })
    }

    /// Asks each for its keys: their number, by the issuer's name.
    pub(crate) async fn ask(&self) -> Vec<(String, Result<usize>)> {
        let mut answers = Vec::new();
        for (issuer, _) in &self.known {
            answers.push((issuer.name.clone(), self.fetch(issuer).await.map(|keys| keys.len())));
        }
        answers
    }

    /// The URL of the issuer with this name.
    pub(crate) fn url_of(&self, name: &str) -> Option<&str> {
        self.known.iter().find(|(issuer, _)| issuer.name == name).map(|(issuer, _)| issuer.url.as_str())
    }

    /// Whom a token is about.
    ///
    /// # Errors
    /// A word for the log: nothing of the token, which is a secret.
    pub(crate) async fn identify(&self, token: &str, now: Timestamp) -> Result<Identity, &'static str> {
        let header = decode_header(token).map_err(|_| "no_token")?;
        if !ring_jwt::allowed(header.alg) || header.crit.is_some() {
            return Err("algorithm");
        }
        let unproven: Map<String, Value> =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| "no_token")?;
        let named = unproven.get("iss").and_then(Value::as_str).ok_or("issuer")?;
        let (issuer, keys) = self.known.iter().find(|(issuer, _)| issuer.url == named).ok_or("issuer")?;
        let key = self.key(issuer, keys, header.kid.as_deref().ok_or("key")?, header.alg).await?;
        let claims =
            decode(token, &key, &validation(issuer, header.alg)).map_err(|_| "signature_or_claims")?.claims;
        identity(issuer, claims, now)
    }

    /// The key with this ID, asked for again where it isn't known.
    async fn key(
        &self,
        issuer: &Issuer,
        keys: &Keys,
        id: &str,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, &'static str> {
        let known = keys.get(id);
        let mut asked = match (keys.asking.try_lock(), &known) {
            (Ok(asked), _) => asked,
            (Err(_), Some(known)) => return fitting(known, algorithm),
            (Err(_), None) => keys.asking.lock().await,
        };
        let now = self.env.instant();
        let over =
            |since: Option<Instant>, pause| since.is_none_or(|since| now.duration_since(since) >= pause);
        if over(asked.asked, FRESH) {
            asked.asked = Some(now);
            self.refresh(issuer, keys).await;
        } else if keys.get(id).is_none() && over(asked.missed, PAUSE) {
            *asked = Asked { asked: Some(now), missed: Some(now) };
            self.refresh(issuer, keys).await;
        }
        fitting(&keys.get(id).ok_or("key")?, algorithm)
    }

    async fn refresh(&self, issuer: &Issuer, keys: &Keys) {
        match self.fetch(issuer).await {
            Ok(fetched) => *keys.by_id.write().unwrap_or_else(PoisonError::into_inner) = fetched,
            // The last good ones go on serving.
            Err(error) => tracing::warn!(issuer = issuer.name, %error, "the issuer's keys can't be had"),
        }
    }

    async fn fetch(&self, issuer: &Issuer) -> Result<BTreeMap<String, (Jwk, DecodingKey)>> {
        let url = match &issuer.jwks_url {
            Some(url) => url.clone(),
            None => self.discover(issuer).await?,
        };
        let set: JwkSet =
            serde_json::from_value(self.json(&url).await?).map_err(|cause| odd(&url).with_source(cause))?;
        let usable =
            |jwk: &Jwk| jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let keys = set.keys.into_iter().filter(usable);
        Ok(keys
            .filter_map(|jwk| {
                Some((jwk.common.key_id.clone()?, (jwk.clone(), DecodingKey::from_jwk(&jwk).ok()?)))
            })
            .collect())
    }

    async fn discover(&self, issuer: &Issuer) -> Result<String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.url.trim_end_matches('/'));
        let found = self.json(&url).await?;
        let keys = found["jwks_uri"].as_str().filter(|_| found["issuer"].as_str() == Some(&issuer.url));
        let keys = keys.filter(|keys| crate::config::is_trusted_url(keys));
        keys.map(str::to_owned).ok_or_else(|| odd(&url))
    }

    async fn json(&self, url: &str) -> Result<Value> {
        let client =
            self.client.as_ref().ok_or_else(|| Error::new(ErrorKind::Bug, "no client for issuers"))?;
        let answer = client.get(url, None).await?;
        if answer.status != 200 {
            return Err(odd(url).fact("status", answer.status.to_string()));
        }
        serde_json::from_slice(&answer.body).map_err(|cause| odd(url).with_source(cause))
    }
}

fn odd(url: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("`{url}` does not answer as an issuer does"))
}

/// What has to hold of a token, but its end: one that has ended is told apart.
fn validation(issuer: &Issuer, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[&issuer.url]);
    validation.set_audience(&[&issuer.audience]);
    validation.validate_exp = false;
    validation
}

/// Whole seconds; a fraction is cut off.
pub(super) fn seconds(time: &Value) -> Option<i64> {
    let number = time.as_number()?.to_string();
    number.split('.').next()?.parse().ok()
}

fn identity(issuer: &Issuer, claims: Map<String, Value>, now: Timestamp) -> Result<Identity, &'static str> {
    let time = |name: &str| match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        // A time of another kind would otherwise pass for a missing one.
        Some(value) => seconds(value).map(Some).ok_or("times"),
    };
    let ends = time("exp")?.ok_or("times")?;
    let latest = now.as_second() + LEEWAY;
    if time("nbf")?.is_some_and(|begins| begins > latest)
        || time("iat")?.is_some_and(|issued| issued > latest)
    {
        return Err("times");
    }
    let ended = ends < now.as_second() - LEEWAY;
    let expired = ended.then(|| Timestamp::from_second(ends).map_err(|_| "times")).transpose()?;
    let principal = match claims.get(&issuer.principal) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err("principal"),
    };
    if principal.chars().any(char::is_control) {
        return Err("principal");
    }
    Ok(Identity { name: format!("oidc:{}:{principal}", issuer.name), method: Method::Oidc, claims, expired })
}
