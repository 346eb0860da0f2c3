//! The keys that requests may be signed with: the endpoint's own, and temporary ones made by STS.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::AccessKey;
use crate::env;

const TOKEN_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// All keys that are accepted.
#[derive(Debug)]
pub(crate) struct Keyring {
    own: AccessKey,
    temporary: Mutex<HashMap<String, Temporary>>,
}

/// Keys made by `AssumeRole` and its like; they are forgotten when the endpoint stops.
#[derive(Clone)]
pub(crate) struct Temporary {
    pub(crate) key: AccessKey,
    pub(crate) token: String,
    pub(crate) expires_ms: i64,
    /// Of the assumed role, as `GetCallerIdentity` shows it.
    pub(crate) arn: String,
    /// `AROA…:session`.
    pub(crate) user_id: String,
}

/// Why a signed request is refused all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The session token is missing, wrong, or not wanted.
    InvalidToken,
    /// The temporary keys have expired.
    ExpiredToken,
}

impl std::fmt::Debug for Temporary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Temporary").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Keyring {
    pub(crate) fn new(own: AccessKey) -> Self {
        Self { own, temporary: Mutex::default() }
    }

    pub(crate) fn own(&self) -> &AccessKey {
        &self.own
    }

    /// The secret that belongs to a key id.
    pub(crate) fn secret(&self, id: &str) -> Option<String> {
        if id == self.own.id {
            return Some(self.own.secret().to_owned());
        }
        self.session(id).map(|session| session.key.secret().to_owned())
    }

    /// The temporary keys called `id`.
    pub(crate) fn session(&self, id: &str) -> Option<Temporary> {
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Checks the session token that came with a request signed by `id`: temporary keys need theirs, others none.
    pub(crate) fn check_token(&self, id: &str, token: Option<&str>) -> Result<(), Refusal> {
        let Some(session) = self.session(id) else {
            return if token.is_none() { Ok(()) } else { Err(Refusal::InvalidToken) };
        };
        if token != Some(session.token.as_str()) {
            return Err(Refusal::InvalidToken);
        }
        if session.expires_ms <= env::now_ms() { Err(Refusal::ExpiredToken) } else { Ok(()) }
    }

    /// Makes temporary keys that hold for `seconds`; expired ones are forgotten on the way.
    pub(crate) fn issue(
        &self,
        arn: String,
        session_name: &str,
        seconds: i64,
    ) -> Result<Temporary, getrandom::Error> {
        let role_id = AccessKey::generate("AROA")?.id;
        let issued = Temporary {
            key: AccessKey::generate("ASIA")?,
            token: env::random_text::<120>(TOKEN_ALPHABET)?,
            expires_ms: env::now_ms() + seconds * 1000,
            arn,
            user_id: format!("{role_id}:{session_name}"),
        };
        let mut temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        // An expired key is kept for an hour, so that its holder is told what is wrong.
        let forget_ms = env::now_ms() - 3_600_000;
        temporary.retain(|_, session| session.expires_ms > forget_ms);
        temporary.insert(issued.key.id.clone(), issued.clone());
        Ok(issued)
    }
}
