//! An end of a migration as it is named: a URL, a path, an address, or the directory of a configuration.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::file::StateFile;
use super::http::{Given, HttpSettings, StateServer};
use super::place::{Kept, Place, workspace_file};
use crate::backend::Backend;
use crate::config::attributes::attribute;
use crate::config::hcl::{BackendBlock, find_backend};
use crate::config::value::Value;
use crate::config::{Arguments, BackendConfig, Dialect, Request, Variables, cache, resolve_as};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Keeper;
use crate::names::WorkspaceName;

/// The state file of a local backend, and the directory of its other workspaces.
const STATE: &str = "terraform.tfstate";
const WORKSPACES: &str = "terraform.tfstate.d";
/// Before a path: the local states of a directory, whatever backend its configuration names.
const LOCAL: &str = "local:";

/// What the ends of a migration are made from.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Variables, clock and names.
    pub env: &'a Env,
    /// Knows of the locks that are held.
    pub keeper: &'a Keeper,
    /// `-backend-config` options; they are about the configuration of the working directory.
    pub backend_config: &'a [String],
    /// What was given for variables.
    pub variables: &'a Variables,
    /// The working directory's data directory, usually `.terraform`.
    pub data_dir: &'a Path,
}

/// A backend of any kind, with its workspaces.
#[derive(Debug, Clone)]
pub struct End {
    /// How it was named, without what may be secret.
    name: String,
    kind: Kind,
    env: Env,
    keeper: Keeper,
}

#[derive(Debug, Clone)]
enum Kind {
    S3 { backend: Box<Backend>, arguments: Arguments },
    Local { path: PathBuf, workspaces: Option<PathBuf> },
    Http(Box<StateServer>),
}

impl End {
    /// Finds out what a text names; nothing is sent, and nothing is made.
    ///
    /// - `s3://BUCKET/KEY?region=…`: the backend with that key, other workspaces below its `workspace_key_prefix`;
    /// - `http://…` or `https://…`: a state server; `{workspace}` stands for a workspace's name, and behind a `#` come
    ///   other attributes of the block;
    /// - a directory with a backend block, or with what `init` left: that backend;
    /// - any other directory, or `local:DIRECTORY`: the local states in it;
    /// - a file, or a path that ends with `.tfstate`: that one state.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: it names nothing of that kind, or a configuration can't be used.
    pub fn find(text: &str, around: &Surroundings<'_>) -> Result<Self> {
        let kind = if text.starts_with("s3://") {
            s3(Path::new("."), Some(text), &[], around)?
        } else if text.starts_with("http://") || text.starts_with("https://") {
            http(HttpSettings::at(text, around.env)?, around)?
        } else if let Some(directory) = text.strip_prefix(LOCAL) {
            local(Path::new(directory))
        } else {
            path(text, around)?
        };
        let name = text.split(['?', '#']).next().unwrap_or_default();
        let name = if let Kind::Http(server) = &kind { server.settings().shown() } else { name.to_owned() };
        Ok(Self { name, kind, env: around.env.clone(), keeper: around.keeper.clone() })
    }

    /// How it was named, without what may be secret.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells it from other ends in a journal: the name, and for S3 also where locks are kept.
    pub(super) fn identity(&self) -> String {
        let Kind::S3 { backend, .. } = &self.kind else { return self.name.clone() };
        let config = backend.config();
        let mut text = format!("s3://{}/{}", config.bucket, config.key);
        if let Some(table) = &config.table {
            text = format!("{text} table={table}");
        }
        if config.use_lockfile { text + " lockfile" } else { text }
    }

    /// Whether it is local states that stock `init` finds in the directory of a configuration, and asks about.
    pub fn is_local(&self) -> bool {
        matches!(self.kind, Kind::Local { .. })
    }

    /// The workspaces that have a state, or may have one: `default` first, then the others bytewise.
    ///
    /// # Errors
    /// Failures of the store. [`ErrorKind::Invalid`]: a state server can't tell which there are.
    pub(super) async fn workspaces(&self) -> Result<Vec<WorkspaceName>> {
        let default = vec![WorkspaceName::default_name()];
        match &self.kind {
            Kind::S3 { backend, .. } => backend.workspaces().await,
            Kind::Local { workspaces: Some(directory), .. } => {
                Ok(default.into_iter().chain(directories(directory)?).collect())
            }
            Kind::Http(server) if server.settings().has_workspaces() => Err(Error::invalid(format!(
                "`{}` can't tell which workspaces there are; nothing was done",
                self.name
            ))
            .hint("name them: `-workspace=default -workspace=dev …`")),
            Kind::Local { workspaces: None, .. } | Kind::Http(_) => Ok(default),
        }
    }

