//! Configuration: the attribute table, blocks, options, the cache of `terraform init`, and what they resolve to.

pub mod attributes;
mod backend;
pub mod cache;
mod checks;
mod explain;
mod hash;
pub mod hcl;
mod json;
mod literal;
pub mod partial;
mod release;
mod resolve;
pub mod secret;
mod source;
mod statics;
mod url;
mod validate;
pub mod value;
mod variables;

use std::collections::BTreeMap;

pub use backend::{
    AccountFrom, AssumeRole, BackendConfig, Container, Credentials, Encryption, Endpoints, Metadata, Profile,
    Proxy, StaticKeys, Token, Transport, WebIdentity,
};
pub use explain::{Effective, effective};
pub use hash::{block_hash, is_made_from, release_of};
pub(crate) use literal::{evaluate as evaluate_literal, from_json};
pub use release::Release;
pub use resolve::{Dialect, Request, Resolved, resolve, resolve_as};
pub use source::{Place, Source};
pub(crate) use statics::Statics;
pub use statics::Variables;
pub use validate::validate;

use crate::error::{Error, Result};
use crate::problem::Problem;
use attributes::{ATTRIBUTES, Attribute, attribute, nearest};
use value::{Value, convert};

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
    /// [`crate::ErrorKind::Invalid`], with the problems known before and every one found here: unknown names (with the
    /// nearest known one), wrong types, and then also values that would be refused later.
    pub fn check(arguments: impl IntoIterator<Item = Argument>, mut problems: Vec<Problem>) -> Result<Self> {
        let mut checked = Self::default();
        for argument in arguments {
            match convert_known(argument) {
                Ok((name, value, source)) => drop(checked.0.insert(name, (value, source))),
                Err(problem) => problems.push(*problem),
            }
        }
        if problems.is_empty() {
            return Ok(checked);
        }
        problems.extend(validate::unfit(&checked));
        problems.sort_by_key(|problem| problem.place.as_ref().map(Place::line));
        Err(Error::of_problems(problems))
    }

    /// What is wrong with the values that are set, each by itself and two beside each other; required ones may be missing.
    pub fn unfit(&self) -> Vec<Problem> {
        validate::unfit(self)
    }

    /// Lays other arguments over these; whole attributes are replaced.
    pub fn extend(&mut self, over: Self) {
        self.0.extend(over.0);
    }

    /// Takes over where others give the same value: a line of a block says more than the cache.
    fn take_places(&mut self, from: &Self) {
        for (name, (value, source)) in &mut self.0 {
            if let Some((_, place)) = from.0.get(name).filter(|(given, _)| given == value) {
                *source = place.clone();
            }
        }
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

fn convert_known(argument: Argument) -> Result<(&'static str, Value, Source), Box<Problem>> {
    let Argument { name, value, source } = argument;
    let Some(attribute) = attribute(&name) else {
        let problem = Problem::new(format!("unknown argument `{name}` in {source}")).at(&source).about(&name);
        return Err(Box::new(match nearest(&name, ATTRIBUTES) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("remove it: backend \"s3\" has no argument of that name"),
        }));
    };
    match convert(value, attribute.kind) {
        Ok(value) => Ok((attribute.name, value, source)),
        Err(why) => {
            let message = format!("argument `{name}` in {source} doesn't fit");
            let problem = located(attribute, &source, message).about(name);
            Err(Box::new(problem.why(why)))
        }
    }
}

/// A problem with an attribute, at its place unless that would show a secret.
pub(crate) fn located(attribute: &Attribute, source: &Source, message: String) -> Problem {
    let problem = Problem::new(message);
    if attribute.secret { problem } else { problem.at(source) }
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
