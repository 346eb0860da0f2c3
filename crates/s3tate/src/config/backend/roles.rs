//! Roles to assume, by attribute and by environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Reader, texts, texts_by_name};
use crate::config::secret::Secret;
use crate::config::value::Value;
use crate::error::Result;

/// How long an assumed role lasts unless something else is asked for.
const DURATION: Duration = Duration::from_mins(15);

/// A role to assume with other credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// How long the session lasts. Default: 15 minutes.
    pub duration: Duration,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// A policy that narrows the session, JSON.
    pub policy: Option<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// The session's name; made up where none is given.
    pub session_name: Option<String>,
    /// Who is behind the session.
    pub source_identity: Option<String>,
    /// Tags of the session.
    pub tags: BTreeMap<String, String>,
    /// Tags that sessions assumed from this one keep.
    pub transitive_tag_keys: Vec<String>,
}

/// A role to assume with an identity provider's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The role.
    pub role_arn: String,
    /// The token.
    pub token: Token,
    /// How long the session lasts; STS decides where nothing is given.
    pub duration: Option<Duration>,
    /// A policy that narrows the session, JSON.
    pub policy: Option<String>,
    /// Managed policies that narrow the session.
    pub policy_arns: Vec<String>,
    /// The session's name; made up where none is given.
    pub session_name: Option<String>,
}

/// An identity provider's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// The token itself.
    Text(Secret),
    /// A file that holds it, read each time.
    File(PathBuf),
}

/// The old flat attributes beside `role_arn`, all out of date.
const FLAT: &[&str] = &[
    "role_arn",
    "session_name",
    "external_id",
    "assume_role_duration_seconds",
    "assume_role_policy",
    "assume_role_policy_arns",
    "assume_role_tags",
    "assume_role_transitive_tag_keys",
];

impl AssumeRole {
    /// The role alone.
    pub(crate) fn new(role_arn: String) -> Self {
        Self {
            role_arn,
            duration: DURATION,
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            session_name: None,
            source_identity: None,
            tags: BTreeMap::new(),
            transitive_tag_keys: Vec::new(),
        }
    }
}

impl Reader<'_> {
    pub(super) fn assume_role(&self) -> Result<Option<AssumeRole>> {
        let Some(role) = self.arguments.get("assume_role") else { return self.flat_role() };
        if let Some(flat) = FLAT.iter().find(|name| self.arguments.get(name).is_some()) {
            return Err(self.bad(flat, "and `assume_role` exclude each other"));
        }
        let role_arn = self.role_arn("assume_role", role)?;
        Ok(Some(AssumeRole {
            duration: self.duration("assume_role", role)?.unwrap_or(DURATION),
            external_id: member(role, "external_id"),
            policy: member(role, "policy").map(|policy| policy.trim().to_owned()),
            policy_arns: role.member("policy_arns").map(texts).unwrap_or_default(),
            session_name: member(role, "session_name"),
            source_identity: member(role, "source_identity"),
            tags: role.member("tags").map(texts_by_name).unwrap_or_default(),
            transitive_tag_keys: role.member("transitive_tag_keys").map(texts).unwrap_or_default(),
            ..AssumeRole::new(role_arn)
        }))
    }

    /// The flat attributes of Terraform before 1.10; without `role_arn` the others have no effect.
    fn flat_role(&self) -> Result<Option<AssumeRole>> {
        let Some(role_arn) = self.text("role_arn") else { return Ok(None) };
        let seconds = match self.arguments.get("assume_role_duration_seconds") {
            Some(Value::Number(number)) => match number.parse::<u64>() {
                Ok(seconds) => Some(seconds).filter(|&seconds| seconds > 0),
                Err(_) => {
                    return Err(self.bad("assume_role_duration_seconds", "must be a whole number of seconds"));
                }
            },
            _ => None,
        };
        Ok(Some(AssumeRole {
            duration: seconds.map_or(DURATION, Duration::from_secs),
            external_id: self.text("external_id"),
            policy: self.text("assume_role_policy"),
            policy_arns: self.texts("assume_role_policy_arns"),
            session_name: self.text("session_name"),
            tags: self.map("assume_role_tags"),
            transitive_tag_keys: self.texts("assume_role_transitive_tag_keys"),
            ..AssumeRole::new(role_arn)
        }))
    }

    /// `assume_role_with_web_identity`, with OpenTofu's environment fallbacks for its members.
    pub(super) fn web_identity(&self) -> Result<Option<WebIdentity>> {
        const NAME: &str = "assume_role_with_web_identity";
        let Some(role) = self.arguments.get(NAME) else { return Ok(None) };
        let missing = |what: &str| self.bad(NAME, &format!("needs {what}"));
        let role_arn = member(role, "role_arn").or_else(|| self.variable(&["AWS_ROLE_ARN"]));
        let text = member(role, "web_identity_token").map(|token| Token::Text(Secret::new(token)));
        let file = member(role, "web_identity_token_file").map(|file| Token::File(self.path(&file)));
        let token = match (text, file) {
            (Some(_), Some(_)) => {
                return Err(
                    self.bad(NAME, "takes `web_identity_token` or `web_identity_token_file`, not both")
                );
            }
            (Some(token), None) | (None, Some(token)) => Some(token),
            (None, None) => self.env_token(),
        };
        let session_name = member(role, "session_name");
        Ok(Some(WebIdentity {
            role_arn: role_arn.ok_or_else(|| missing("`role_arn`"))?,
            token: token.ok_or_else(|| missing("`web_identity_token` or `web_identity_token_file`"))?,
            duration: self.duration(NAME, role)?,
            policy: member(role, "policy").map(|policy| policy.trim().to_owned()),
            policy_arns: role.member("policy_arns").map(texts).unwrap_or_default(),
            session_name: session_name.or_else(|| self.variable(&["AWS_ROLE_SESSION_NAME"])),
        }))
    }

    fn env_token(&self) -> Option<Token> {
        let text = self.variable(&["AWS_WEB_IDENTITY_TOKEN"]).map(|token| Token::Text(Secret::new(token)));
        text.or_else(|| self.env_token_file())
    }

    fn env_token_file(&self) -> Option<Token> {
        self.variable(&["AWS_WEB_IDENTITY_TOKEN_FILE"]).map(|file| Token::File(PathBuf::from(file)))
    }

    pub(super) fn env_web_identity(&self) -> Option<WebIdentity> {
        Some(WebIdentity {
            token: self.env_token_file()?,
            role_arn: self.variable(&["AWS_ROLE_ARN"])?,
            duration: None,
            policy: None,
            policy_arns: Vec::new(),
            session_name: self.variable(&["AWS_ROLE_SESSION_NAME"]),
        })
    }

    fn role_arn(&self, name: &str, role: &Value) -> Result<String> {
        member(role, "role_arn").ok_or_else(|| self.bad(name, "needs `role_arn`"))
    }

    fn duration(&self, name: &str, role: &Value) -> Result<Option<Duration>> {
        let Some(text) = member(role, "duration") else { return Ok(None) };
        let duration = crate::backend::parse_duration(&text);
        duration.map(Some).map_err(|_| self.bad(name, "has a `duration` that is none, such as `1h30m`"))
    }
}

/// A text member that is set; an empty one counts as unset.
fn member(object: &Value, name: &str) -> Option<String> {
    object.member(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