    /// The state of a workspace.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: there is one workspace only, and this is another.
    pub(super) fn place(&self, name: &WorkspaceName) -> Result<Place> {
        let kept = match &self.kind {
            Kind::S3 { backend, .. } => Kept::S3(Box::new(backend.workspace(name.clone()))),
            Kind::Local { path, workspaces: Some(directory) } => {
                Kept::File(StateFile::new(workspace_file(path, directory, name)))
            }
            Kind::Local { path, workspaces: None } if name.is_default() => {
                Kept::File(StateFile::new(path.clone()))
            }
            Kind::Http(server) if name.is_default() || server.settings().has_workspaces() => {
                Kept::Http(Box::new(server.state(name)))
            }
            Kind::Local { .. } => return Err(self.one_only(name, "name a directory: one for all workspaces")),
            Kind::Http(_) => {
                return Err(
                    self.one_only(name, "put `{workspace}` into its addresses, where the name belongs")
                );
            }
        };
        Ok(Place { name: name.clone(), kept, keeper: self.keeper.clone(), env: self.env.clone() })
    }

    fn one_only(&self, name: &WorkspaceName, hint: &str) -> Error {
        let message = format!(
            "`{}` is one state, and has no place for workspace `{name}`; nothing was done",
            self.name
        );
        Error::invalid(message).hint(hint)
    }

    /// The backend block that names it, without credentials.
    pub fn block(&self) -> String {
        match &self.kind {
            Kind::S3 { arguments, .. } => s3_block(arguments),
            Kind::Http(server) => server.settings().block(),
            Kind::Local { path, workspaces } => {
                let mut lines = format!("    path = {:?}\n", path.display().to_string());
                let beside = path.with_file_name(WORKSPACES);
                if let Some(other) = workspaces
                    .as_ref()
                    .filter(|other| **other != beside || path.parent() != Some(Path::new("")))
                {
                    // Writing to a `String` can't fail.
                    let _ = writeln!(lines, "    workspace_dir = {:?}", other.display().to_string());
                }
                format!("terraform {{\n  backend \"local\" {{\n{lines}  }}\n}}\n")
            }
        }
    }

    /// What has to be known of it besides: attributes that hold a secret are left out of the block.
    pub fn has_secrets(&self) -> bool {
        match &self.kind {
            Kind::S3 { arguments, .. } => cache::has_secret(arguments),
            Kind::Http(server) => server.settings().has_credentials(),
            Kind::Local { .. } => false,
        }
    }
}

fn s3(directory: &Path, url: Option<&str>, options: &[String], around: &Surroundings<'_>) -> Result<Kind> {
    let everywhere = around.env.var("S3TATE_DIALECT") == Some("opentofu");
    let data_dir = data_dir(directory, around);
    let request =
        Request { directory, data_dir: &data_dir, backend_config: options, state: url, use_cache: true };
    let dialect = Dialect { everywhere, variables: around.variables, env: around.env };
    let arguments = resolve_as(&dialect, &request)?.arguments;
    let config = BackendConfig::new(&arguments, around.env)?;
    let backend = Backend::new(config, around.env.clone())?.with_keeper(around.keeper.clone());
    Ok(Kind::S3 { backend: Box::new(backend.remembering_in(around.data_dir)), arguments })
}

fn http(settings: HttpSettings, around: &Surroundings<'_>) -> Result<Kind> {
    Ok(Kind::Http(Box::new(StateServer::new(settings, around.env.clone())?)))
}

fn local(directory: &Path) -> Kind {
    let below =
        |name: &str| if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) };
    Kind::Local { path: below(STATE), workspaces: Some(below(WORKSPACES)) }
}

/// Whether a directory is the working directory, to which options and `TF_DATA_DIR` belong.
fn is_here(directory: &Path) -> bool {
    directory.components().all(|part| part == std::path::Component::CurDir)
}

fn data_dir(directory: &Path, around: &Surroundings<'_>) -> PathBuf {
    if is_here(directory) { around.data_dir.to_owned() } else { directory.join(".terraform") }
}

