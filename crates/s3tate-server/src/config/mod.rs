//! Settings: the TOML file, its defaults, and problems with the line they are in.

mod audit;
mod backend;
mod limits;
mod size;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backend::IntoArguments as _;
use s3tate::config::{Arguments, Place};
use s3tate::{Error, Problem, Result};
use serde::Deserialize;
use serde::de::Error as _;
use toml::Spanned;

pub use audit::{Audit, OnFailure};
pub use limits::{Limits, Timeouts};
pub(crate) use size::Size;

use crate::auth::pattern;

/// Everything that the server needs to know, besides the backend.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `[server]`.
    pub server: Serving,
    /// `[limits]`.
    pub limits: Limits,
    /// `[timeouts]`.
    pub timeouts: Timeouts,
    /// `[audit]`; `None` where there is no such table.
    pub audit: Option<Audit>,
    /// `[tls]`.
    pub tls: Option<Tls>,
    /// `[[token]]`.
    pub tokens: Vec<Token>,
    /// `[[issuer]]`.
    pub issuers: Vec<Issuer>,
    /// `[[rule]]`.
    pub rules: Vec<Rule>,
    /// `[backend]`: the attributes of `backend "s3"`; `None` where there is no such table.
    pub backend: Option<Arguments>,
}

/// `[server]`: how it serves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serving {
    /// Where it listens. Default: `127.0.0.1:4561`.
    pub listen: SocketAddr,
    /// Where `/metrics`, `/healthz` and `/readyz` are answered besides, always without TLS; the counters then nowhere
    /// else. Default: with everything else.
    pub metrics_listen: Option<SocketAddr>,
    /// The address that clients use, for what is printed. Default: that of `listen`.
    pub url: Option<String>,
    /// The largest state that is taken. Default: 256 MiB.
    pub body_limit: Size,
    /// Whether a state that nobody has locked may be written without a lock. Default: allow.
    pub unlocked_writes: UnlockedWrites,
    /// Patterns of the states that may be begun; others have to be there already. Default: all.
    #[serde(deserialize_with = "patterns")]
    pub new_states: Vec<String>,
    /// How states that were deleted are answered. Default: empty.
    pub deleted_states: DeletedStates,
    /// Who may break locks. Default: those with the permission `break-lock`.
    pub force_unlock: ForceUnlock,
    /// How long after its expiry a credential still finishes what its holder has locked, such as `12h`. Default: 12 h.
    #[serde(deserialize_with = "size::duration")]
    pub grace: Duration,
    /// A file with at least 32 random bytes that seals the sessions of the web UI, the same for all servers behind one
    /// address. Default: a key of this process, so that sessions end with it.
    pub session_key: Option<PathBuf>,
    /// How long requests under way may go on after the server was asked to stop. Default: 30 s.
    #[serde(deserialize_with = "size::duration")]
    pub drain: Duration,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4561)),
            metrics_listen: None,
            url: None,
            body_limit: Size(256 << 20),
            unlocked_writes: UnlockedWrites::Allow,
            new_states: vec!["**".to_owned()],
            deleted_states: DeletedStates::Empty,
            force_unlock: ForceUnlock::BreakLock,
            grace: Duration::from_hours(12),
            session_key: None,
            drain: Duration::from_secs(30),
        }
    }
}

fn patterns<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    let patterns = Vec::<String>::deserialize(deserializer)?;
    let bad = patterns.iter().find_map(|pattern| Some((pattern, pattern::problem(pattern)?)));
    match bad {
        Some((pattern, why)) => Err(D::Error::custom(format!("`{pattern}` is no pattern of states: {why}"))),
        None => Ok(patterns),
    }
}

/// Whether a state that nobody has locked may be written without a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnlockedWrites {
    /// Yes: `-lock=false`, and configurations without lock addresses.
    Allow,
    /// No.
    Deny,
}

