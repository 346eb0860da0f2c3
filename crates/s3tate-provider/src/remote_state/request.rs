//! What a block asks for.

use std::collections::BTreeMap;

use s3tate::config::Argument;
use s3tate::state::Type;
use s3tate::{Workspace, WorkspaceName};

use crate::arguments::{self, Configuration};
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::Diagnostic;
use crate::value::Value;

/// Where a state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In a bucket.
    S3,
    /// In a file.
    Local,
}

/// A block's arguments; what is unknown yet counts as left out.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) config: Value,
    pub(crate) workspace: Option<String>,
    pub(crate) defaults: BTreeMap<String, (Type, Value)>,
    pub(crate) only: Option<Vec<String>>,
    pub(crate) version: Option<String>,
    pub(crate) allow_missing: bool,
    pub(crate) separate_sensitive: bool,
}

impl Request {
    /// Takes a block apart.
    ///
    /// # Errors
    /// Values that no state could be read by, each at its argument.
    pub(crate) fn parse(block: &Value) -> Result<Self, Vec<Diagnostic>> {
        let none = BTreeMap::new();
        let members = if let Value::Mapping(members) = block { members } else { &none };
        let get = |name: &str| members.get(name).unwrap_or(&Value::Null);
        let text = |name| match get(name) {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        let flag = |name| *get(name) == Value::Bool(true);
        let mut problems = Vec::new();
        let kind = kind(text("backend").as_deref()).unwrap_or_else(|problem| {
            problems.push(problem);
            Kind::S3
        });
        let defaults = defaults(get("defaults")).unwrap_or_else(|problem| {
            problems.push(problem);
            BTreeMap::new()
        });
        let request = Self {
            kind,
            config: get("config").clone(),
            workspace: text("workspace"),
            defaults,
            only: names(get("only")),
            version: text("version_id"),
            allow_missing: flag("allow_missing"),
            separate_sensitive: flag("separate_sensitive"),
        };
        problems.extend(request.contradictions());
        if problems.is_empty() { Ok(request) } else { Err(problems) }
    }

    fn contradictions(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        if self.workspace.as_deref() == Some("") {
            let detail = "Leave it out to read the workspace `default`.";
            problems.push(diagnostics::error(Path::of("workspace"), "the workspace is empty", detail));
        }
        if self.version.is_some() && self.kind == Kind::Local {
            let detail = "Only buckets keep versions.";
            let summary = "a state of the backend `local` has no versions";
            problems.push(diagnostics::error(Path::of("version_id"), summary, detail));
        }
        problems
    }

    /// Opens the workspace in its bucket; nothing is sent yet.
    ///
    /// # Errors
    /// What is wrong with the arguments, each at its own.
    pub(crate) fn open(
        &self,
        provider: &Configuration,
        backends: &Backends,
    ) -> Result<Workspace, Vec<Diagnostic>> {
        let arguments = provider.with(&self.config)?;
        let in_config = |error: s3tate::Error| diagnostics::of_error(&error, &Path::of("config"));
        let backend = backends.open(&arguments).map_err(in_config)?;
        let name = self.workspace.as_deref().unwrap_or("default");
        let name = WorkspaceName::new(name)
            .map_err(|error| diagnostics::of_error(&error, &Path::of("workspace")))?;
        Ok(backend.workspace(name))
    }

    /// The backend's arguments as they stand.
    pub(crate) fn literal_config(&self) -> Vec<Argument> {
        arguments::literals(self.config.inner())
    }
}

fn kind(backend: Option<&str>) -> Result<Kind, Diagnostic> {
    match backend {
        None | Some("s3") => Ok(Kind::S3),
        Some("local") => Ok(Kind::Local),
        Some(other) => {
            let summary = format!("states of the backend `{other}` can't be read");
            let detail =
                "This data source reads those of `s3` and `local`; keep `terraform_remote_state` for others.";
            Err(diagnostics::error(Path::of("backend"), summary, detail))
        }
    }
}

fn names(list: &Value) -> Option<Vec<String>> {
    let Value::Sequence(names) = list else { return None };
    let text = |name: &Value| match name {
        Value::String(name) => name.clone(),
        _ => String::new(),
    };
    Some(names.iter().map(text).collect())
}

/// Defaults with their types, from an object or a map.
fn defaults(given: &Value) -> Result<BTreeMap<String, (Type, Value)>, Diagnostic> {
    let wrong = || {
        let detail = "It holds values for outputs that the state lacks, by their names.";
        diagnostics::error(Path::of("defaults"), "`defaults` must be an object or a map", detail)
    };
    let Value::Dynamic(typed) = given else { return Ok(BTreeMap::new()) };
    let (ty, value) = &**typed;
    let members = match value {
        Value::Mapping(members) => members,
        Value::Unknown if matches!(ty, Type::Object(_) | Type::Map(_) | Type::Dynamic) => {
            return Ok(BTreeMap::new());
        }
        _ => return Err(wrong()),
    };
    let ty_of = |name: &str| match ty {
        Type::Object(types) => types.get(name).cloned(),
        Type::Map(element) => Some((**element).clone()),
        _ => None,
    };
    let default = |(name, value): (&String, &Value)| {
        let ty = ty_of(name).ok_or_else(wrong)?;
        Ok((name.clone(), concrete(ty, value)))
    };
    members.iter().map(default).collect()
}

/// A value that brings its type along, without the wrapping.
fn concrete(ty: Type, value: &Value) -> (Type, Value) {
    match value {
        Value::Dynamic(typed) if ty == Type::Dynamic => (typed.0.clone(), typed.1.clone()),
        value => (ty, value.clone()),
    }
}
