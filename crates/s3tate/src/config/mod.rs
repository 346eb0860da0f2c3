//! Configuration: the attribute table, blocks, options, the cache of `terraform init`, and what they resolve to.

pub mod attributes;
mod backend;
pub mod cache;
mod hash;
pub mod hcl;
mod json;
mod literal;
pub mod partial;
mod resolve;
pub mod secret;
mod url;
pub mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub use backend::{BackendConfig, Credentials, Encryption, Endpoints};
pub use hash::block_hash;
pub use resolve::{Request, Resolved, resolve};

use crate::error::{Error, Result};
use attributes::{ATTRIBUTES, Attribute, attribute, nearest};
use value::{Value, convert};

/// Where an argument's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A line of a file, from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
    /// A `-backend-config NAME=VALUE` option.
    Option,
    /// The cache that `init` left.
    Cache(PathBuf),
    /// A `-state` URL.
    Url,
    /// An environment variable.
    Env(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Option => f.write_str("option -backend-config"),
            Self::Cache(path) => write!(f, "{}", path.display()),
            Self::Url => f.write_str("option -state"),
            Self::Env(name) => write!(f, "variable {name}"),
        }
    }
}

/// One argument as it was given, not yet checked against the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The attribute's name.
    pub name: String,
    /// Its literal value.
    pub value: Value,
    /// Where it was given.
    pub source: Source,
}

/// Arguments checked against the attribute table: known names, converted values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments(BTreeMap<&'static str, (Value, Source)>);

impl Arguments {
    /// Checks and converts arguments; later ones win.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: an unknown name (with the nearest known one) or an unfit value.
    pub fn check(arguments: impl IntoIterator<Item = Argument>) -> Result<Self> {
        let mut checked = Self::default();
        for argument in arguments {
            let attribute = known(&argument)?;
            let value = convert(argument.value, attribute.kind).map_err(|why| {
                Error::invalid(format!("argument `{}` in {} doesn't fit", argument.name, argument.source))
                    .fact("cause", why)
            })?;
            checked.0.insert(attribute.name, (value, argument.source));
        }
        Ok(checked)
    }

    /// Lays other arguments over these; whole attributes are replaced.
    pub fn extend(&mut self, over: Self) {
        self.0.extend(over.0);
    }

    /// The value of an attribute that is set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.with_source(name).map(|(value, _)| value)
    }

    /// The value of an attribute that is set, and where from.
    pub fn with_source(&self, name: &str) -> Option<(&Value, &Source)> {
        self.0.get(name).filter(|(value, _)| !value.is_null()).map(|(value, source)| (value, source))
    }

    /// Every attribute that is set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value, &Source)> {
        self.0
            .iter()
            .filter(|(_, (value, _))| !value.is_null())
            .map(|(name, (value, source))| (*name, value, source))
    }

    /// Names whose values differ between these and others, an unset one equal to null.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let names = ATTRIBUTES.iter().map(|attribute| attribute.name);
        names.filter(|name| self.get(name) != other.get(name)).collect()
    }
}

fn known(argument: &Argument) -> Result<&'static Attribute> {
    attribute(&argument.name).ok_or_else(|| {
        let message =
            format!("unknown argument `{}` in {}; nothing was done", argument.name, argument.source);
        let error = Error::invalid(message);
        match nearest(&argument.name, ATTRIBUTES) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("remove it: backend \"s3\" has no argument of that name"),
        }
    })
}

#[cfg(test)]
pub(crate) mod testing {
    use tempfile::TempDir;

    /// A directory with the given files.
    pub(crate) fn directory(files: &[(&str, &str)]) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }
}
