//! What rules allow: one function, from identity, path and action to a decision that can be explained.

use std::fmt;

use serde_json::Value;

use super::pattern::{covers, matches};
use super::{Identity, Method};
use crate::config::{Permission, Rule};

/// What somebody wants to do with a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read outputs that aren't sensitive.
    Outputs,
    /// Read the whole state, sensitive outputs included.
    Read,
    /// Take the lock, and give it back.
    Lock,
    /// Write the state.
    Write,
    /// Break somebody else's lock.
    BreakLock,
    /// Write an earlier serial or another lineage, delete the state, fetch rescued bytes.
    Admin,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Outputs, Self::Read, Self::Lock, Self::Write, Self::BreakLock, Self::Admin];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outputs => "outputs",
            Self::Read => "read",
            Self::Lock => "lock",
            Self::Write => "write",
            Self::BreakLock => "break-lock",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Permission {
    /// Whether it is enough for an action.
    fn allows(self, action: Action) -> bool {
        use Action::{BreakLock, Lock, Outputs, Read, Write};
        match self {
            Self::Outputs => action == Outputs,
            Self::Read => matches!(action, Outputs | Read),
            Self::Plan => matches!(action, Outputs | Read | Lock),
            Self::Write => matches!(action, Outputs | Read | Lock | Write),
            Self::BreakLock => action == BreakLock,
            Self::Admin => true,
        }
    }

    /// Whether denying it denies an action: each for itself alone, but nobody plans without the lock.
    fn denies(self, action: Action) -> bool {
        match self {
            Self::Outputs => matches!(action, Action::Outputs),
            Self::Read => matches!(action, Action::Read),
            Self::Plan => action == Action::Lock,
            Self::Write => action == Action::Write,
            Self::BreakLock => action == Action::BreakLock,
            Self::Admin => action == Action::Admin,
        }
    }
}

/// Whether somebody may do something, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rule that decided, counted from 1 in the file; `None` where no rule is about it.
    pub rule: Option<usize>,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.allowed, self.rule) {
            (true, Some(rule)) => write!(f, "allowed by rule {rule}"),
            (false, Some(rule)) => write!(f, "denied by rule {rule}"),
            (_, None) => f.write_str("denied: no rule allows it"),
        }
    }
}

/// Decides whether somebody may do something with the state at a key. A rule that denies wins; without one that allows
/// it is denied.
pub fn decide(rules: &[Rule], identity: &Identity, key: &str, action: Action) -> Decision {
    let about = |rule: &&(usize, &Rule)| applies(rule.1, identity, key);
    let rules: Vec<(usize, &Rule)> = (1..).zip(rules).collect();
    let denying = rules.iter().filter(about).find(|(_, rule)| rule.deny.iter().any(|it| it.denies(action)));
    if let Some((number, _)) = denying {
        return Decision { allowed: false, rule: Some(*number) };
    }
    let allowing = rules.iter().filter(about).find(|(_, rule)| rule.allow.iter().any(|it| it.allows(action)));
    Decision { allowed: allowing.is_some(), rule: allowing.map(|(number, _)| *number) }
}

fn applies(rule: &Rule, identity: &Identity, key: &str) -> bool {
    rule.who.iter().any(|who| matches(who, &identity.name))
        && rule.claims.iter().all(|(name, pattern)| has_claim(identity, name, pattern))
        && rule.path.iter().any(|path| covers(path, key))
}

/// Claims are the issuer's word: nobody else has any. Of a list, one member is enough.
fn has_claim(identity: &Identity, name: &str, pattern: &str) -> bool {
    let fits = |value: &Value| match value {
        Value::String(text) => matches(pattern, text),
        Value::Number(number) => matches(pattern, &number.to_string()),
        Value::Bool(flag) => matches(pattern, &flag.to_string()),
        _ => false,
    };
    identity.method == Method::Oidc
        && identity.claims.get(name).is_some_and(|value| match value {
            Value::Array(items) => items.iter().any(fits),
            value => fits(value),
        })
}

#[cfg(test)]
mod tests;
