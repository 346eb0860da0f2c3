//! What a command works on: directory, workspace, backend.

use std::path::{Path, PathBuf};

use s3tate::config::{BackendConfig, Dialect, Request, Resolved, Variables, resolve_as};
use s3tate::migrate::{End, Surroundings};
use s3tate::{Backend, Env, Error, Result, Workspace, WorkspaceName};

use crate::cli::Global;
use crate::signals::Signals;
use crate::ui;

/// The last part of a key that only completes a prefix.
const STAND_IN: &str = "state";

/// Surroundings and options of one run.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) env: Env,
    pub(crate) signals: Signals,
    global: Global,
}

impl Context {
    pub(crate) fn new(env: Env, global: Global, signals: Signals) -> Self {
        Self { env, signals, global }
    }

    /// Where Terraform keeps what belongs to the working directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        PathBuf::from(self.env.var("TF_DATA_DIR").unwrap_or(".terraform"))
    }

    /// Whether `-backend-config` options were given.
    pub(crate) fn has_options(&self) -> bool {
        !self.global.backend_config.is_empty()
    }

    /// The options that name the same state in another command; empty, or with a leading space.
    pub(crate) fn options_to_repeat(&self) -> String {
        self.global.to_repeat()
    }

    /// Whether a state is named by its URL.
    pub(crate) fn has_url(&self) -> bool {
        !self.global.state.is_empty()
    }

    /// Whether neither option nor variable speaks against colours.
    pub(crate) fn may_colour(&self) -> bool {
        !self.global.no_color && self.env.var("NO_COLOR").is_none()
    }

    /// Whether several states are named by their URLs.
    pub(crate) fn has_several_states(&self) -> bool {
        self.global.state.len() > 1
    }

    /// What was given for variables.
    pub(crate) fn variables(&self) -> Variables {
        Variables { files: self.global.var_file.clone(), pairs: self.global.var.clone() }
    }

    /// Resolves the configuration; `init` leaves the cache out.
    pub(crate) fn resolve(&self, use_cache: bool) -> Result<Resolved> {
        if self.global.state.len() > 1 {
            return Err(Error::invalid(
                "several states are named, and this command works on one; nothing was done",
            )
            .hint("give `-state` once; `s3tate output` takes several"));
        }
        self.resolve_for(self.global.state.first().map(String::as_str), use_cache)
    }

    /// The states that are named by URLs. Those with the same credentials and endpoints share connections.
    pub(crate) fn named_states(&self) -> Result<Vec<Workspace>> {
        let mut backends: Vec<Backend> = Vec::new();
        for url in &self.global.state {
            let config = BackendConfig::new(&self.resolve_for(Some(url), true)?.arguments, &self.env)?;
            let backend = match backends.first() {
                Some(first) => first.beside(config)?,
                None => self.backend_with(config)?,
            };
            backends.push(backend);
        }
        let default = WorkspaceName::default_name;
        Ok(backends.into_iter().map(|backend| backend.workspace(default())).collect())
    }

    /// The default workspace of a state that is named by its URL.
    pub(crate) fn workspace_at(&self, url: &str) -> Result<Workspace> {
        let backend = self.backend_of(&self.resolve_for(Some(url), false)?)?;
        Ok(backend.workspace(WorkspaceName::default_name()))
    }

    /// One end of a migration.
    pub(crate) fn end(&self, text: &str) -> Result<End> {
        let around = Surroundings {
            env: &self.env,
            keeper: &self.signals.keeper(),
            backend_config: &self.global.backend_config,
            variables: &self.variables(),
            data_dir: &self.data_dir(),
        };
        End::find(text, &around)
    }

    fn resolve_for(&self, state: Option<&str>, use_cache: bool) -> Result<Resolved> {
        let variables = self.variables();
        let everywhere = self.env.var("S3TATE_DIALECT") == Some("opentofu");
        let request = Request {
            directory: Path::new("."),
            data_dir: &self.data_dir(),
            backend_config: &self.global.backend_config,
            state,
            use_cache,
        };
        resolve_as(&Dialect { everywhere, variables: &variables, env: &self.env }, &request)
    }

    /// The backend that the configuration names.
    pub(crate) fn backend(&self) -> Result<Backend> {
        self.backend_of(&self.resolve(true)?)
    }

    /// The backend of a resolved configuration.
    pub(crate) fn backend_of(&self, resolved: &Resolved) -> Result<Backend> {
        self.backend_with(BackendConfig::new(&resolved.arguments, &self.env)?)
    }

    fn backend_with(&self, config: BackendConfig) -> Result<Backend> {
        for warning in &config.warnings {
            ui::warn(warning);
        }
        let backend = Backend::new(config, self.env.clone())?.with_keeper(self.signals.keeper());
        let backend = backend.remembering_in(&self.data_dir());
        Ok(match self.global.keep {
            Some(number) => backend.keeping(number),
            None => backend,
        })
    }

    /// A backend and the prefix of the states that a command is about: of a `-state` URL that ends with a slash, and of
    /// the command's own option. `None` where neither is given.
    pub(crate) fn below(&self, prefix: Option<&str>) -> Result<Option<(Backend, String)>> {
        let url = self.global.state.first().filter(|_| !self.has_several_states());
        match url.map(|url| url.split_once('?').unwrap_or((url, ""))) {
            Some((place, query)) if place.ends_with('/') => {
                // A backend has a key; this one stands in for those below the prefix.
                let resolved = self.resolve_for(Some(&format!("{place}{STAND_IN}?{query}")), true)?;
                let backend = self.backend_of(&resolved)?;
                let below = backend.config().key.as_str().strip_suffix(STAND_IN).unwrap_or_default();
                let below = format!("{below}{}", prefix.unwrap_or_default());
                Ok(Some((backend, below)))
            }
            _ => prefix.map(|prefix| Ok((self.backend()?, prefix.to_owned()))).transpose(),
        }
    }

    /// The current workspace: `TF_WORKSPACE`, else the environment file, else `default`.
    ///
    /// A state named by its URL is named whole, so it is always the default one.
    pub(crate) fn workspace_name(&self) -> Result<WorkspaceName> {
        if self.has_url() {
            return Ok(WorkspaceName::default_name());
        }
        if let Some(name) = self.env.var("TF_WORKSPACE") {
            return WorkspaceName::new(name).map_err(|error| error.fact("from", "variable TF_WORKSPACE"));
        }
        let file = self.environment_file();
        match std::fs::read_to_string(&file) {
            Ok(text) if text.trim().is_empty() => Ok(WorkspaceName::default_name()),
            Ok(text) => WorkspaceName::new(text.trim())
                .map_err(|error| error.fact("from", file.display().to_string())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(WorkspaceName::default_name()),
            Err(cause) => Err(Error::invalid(format!("can't read `{}`", file.display())).with_source(cause)),
        }
    }

    /// Makes a workspace the current one of this directory.
    pub(crate) fn select(&self, name: &WorkspaceName) -> Result<()> {
        let file = self.environment_file();
        let written =
            std::fs::create_dir_all(self.data_dir()).and_then(|()| std::fs::write(&file, name.as_str()));
        written
            .map_err(|cause| Error::invalid(format!("can't write `{}`", file.display())).with_source(cause))
    }

    fn environment_file(&self) -> PathBuf {
        self.data_dir().join("environment")
    }

    /// The current workspace of the configured backend.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        Ok(self.backend()?.workspace(self.workspace_name()?))
    }
}
