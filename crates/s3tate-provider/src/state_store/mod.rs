//! `state_store "s3tate_s3"`: the backend itself, for clients that keep their state through a provider.
//!
//! Keys, locks and digests are those of the backend `s3`, so both can work on the same states. Clients that have it mark
//! it as an experiment.

mod chunks;
mod schema;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use s3tate::lock::LockOptions;
use s3tate::{Backend, Error, Snapshot, Workspace, WorkspaceName};

use crate::arguments::Configuration;
use crate::backends::Backends;
use crate::diagnostics::{self, Path};
use crate::proto::tfplugin6::{Diagnostic, DynamicValue, read_state_bytes, write_state_bytes};
use crate::sources::decode;
use crate::value::Value;
use chunks::Assembly;
pub(crate) use schema::schema;

/// The name of the type.
pub(crate) const TYPE: &str = "s3tate_s3";
/// The argument that says how long a lock is waited for; the client's own option doesn't reach providers.
const LOCK_TIMEOUT: &str = "lock_timeout";

type Told<T> = Result<T, Vec<Diagnostic>>;

/// The store of a process; empty until it is configured.
#[derive(Debug, Default)]
pub(crate) struct Slot(RwLock<Option<Arc<Store>>>);

/// A store that is configured.
#[derive(Debug)]
pub(crate) struct Store {
    backend: Backend,
    chunk_bytes: i64,
    lock_timeout: Duration,
    /// What was read or written last of each state, without its bytes: what the next write replaces.
    bases: Mutex<BTreeMap<String, Snapshot>>,
}

/// The piece size that is told in every answer, whatever else is in it: clients crash without it.
pub(crate) fn agreed(proposed: Option<i64>) -> i64 {
    chunks::agreed(proposed)
}

/// Checks a store's configuration over the provider's; nothing is sent.
///
/// # Errors
/// What is wrong with it, each at its argument.
fn checked(
    type_name: &str,
    config: Option<&DynamicValue>,
    provider: &Configuration,
    backends: &Backends,
) -> Told<(Backend, Duration)> {
    known(type_name)?;
    let Value::Mapping(mut members) = decode(&schema::object_type(), config)? else {
        return Err(failed("there is no configuration", ""));
    };
    let timeout = match members.remove(LOCK_TIMEOUT) {
        Some(Value::String(text)) => s3tate::parse_duration(&text)
            .map_err(|error| diagnostics::of_error(&error, &Path::of(LOCK_TIMEOUT)))?,
        _ => Duration::ZERO,
    };
    let arguments = provider.with_store(&Value::Mapping(members))?;
    let backend = backends.open(&arguments).map_err(|error| told(&error))?;
    Ok((backend, timeout))
}

/// What is wrong with a store's configuration.
pub(crate) fn validate(
    type_name: &str,
    config: Option<&DynamicValue>,
    provider: &Configuration,
    backends: &Backends,
) -> Vec<Diagnostic> {
    checked(type_name, config, provider, backends).err().unwrap_or_default()
}

impl Slot {
    /// Takes the place of an earlier configuration.
    pub(crate) fn configure(
        &self,
        type_name: &str,
        config: Option<&DynamicValue>,
        chunk_bytes: i64,
        provider: &Configuration,
        backends: &Backends,
    ) -> Vec<Diagnostic> {
        let (backend, lock_timeout) = match checked(type_name, config, provider, backends) {
            Ok(checked) => checked,
            Err(diagnostics) => return diagnostics,
        };
        let data_dir = backends.env().var("TF_DATA_DIR").unwrap_or(".terraform");
        let backend = backend.remembering_in(&PathBuf::from(data_dir));
        let warnings = backend.config().warnings.iter().map(diagnostics::warning).collect();
        let store = Store { backend, chunk_bytes, lock_timeout, bases: Mutex::default() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(store));
        warnings
    }

    /// The store of this type.
    ///
    /// # Errors
    /// There is no such type, or it isn't configured.
    pub(crate) fn get(&self, type_name: &str) -> Told<Arc<Store>> {
        known(type_name)?;
        let store = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        store.ok_or_else(|| failed("the state store is not configured", ""))
    }

    /// Stores a state that came in pieces.
    ///
    /// # Errors
    /// It isn't whole, or can't be stored; the stored one is as it was, or the error says otherwise.
    pub(crate) async fn write(&self, incoming: Incoming) -> Told<()> {
        let whole = incoming
            .0
            .and_then(Assembly::finish)
            .map_err(|why| failed("the state didn't arrive whole; nothing was written", &why))?;
        let store = self.get(&whole.type_name)?;
        store.write(&whole.state_id, whole.bytes).await
    }
}

