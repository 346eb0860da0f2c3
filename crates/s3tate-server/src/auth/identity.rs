//! Somebody who is known.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// How somebody showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A static token.
    Token,
    /// A token that a configured issuer signed.
    Oidc,
    /// A client certificate.
    Certificate,
}

impl Method {
    /// The word in logs and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Oidc => "oidc",
            Self::Certificate => "certificate",
        }
    }
}

/// Somebody who is known, by a credential that was checked.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `token:NAME`, `oidc:ISSUER:PRINCIPAL` or `cert:SUBJECT`; rules match it.
    pub name: String,
    /// How it was shown.
    pub method: Method,
    /// What the issuer says of them; empty for others.
    pub claims: Map<String, Value>,
    /// When the credential ended; `None` while it holds.
    pub expired: Option<Timestamp>,
}

impl Identity {
    /// Somebody without claims, whose credential holds.
    pub fn new(name: impl Into<String>, method: Method) -> Self {
        Self { name: name.into(), method, claims: Map::new(), expired: None }
    }
}