fn path(text: &str, around: &Surroundings<'_>) -> Result<Kind> {
    let path = Path::new(text);
    if path.is_dir() {
        return directory(path, around);
    }
    if path.is_file() || text.ends_with(".tfstate") {
        return Ok(Kind::Local { path: path.to_owned(), workspaces: None });
    }
    if text.ends_with('/') {
        return Ok(local(path));
    }
    Err(Error::invalid(format!("`{text}` is no directory and no file; nothing was done")).hint(
        "name a state `s3://BUCKET/KEY?region=REGION`, `https://HOST/PATH` or `FILE.tfstate`, a directory with a \
         configuration, or a new directory with a slash behind it",
    ))
}

fn directory(directory: &Path, around: &Surroundings<'_>) -> Result<Kind> {
    let cached = cache::read(&data_dir(directory, around))?;
    let block = find_backend(directory)?;
    let kind = block.as_ref().map(|block| block.kind.clone()).or(cached.map(|cached| cached.kind));
    match kind.as_deref() {
        Some("s3") => {
            s3(directory, None, if is_here(directory) { around.backend_config } else { &[] }, around)
        }
        Some("http") => {
            http(HttpSettings::new(&given(block, "http", directory, around)?, around.env)?, around)
        }
        Some("local") => {
            let given = given(block, "local", directory, around)?;
            let named = |name: &str, default: &str| {
                let text = given.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                directory.join(text.unwrap_or(default))
            };
            Ok(Kind::Local {
                path: named("path", STATE),
                workspaces: Some(named("workspace_dir", WORKSPACES)),
            })
        }
        Some(other) => Err(Error::invalid(format!(
            "the backend in `{}` is \"{other}\", which `migrate` can't read; nothing was done",
            directory.display()
        ))
        .hint("`terraform state pull` gives its state as a file; `local:DIRECTORY` names local states")),
        None => Ok(local(directory)),
    }
}

/// The arguments of a block, over those that `init` was given besides.
fn given(
    block: Option<BackendBlock>,
    kind: &str,
    directory: &Path,
    around: &Surroundings<'_>,
) -> Result<Given> {
    let mut given: Given = cached(kind, &data_dir(directory, around));
    let Some(block) = block else { return Ok(given) };
    if !block.problems.is_empty() {
        return Err(Error::of_problems(block.problems));
    }
    given.extend(block.arguments.into_iter().map(|argument| (argument.name, argument.value)));
    Ok(given)
}

/// What the cache of `init` holds of a backend of this kind; nothing where there is none.
fn cached(kind: &str, data_dir: &Path) -> Given {
    let text = std::fs::read(cache::path(data_dir)).unwrap_or_default();
    let document: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let backend = &document["backend"];
    if backend["type"].as_str() != Some(kind) {
        return Given::new();
    }
    let members = backend["config"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    members.map(|(name, value)| (name.clone(), crate::config::from_json(value))).collect()
}

/// The workspaces that have a directory of their own.
fn directories(directory: &Path) -> Result<BTreeSet<WorkspaceName>> {
    let failed = |cause: std::io::Error| {
        Error::invalid(format!("can't list `{}`; nothing was done", directory.display())).with_source(cause)
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_one = entry.path().join(STATE).is_file();
        let name = entry.file_name().to_string_lossy().into_owned();
        match WorkspaceName::new(name) {
            Ok(name) if is_one && !name.is_default() => drop(names.insert(name)),
            // Stock clients can't have made it, and S3 could not take it.
            Err(error) if is_one => return Err(error.fact("directory", entry.path().display().to_string())),
            _ => {}
        }
    }
    Ok(names)
}

fn s3_block(arguments: &Arguments) -> String {
    let mut lines = String::new();
    for (name, value, _) in arguments.iter() {
        let secret = attribute(name).is_some_and(|attribute| attribute.secret);
        if !secret {
            // Writing to a `String` can't fail.
            let _ = writeln!(lines, "    {name} = {}", hcl(value));
        }
    }
    format!("terraform {{\n  backend \"s3\" {{\n{lines}  }}\n}}\n")
}

/// A value as it stands in a block.
fn hcl(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.clone(),
        Value::String(text) => format!("{text:?}").replace("${", "$${").replace("%{", "%%{"),
        Value::List(items) => format!("[{}]", items.iter().map(hcl).collect::<Vec<_>>().join(", ")),
        Value::Map(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let members = members.map(|(name, value)| format!("{name:?} = {}", hcl(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The error where neither end is what a migration is between.
pub(super) fn same_place(from: &End, to: &End) -> Error {
    let message = format!(
        "`{}` and `{}` are the same states with the same locks; nothing was done",
        from.name, to.name
    );
    Error::new(ErrorKind::Invalid, message).hint("name another destination, or other locks")
}