/// How states that were deleted are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletedStates {
    /// With 404, as states that never were: clients begin anew. The body tells those who look.
    Empty,
    /// With 410, which clients fail at, until somebody undeletes them; only administrators begin anew.
    Refuse,
}

/// Who may break a lock that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForceUnlock {
    /// Nobody, through the server.
    Deny,
    /// Those with the permission.
    BreakLock,
    /// Those with the permission, and whoever took the lock.
    Owner,
}

/// `[tls]`: certificates, as files in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The server's certificate, with those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificates of those who vouch for clients.
    pub client_ca: Option<PathBuf>,
    /// Whether a client has to have a certificate. Default: no.
    #[serde(default)]
    pub client_required: bool,
    /// How often the files are looked at, and read anew where they have changed. Default: 30 s.
    #[serde(default = "watch", deserialize_with = "size::duration")]
    pub watch: Duration,
}

fn watch() -> Duration {
    Duration::from_secs(30)
}

/// `[[token]]`: a static token, by its hash.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who it is for: the identity is `token:NAME`.
    pub name: String,
    /// The hash that `s3tate serve token` printed.
    pub hash: String,
    /// When it ends.
    #[serde(default, deserialize_with = "size::time")]
    pub expires: Option<jiff::Timestamp>,
}

/// `[[issuer]]`: who signs tokens for clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// A short name: identities are `oidc:NAME:PRINCIPAL`.
    pub name: String,
    /// Exactly what stands in `iss`; the keys are found below it.
    pub url: String,
    /// What has to stand in `aud`.
    pub audience: String,
    /// The claim that names the principal. Default: `sub`.
    #[serde(default = "subject")]
    pub principal: String,
    /// Where the keys are. Default: as `/.well-known/openid-configuration` says.
    pub jwks_url: Option<String>,
}

fn subject() -> String {
    "sub".to_owned()
}

/// `[[rule]]`: who may do what, where. What no rule allows is denied; what one denies is denied for good.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Patterns of identities, such as `token:ci` or `oidc:github:*`.
    pub who: Vec<String>,
    /// Claims that have to be there, with patterns of their values.
    #[serde(default)]
    pub claims: std::collections::BTreeMap<String, String>,
    /// Patterns of state keys: `*` within a segment, `**` for any number of them.
    pub path: Vec<String>,
    /// What is allowed.
    #[serde(default)]
    pub allow: Vec<Permission>,
    /// What is denied, whatever other rules say.
    #[serde(default)]
    pub deny: Vec<Permission>,
}

/// What rules allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Outputs that aren't sensitive.
    Outputs,
    /// The whole state.
    Read,
    /// Reading and locking.
    Plan,
    /// Reading, locking and writing.
    Write,
    /// Breaking locks.
    BreakLock,
    /// Everything, going back to earlier serials included.
    Admin,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: Serving,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    timeouts: Timeouts,
    audit: Option<Spanned<Audit>>,
    tls: Option<Tls>,
    #[serde(default)]
    token: Vec<Spanned<Token>>,
    #[serde(default)]
    issuer: Vec<Spanned<Issuer>>,
    #[serde(default)]
    rule: Vec<Spanned<Rule>>,
    backend: Option<backend::Table>,
}

impl Settings {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: it can't be read, or has problems; each names its line and what is allowed.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::invalid(format!("can't read `{}`; nothing was started", path.display())).with_source(cause)
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a TOML file, which errors call `path`.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let source: Arc<str> = text.into();
        let place = |span: std::ops::Range<usize>| Place::new(path, &source, span);
        let file: File = toml::from_str(text).map_err(|error| {
            let mut problem = Problem::new(error.message().trim().replace('\n', "; "));
            if let Some(span) = error.span() {
                problem = problem.at_place(place(span));
            }
            Error::from(problem)
        })?;
        let problems: Vec<Problem> = file.problems(&place);
        if !problems.is_empty() {
            return Err(Error::of_problems(problems));
        }
        let base = path.parent().unwrap_or(Path::new("."));
        Ok(Self {
            server: file.server.below(base),
            limits: file.limits,
            timeouts: file.timeouts,
            audit: file.audit.map(|audit| audit.into_inner().below(base)),
            tls: file.tls.map(|tls| tls.below(base)),
            tokens: file.token.into_iter().map(Spanned::into_inner).collect(),
            issuers: file.issuer.into_iter().map(Spanned::into_inner).collect(),
            rules: file.rule.into_iter().map(Spanned::into_inner).collect(),
            backend: file.backend.map(|table| table.arguments(&place)).transpose()?,
        })
    }
}