/// A state on its way from the client, or why it is none.
#[derive(Debug)]
pub(crate) struct Incoming(Result<Assembly, String>);

impl Default for Incoming {
    fn default() -> Self {
        Self(Ok(Assembly::default()))
    }
}

impl Incoming {
    /// Takes the next piece; after one that doesn't fit the others are read over.
    pub(crate) fn add(&mut self, piece: write_state_bytes::RequestChunk) {
        if let Ok(assembly) = &mut self.0
            && let Err(why) = assembly.add(piece)
        {
            self.0 = Err(why);
        }
    }
}

impl Store {
    fn workspace(&self, id: &str) -> Told<Workspace> {
        let name = WorkspaceName::new(id).map_err(|error| told(&error))?;
        Ok(self.backend.workspace(name))
    }

    fn remember(&self, id: &str, base: Snapshot) {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), base);
    }

    /// Reads a state in pieces; none where there is no state.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn read(
        &self,
        id: &str,
    ) -> Told<impl Iterator<Item = read_state_bytes::Response> + Send + use<>> {
        let mut snapshot = self.workspace(id)?.read().await.map_err(|error| told(&error))?;
        let bytes = snapshot.bytes.take().unwrap_or_default();
        self.remember(id, snapshot);
        Ok(chunks::cut(&bytes, self.chunk_bytes))
    }

    /// Replaces what was read or written last by `bytes`. The lock stays as it is.
    ///
    /// # Errors
    /// Somebody else has written meanwhile; failures of the store.
    async fn write(&self, id: &str, bytes: Bytes) -> Told<()> {
        let workspace = self.workspace(id)?;
        let known = self.bases.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let base = match known {
            Some(base) => base,
            None => workspace.read().await.map_err(|error| told(&error))?,
        };
        let written = workspace.write_and_release(&base, bytes, None).await.map_err(|error| told(&error))?;
        self.remember(id, written.as_base());
        Ok(())
    }

    /// Locks a state; the id of the lock, or none where nothing is configured to lock with.
    ///
    /// # Errors
    /// Somebody else holds the lock; failures of the store.
    pub(crate) async fn lock(&self, id: &str, operation: &str) -> Told<String> {
        let options = LockOptions { timeout: self.lock_timeout, ..LockOptions::default() };
        let info = self.workspace(id)?.lock_and_leave(operation, &options).await;
        Ok(info.map_err(|error| told(&error))?.map(|info| info.id).unwrap_or_default())
    }

    /// Releases the lock with this id, whoever took it.
    ///
    /// # Errors
    /// There is none, or one with another id; failures of the store.
    pub(crate) async fn unlock(&self, id: &str, lock_id: &str) -> Told<()> {
        let released = self.workspace(id)?.force_unlock(lock_id).await;
        released.map(drop).map_err(|error| told(&error))
    }

    /// States that exist, sorted.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) async fn states(&self) -> Told<Vec<String>> {
        let default = self.workspace(WorkspaceName::default_name().as_str())?;
        let (names, has_default) = futures::future::join(self.backend.workspaces(), default.exists()).await;
        let (names, has_default) =
            (names.map_err(|error| told(&error))?, has_default.map_err(|error| told(&error))?);
        let existing = names.into_iter().filter(|name| has_default || !name.is_default());
        let mut ids: Vec<_> = existing.map(|name| name.to_string()).collect();
        ids.sort();
        Ok(ids)
    }

    /// Deletes a state and its digest; a lock on it stays.
    ///
    /// # Errors
    /// There is none; it is the default one; failures of the store.
    pub(crate) async fn delete(&self, id: &str) -> Told<()> {
        let options = LockOptions { lock: false, ..LockOptions::default() };
        let deleted = self.workspace(id)?.delete(true, &options).await;
        self.bases.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        deleted.map(drop).map_err(|error| told(&error))
    }
}

fn known(type_name: &str) -> Told<()> {
    if type_name == TYPE {
        Ok(())
    } else {
        Err(failed(&format!("there is no state store `{type_name}`"), ""))
    }
}

fn failed(summary: &str, detail: &str) -> Vec<Diagnostic> {
    vec![diagnostics::error(Path::default(), summary, detail)]
}

fn told(error: &Error) -> Vec<Diagnostic> {
    diagnostics::of_error(error, &Path::default())
}
