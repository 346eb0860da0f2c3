//! The configuration of a backend as plain, checked values, environment included.

mod credentials;
mod encryption;
mod regions;
mod roles;
mod transport;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use credentials::{AccountFrom, Container, Credentials, Metadata, Profile, StaticKeys};
pub use encryption::Encryption;
pub use roles::{AssumeRole, Token, WebIdentity};
pub use transport::{Endpoints, Proxy, Transport};

use super::value::Value;
use super::{Arguments, Source};
use crate::env::Env;
use crate::error::{Error, Result};

/// Everything a backend needs to know.
#[derive(Debug, Clone)]
pub struct BackendConfig {
    /// The bucket that holds states and lock objects.
    pub bucket: String,
    /// The state key of the default workspace, verbatim.
    pub key: String,
    /// Prefix of the other workspaces' keys, without slashes at its ends; may be empty. Default: `env:`.
    pub workspace_key_prefix: String,
    /// Region of S3, DynamoDB and STS.
    pub region: String,
    /// The table with locks and digests.
    pub table: Option<String>,
    /// Whether lock objects are used. Default: false.
    pub use_lockfile: bool,
    /// How objects are encrypted at rest.
    pub encryption: Encryption,
    /// Canned ACL of uploads.
    pub acl: Option<String>,
    /// Where credentials come from.
    pub credentials: Credentials,
    /// How requests travel.
    pub transport: Transport,
    /// Leave out checksums of uploads.
    pub skip_s3_checksum: bool,
    /// Tags of state objects. OpenTofu's.
    pub state_tags: BTreeMap<String, String>,
    /// Tags of lock objects. OpenTofu's.
    pub lock_tags: BTreeMap<String, String>,
    /// What is dangerous or without effect as configured; told before every command.
    pub warnings: Vec<String>,
    /// Out-of-date attributes in use, with what replaced them.
    pub deprecations: Vec<String>,
}

impl BackendConfig {
    /// Checks arguments and fills in what the environment gives.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: a required value is missing, a value is out of its range, two exclude each
    /// other, or something is asked for that this release can't do.
    pub fn new(arguments: &Arguments, env: &Env) -> Result<Self> {
        super::validate(arguments, env)?;
        let reader = Reader { arguments, env };
        let flag = |name| reader.flag(name).unwrap_or_default();
        Ok(Self {
            bucket: reader.required("bucket")?,
            key: reader.key()?,
            workspace_key_prefix: reader.prefix()?,
            region: reader.region()?,
            table: reader.text("dynamodb_table").or_else(|| reader.text("lock_table")),
            use_lockfile: flag("use_lockfile"),
            encryption: reader.encryption()?,
            acl: reader.text("acl"),
            credentials: reader.credentials()?,
            transport: reader.transport()?,
            skip_s3_checksum: flag("skip_s3_checksum"),
            state_tags: reader.map("state_tags"),
            lock_tags: reader.map("lock_tags"),
            warnings: reader.warnings(),
            deprecations: reader.deprecations(),
        })
    }

    /// Whether anything excludes other writers.
    pub fn locks(&self) -> bool {
        self.table.is_some() || self.use_lockfile
    }
}

struct Reader<'a> {
    arguments: &'a Arguments,
    env: &'a Env,
}

impl Reader<'_> {
    /// A text that is set; an empty one counts as unset.
    fn text(&self, name: &str) -> Option<String> {
        self.given(name).filter(|text| !text.is_empty())
    }

    /// A text as it is given, even an empty one.
    fn given(&self, name: &str) -> Option<String> {
        self.arguments.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn map(&self, name: &str) -> BTreeMap<String, String> {
        self.arguments.get(name).map(texts_by_name).unwrap_or_default()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.arguments.get(name).map(texts).unwrap_or_default()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.arguments.get(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Either switches it on. `false` in the block doesn't switch off what the variable asks for, as in stock clients.
    fn flag_or_variable(&self, name: &str, variable: &str) -> bool {
        self.flag(name).unwrap_or_default()
            || self.env.var(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    fn variable(&self, names: &[&'static str]) -> Option<String> {
        self.env.first(names).map(|(_, value)| value.to_owned())
    }

    fn bad(&self, name: &str, why: &str) -> Error {
        let place = self.arguments.with_source(name).map(|(_, source): (_, &Source)| format!(" in {source}"));
        Error::invalid(format!("`{name}`{} {why}; nothing was done", place.unwrap_or_default()))
    }

    fn required(&self, name: &str) -> Result<String> {
        let missing = || {
            Error::invalid(format!("`{name}` is not set; nothing was done"))
                .hint(format!("set it in the backend block, or pass `-backend-config={name}=…`"))
        };
        let value = self.given(name).ok_or_else(missing)?;
        if value.trim().is_empty() { Err(self.bad(name, "is blank")) } else { Ok(value) }
    }

    fn key(&self) -> Result<String> {
        let key = self.required("key")?;
        if key.starts_with('/') || key.ends_with('/') {
            return Err(self.bad("key", "must not begin or end with `/`"));
        }
        if key.contains("//") {
            return Err(self.bad("key", "must not contain `//`"));
        }
        Ok(key)
    }

    fn prefix(&self) -> Result<String> {
        let prefix = self.given("workspace_key_prefix").unwrap_or_else(|| "env:".to_owned());
        if prefix.starts_with('/') || prefix.ends_with('/') {
            return Err(self.bad("workspace_key_prefix", "must not begin or end with `/`"));
        }
        Ok(prefix)
    }

    /// A path with a leading `~` and `$VARIABLES` replaced.
    fn path(&self, path: &str) -> PathBuf {
        let home = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let path = match (home, self.env.var("HOME")) {
            (Some(rest), Some(home)) => format!("{home}{rest}"),
            _ => path.to_owned(),
        };
        PathBuf::from(self.with_variables(&path))
    }

    /// `$NAME` and `${NAME}` replaced by their values, unset ones by nothing, as Go does.
    fn with_variables(&self, text: &str) -> String {
        let mut pieces = text.split('$');
        let mut result = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let braced = piece.strip_prefix('{').and_then(|piece| piece.split_once('}'));
            let (name, rest) = braced.unwrap_or_else(|| {
                let end = piece.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
                piece.split_at(end.unwrap_or(piece.len()))
            });
            result.push_str(self.env.var(name).unwrap_or_default());
            result.push_str(rest);
        }
        result
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.credential_warnings();
        warnings.extend(self.transport_warnings());
        warnings
    }

    fn deprecations(&self) -> Vec<String> {
        let replaced = self.arguments.iter().filter_map(|(name, _, source)| {
            let new = super::attributes::attribute(name)?.replaced_by?;
            Some(format!("`{name}` in {source} is out of date: use `{new}`"))
        });
        replaced.collect()
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn texts_by_name(value: &Value) -> BTreeMap<String, String> {
    let Value::Map(members) = value else { return BTreeMap::new() };
    let texts = members.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    texts.collect()
}

#[cfg(test)]
#[path = "backend_tests.rs"]
mod tests;
