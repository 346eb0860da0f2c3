//! A configuration looked at before a server uses it: files, names in rules, issuers, the store.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use s3tate::{Backend, Env, Error, Result};

use crate::auth::Issuers;
use crate::auth::pattern::matches;
use crate::config::{Rule, Settings};
use crate::routes::LOOKED_AT;
use crate::tls;
use crate::ui::Ui;

/// What ends within this time is worth a warning.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What was found.
#[derive(Debug)]
pub enum Finding {
    /// It is as it should be.
    Good(String),
    /// The server serves, but perhaps not as it is meant to.
    Warning(String),
    /// The server doesn't start, or answers nobody.
    Problem(Error),
}

/// Looks at settings, at the files and issuers that they name, and at their backend, where they have one. Only reads.
pub async fn examine(settings: &Settings, backend: Option<&Backend>, env: &Env) -> Vec<Finding> {
    let mut findings = certificates(settings, env.now());
    findings.extend(Ui::new(&settings.server, false).err().map(Finding::Problem));
    findings.extend(names(settings, env.now()));
    findings.extend(issuers(settings, env).await);
    if let Some(backend) = backend {
        findings.push(store(backend).await);
    }
    findings
}

fn certificates(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let Some(files) = &settings.tls else { return Vec::new() };
    if let Err(error) = tls::config(files) {
        return vec![Finding::Problem(error)];
    }
    let paths = std::iter::once(&files.certificate).chain(&files.client_ca);
    paths.map(|path| lifetime(path, now).unwrap_or_else(Finding::Problem)).collect()
}

fn lifetime(path: &Path, now: Timestamp) -> Result<Finding> {
    let name = path.display();
    let unreadable = || Error::invalid(format!("`{name}` doesn't say when it ends"));
    let ends = tls::expiry(&tls::certificates(path)?).ok_or_else(unreadable)?;
    let left = ends.duration_since(now);
    Ok(if left.is_negative() {
        Finding::Problem(Error::invalid(format!("`{name}` ended at {ends}")))
    } else if left < SOON {
        Finding::Warning(format!("`{name}` ends at {ends}"))
    } else {
        Finding::Good(format!("`{name}` is good until {ends}"))
    })
}

/// What rules and tokens say that can't be meant so.
fn names(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let mut warnings = Vec::new();
    for (number, rule) in (1..).zip(&settings.rules) {
        let about = rule.who.iter().filter(|who| !can_be_somebody(settings, who));
        warnings.extend(about.map(|who| format!("rule {number} is about `{who}`, which nobody can be here")));
        if !rule.claims.is_empty() && rule.who.iter().all(|who| !may_have_claims(who)) {
            warnings.push(format!("rule {number} asks for claims, which only tokens of issuers have"));
        }
    }
    let named = |name: &str| settings.rules.iter().any(|rule| is_about(rule, name));
    for token in &settings.tokens {
        let name = format!("token:{}", token.name);
        if !named(&name) {
            warnings.push(format!("no rule is about `{name}`, so it may do nothing"));
        }
        if let Some(ended) = token.expires.filter(|ends| *ends <= now) {
            warnings.push(format!("`{name}` ended at {ended}"));
        }
    }
    if warnings.is_empty() {
        let (tokens, rules) = (settings.tokens.len(), settings.rules.len());
        return vec![Finding::Good(format!("{tokens} tokens, {rules} rules"))];
    }
    warnings.into_iter().map(Finding::Warning).collect()
}

fn is_about(rule: &Rule, name: &str) -> bool {
    rule.who.iter().any(|who| matches(who, name))
}

/// Whether a pattern of identities fits anybody who can come in. A star may stand for whoever there is.
fn can_be_somebody(settings: &Settings, who: &str) -> bool {
    let fixed = who.split('*').next().unwrap_or_default();
    let anybody =
        |prefix: &str| fixed.starts_with(prefix) || (fixed.len() < who.len() && prefix.starts_with(fixed));
    let with_certificates = settings.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    settings.tokens.iter().any(|token| matches(who, &format!("token:{}", token.name)))
        || settings.issuers.iter().any(|issuer| anybody(&format!("oidc:{}:", issuer.name)))
        || (with_certificates && anybody("cert:"))
}

fn may_have_claims(who: &str) -> bool {
    let fixed = who.split('*').next().unwrap_or_default();
    fixed.starts_with("oidc:") || (fixed.len() < who.len() && "oidc:".starts_with(fixed))
}

/// An issuer that is away may be back when the server starts.
async fn issuers(settings: &Settings, env: &Env) -> Vec<Finding> {
    let known = match Issuers::new(settings.issuers.clone(), env, None) {
        Ok(known) => known,
        Err(error) => return vec![Finding::Problem(error)],
    };
    let mut findings = Vec::new();
    for (name, keys) in known.ask().await {
        findings.push(match keys {
            Ok(number) => Finding::Good(format!("the issuer `{name}` has {number} keys")),
            Err(error) => Finding::Warning(format!("the issuer `{name}`: {error}")),
        });
    }
    findings
}

async fn store(backend: &Backend) -> Finding {
    if !backend.config().locks() {
        return Finding::Problem(
            Error::invalid("the backend has nothing to lock with")
                .hint("set `dynamodb_table`, or `use_lockfile = true`, in `[backend]`"),
        );
    }
    match backend.state_at(LOOKED_AT).door().read_to_write().await {
        Ok(_) => Finding::Good("the store and its locks answer".to_owned()),
        Err(error) => Finding::Problem(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(rules: &str) -> Vec<String> {
        let hash = crate::auth::token::make("ci").unwrap().hash;
        let text = format!(
            "[[token]]\nname = \"ci\"\nhash = \"{hash}\"\nexpires = \"2030-01-01T00:00:00Z\"\n\
             [[issuer]]\nname = \"github\"\nurl = \"https://issuer.example\"\naudience = \"s3tate\"\n{rules}"
        );
        let settings = Settings::parse(Path::new("serve.toml"), &text).unwrap();
        let found = names(&settings, "2029-01-01T00:00:00Z".parse().unwrap());
        let text = |finding| match finding {
            Finding::Warning(text) => Some(text),
            _ => None,
        };
        found.into_iter().filter_map(text).collect()
    }

    fn rule(who: &str) -> String {
        format!("[[rule]]\nwho = [\"{who}\"]\npath = [\"**\"]\nallow = [\"read\"]\n")
    }

    #[test]
    fn rules_about_nobody_are_told() {
        let ours = rule("token:ci");
        for who in ["token:ci", "token:*", "*", "oidc:github:repo:x", "oidc:github:*", "oidc:*", "oidc:git*"]
        {
            assert_eq!(warnings(&format!("{ours}{}", rule(who))), Vec::<String>::new(), "{who}");
        }
        for who in ["token:cd", "ci", "oidc:gitlab:*", "oidc:github", "cert:cn:x", "cert:*"] {
            let told = warnings(&format!("{ours}{}", rule(who)));
            assert!(told.len() == 1 && told[0].contains(who), "{who}: {told:?}");
        }
    }

    #[test]
    fn tokens_without_a_rule_are_told() {
        let told = warnings(&rule("oidc:*"));
        assert!(told.len() == 1 && told[0].contains("token:ci"), "{told:?}");
    }
}
