//! Backends of one process: those that may share connections and credentials do.

use std::sync::{Mutex, PoisonError};

use s3tate::config::{Arguments, BackendConfig};
use s3tate::lock::Keeper;
use s3tate::{Backend, Env, Result};

/// Backends that were opened, one for each set of credentials and each way of travelling.
#[derive(Debug)]
pub(crate) struct Backends {
    env: Env,
    keeper: Keeper,
    opened: Mutex<Vec<Backend>>,
}

impl Backends {
    /// Backends whose writes this keeper knows of.
    pub(crate) fn new(env: Env, keeper: Keeper) -> Self {
        Self { env, keeper, opened: Mutex::default() }
    }

    /// The surroundings in use.
    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    /// Opens a backend; nothing is sent yet.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: what is wrong with the arguments.
    pub(crate) fn open(&self, arguments: &Arguments) -> Result<Backend> {
        let config = BackendConfig::new(arguments, &self.env)?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(beside) = opened.iter().find(|backend| backend.shares_with(&config)) {
            return beside.beside(config);
        }
        let backend = Backend::new(config, self.env.clone())?.with_keeper(self.keeper.clone());
        opened.push(backend.clone());
        Ok(backend)
    }
}