impl Serving {
    /// Files are named from where the configuration is.
    fn below(self, base: &Path) -> Self {
        Self { session_key: self.session_key.map(|path| base.join(path)), ..self }
    }
}

impl Tls {
    /// Files are named from where the configuration is.
    fn below(self, base: &Path) -> Self {
        Self {
            certificate: base.join(self.certificate),
            key: base.join(self.key),
            client_ca: self.client_ca.map(|path| base.join(path)),
            ..self
        }
    }
}

impl File {
    fn problems(&self, place: &impl Fn(std::ops::Range<usize>) -> Place) -> Vec<Problem> {
        let tokens =
            self.token.iter().filter_map(|token| Some((token.span(), token_problem(token.get_ref())?)));
        let issuers =
            self.issuer.iter().filter_map(|issuer| Some((issuer.span(), issuer_problem(issuer.get_ref())?)));
        let rules = self.rule.iter().filter_map(|rule| Some((rule.span(), rule_problem(rule.get_ref())?)));
        let audit = self.audit.iter().filter_map(|audit| Some((audit.span(), audit.get_ref().problem()?)));
        audit
            .chain(tokens)
            .chain(issuers)
            .chain(rules)
            .map(|(span, problem)| problem.at_place(place(span)))
            .collect()
    }
}

fn token_problem(token: &Token) -> Option<Problem> {
    if !is_name(&token.name) {
        return Some(
            Problem::new(format!("`{}` can't name a token", token.name)).why("names have a-z, 0-9 and -"),
        );
    }
    if argon2::PasswordHash::new(&token.hash).is_err() || !token.hash.starts_with("$argon2id$") {
        return Some(
            Problem::new(format!("the hash of the token `{}` is none of argon2id", token.name))
                .hint("`s3tate serve token -name NAME` makes a token and prints the lines to put here"),
        );
    }
    None
}

fn issuer_problem(issuer: &Issuer) -> Option<Problem> {
    if !is_name(&issuer.name) {
        return Some(
            Problem::new(format!("`{}` can't name an issuer", issuer.name)).why("names have a-z, 0-9 and -"),
        );
    }
    if issuer.audience.is_empty() {
        return Some(
            Problem::new(format!("the issuer `{}` needs an audience", issuer.name))
                .why("otherwise tokens for others would be let in"),
        );
    }
    let urls = [Some(&issuer.url), issuer.jwks_url.as_ref()];
    let unsafe_url = urls.into_iter().flatten().find(|url| !is_trusted_url(url))?;
    Some(
        Problem::new(format!("`{unsafe_url}` can't be trusted"))
            .why("issuers are reached by https://, or by http:// on this machine"),
    )
}

pub(crate) fn is_trusted_url(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    let local = matches!(url.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme_str() == Some("https") || (url.scheme_str() == Some("http") && local)
}

fn rule_problem(rule: &Rule) -> Option<Problem> {
    if rule.who.is_empty() || rule.path.is_empty() || (rule.allow.is_empty() && rule.deny.is_empty()) {
        return Some(Problem::new("a rule needs `who`, `path`, and `allow` or `deny`, none of them empty"));
    }
    let bad = rule.path.iter().find_map(|path| Some((path, pattern::problem(path)?)));
    bad.map(|(path, why)| Problem::new(format!("`{path}` is no pattern of states")).why(why))
}

pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests;
