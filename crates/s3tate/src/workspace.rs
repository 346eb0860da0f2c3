//! One workspace: its state, digest and locks.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::aws::Failure;
use crate::backend::Backend;
use crate::config::{BackendConfig, Request, resolve};
use crate::digest::StateDigest;
use crate::digest_item::DigestItem;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{
    HeldLock, Holder, LockGuard, LockInfo, LockKind, LockOptions, LockRecord, LockStore, Locks, Operation,
    Released, VerifiedLock, acquire,
};
use crate::names::{LockPath, StateKey, WorkspaceName};
use crate::object::Bucket;
use crate::protocol::Reading;
use crate::provenance::Writer;
use crate::push;
use crate::read::Snapshot;
use crate::state;
use crate::write::Written;

/// The Terraform release whose format new states are written in; it stands in `terraform_version`.
pub(crate) const STATE_WRITER: &str = "1.11.4";

/// Where what belongs to a workspace is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The workspace's name.
    pub workspace: String,
    /// URL of the state object.
    pub state: String,
    /// URL of the lock object, where those are used.
    pub lock_object: Option<String>,
    /// `TABLE/ITEM` of the lock, where there is a table.
    pub lock_item: Option<String>,
    /// `TABLE/ITEM` of the digest, where there is a table.
    pub digest_item: Option<String>,
}

impl Addresses {
    /// Each address with its name in words.
    pub fn named(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("workspace", Some(&self.workspace)),
            ("state", Some(&self.state)),
            ("lock object", self.lock_object.as_deref()),
            ("lock item", self.lock_item.as_deref()),
            ("digest item", self.digest_item.as_deref()),
        ]
    }
}

/// One workspace of a backend. Opening it sends nothing and creates nothing.
#[derive(Debug, Clone)]
pub struct Workspace {
    pub(crate) backend: Backend,
    name: WorkspaceName,
    pub(crate) key: StateKey,
    /// Whom it is written for, where that isn't us.
    pub(crate) writer: Option<Arc<Writer>>,
}

impl Workspace {
    pub(crate) fn new(backend: Backend, name: WorkspaceName) -> Self {
        let key = name.state_key(&backend.config);
        Self { backend, name, key, writer: None }
    }

    /// The state with this key, as the default workspace of a backend that is configured with it.
    pub(crate) fn of_key(backend: Backend, key: StateKey) -> Self {
        Self { backend, name: WorkspaceName::default_name(), key, writer: None }
    }

    /// Opens the state that a URL names: `s3://BUCKET/KEY?region=REGION&dynamodb_table=TABLE`, with any other attribute of
    /// the backend behind `&`. Nothing is read from files but what credentials need, and nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the URL, an attribute in it, or a variable can't be used.
    pub fn at(url: &str, env: Env) -> Result<Self> {
        let directory = Path::new(".");
        let request = Request {
            directory,
            data_dir: directory,
            backend_config: &[],
            state: Some(url),
            use_cache: false,
        };
        let config = BackendConfig::new(&resolve(&request)?.arguments, &env)?;
        Ok(Backend::new(config, env)?.workspace(WorkspaceName::default_name()))
    }

    /// Its name.
    pub fn name(&self) -> &WorkspaceName {
        &self.name
    }

    /// The backend it belongs to.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The key of its state.
    pub fn key(&self) -> &StateKey {
        &self.key
    }

    /// The URL of its state: `s3://BUCKET/KEY`.
    pub fn url(&self) -> String {
        self.bucket().state_url(&self.key)
    }

    /// Where its state, digest and locks are kept.
    pub fn addresses(&self) -> Addresses {
        let config = &self.backend.config;
        let item = |id: String| config.table.as_ref().map(|table| format!("{table}/{id}"));
        Addresses {
            workspace: self.name.to_string(),
            state: self.url(),
            lock_object: config.use_lockfile.then(|| self.bucket().url(&self.key.lock_object())),
            lock_item: item(self.lock_path().to_string()),
            digest_item: item(self.lock_path().digest_id()),
        }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.backend.bucket()
    }

    pub(crate) fn lock_path(&self) -> LockPath {
        self.key.lock_path(&self.backend.config.bucket)
    }

    pub(crate) fn digest_item(&self) -> Option<DigestItem> {
        let table = self.backend.config.table.clone()?;
        Some(DigestItem::new(Arc::clone(&self.backend.clients), table, self.lock_path()))
    }

    pub(crate) fn locks(&self) -> Locks {
        let config = &self.backend.config;
        let mut stores: Vec<(LockKind, Box<dyn LockStore>)> = Vec::new();
        if config.use_lockfile {
            let clients = Arc::clone(&self.backend.clients);
            let (trust, env) = (self.backend.trust.clone(), self.backend.env.clone());
            let object = VerifiedLock::new(clients, Arc::clone(config), &self.key, trust, env);
            stores.push((LockKind::LockFile, Box::new(object)));
        }
        if let Some(item) = self.digest_item() {
            stores.push((LockKind::DynamoDb, Box::new(item.lock())));
        }
        Locks::new(stores, self.backend.keeper.clone())
    }

    /// Locks the workspace; `None` where locking is off or nothing is configured to lock with.
    ///
    /// A lock that was asked for when the returned future is dropped is released as soon as it is acquired.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: somebody else holds the lock; the error names holder, operation and id.
    pub async fn lock(&self, operation: Operation, options: &LockOptions) -> Result<Option<LockGuard>> {
        self.lock_as(self.lock_info(operation)?, options).await
    }

    /// A new record of a lock on this state.
    pub(crate) fn lock_info(&self, operation: Operation) -> Result<LockInfo> {
        let info = LockInfo::new(operation, &self.lock_path(), &self.backend.env)?;
        Ok(match &self.writer {
            Some(writer) => LockInfo { who: writer.who.clone(), ..info },
            None => info,
        })
    }

    /// Locks the workspace by a record that is known already: a lock that an earlier job left by it is taken over.
    ///
    /// # Errors
    /// As for [`Workspace::lock`].
    pub(crate) async fn lock_as(&self, info: LockInfo, options: &LockOptions) -> Result<Option<LockGuard>> {
        let locks = Arc::new(self.locks());
        if !options.lock || locks.is_empty() {
            return Ok(None);
        }
        let lock = HeldLock {
            url: self.url(),
            workspace: self.name.to_string(),
            id: info.id.clone(),
            operation: info.operation.clone(),
            places: Vec::new(),
        };
        acquire(&locks, &Arc::new(LockRecord::new(info)), &lock, options, &self.backend.env).await.map(Some)
    }

    /// Locks and reads at once: one round trip where the lock is free.
    ///
    /// Reading before the lock is known to be held is safe, since a write carries the entity tag that was read. After
    /// a wait the state is read again, as it has probably moved. Under the lock, a write of s3tate's that stopped
    /// between object and digest is completed: nothing else can be under way, and the object proves what it replaced.
    ///
    /// # Errors
    /// Those of [`Workspace::lock`] first, then those of [`Workspace::read`], after which nothing is left locked.
    pub async fn lock_and_read(
        &self,
        operation: Operation,
        options: &LockOptions,
    ) -> Result<(Option<LockGuard>, Snapshot)> {
        let start = self.backend.env.instant();
        let lock = async {
            let guard = self.lock(operation, options).await;
            (guard, self.backend.env.instant().duration_since(start))
        };
        let ((guard, waited), early) = futures::future::join(lock, self.read_once()).await;
        let guard = guard?;
        let fresh = waited.as_secs() == 0;
        let early = if fresh { early } else { self.read_once().await };
        match self.proven(early, guard.is_some()).await {
            Ok(snapshot) => Ok((guard, snapshot)),
            Err(error) => Err(self.give_up(guard, error).await),
        }
    }

    /// The same workspace, written for somebody: the objects and the lock records say so.
    #[must_use]
    pub fn written_for(&self, writer: Writer) -> Self {
        Self { writer: Some(Arc::new(writer)), ..self.clone() }
    }

    /// Reads under a lock that is held, and completes a write that stopped before its digest.
    ///
    /// # Errors
    /// Those of [`Workspace::read`].
    pub(crate) async fn read_holding(&self, locked: bool) -> Result<Snapshot> {
        let read = self.read_once().await;
        self.proven(read, locked).await
    }

    /// What a reading comes to: under a lock, a write that stopped before its digest is completed.
    pub(crate) async fn proven(
        &self,
        read: Result<(Snapshot, Option<StateDigest>)>,
        locked: bool,
    ) -> Result<Snapshot> {
        let (found, recorded) = read?;
        match Reading::of(&found, recorded, locked) {
            Reading::Proven => Ok(found),
            Reading::Completable(recorded) => self.complete(found, recorded).await,
            Reading::Disagreeing => self.read().await,
        }
    }

    /// Records the digest that an earlier writer did not live to record.
    async fn complete(&self, snapshot: Snapshot, recorded: StateDigest) -> Result<Snapshot> {
        let (Some(item), Some(digest)) = (self.digest_item(), snapshot.digest) else {
            return self.read().await;
        };
        tracing::warn!(url = self.url(), "completing a write that stopped before its digest");
        match item.put_after(digest, Some(recorded)).await {
            Ok(true) => Ok(Snapshot { recorded: Some(digest), ..snapshot }),
            Ok(false) => self.read().await,
            Err(failure) => Err(failure.into_error(format!("can't record the digest of `{}`", self.url()))),
        }
    }

    /// Releases the lock on the way out of a failure, which stays the error.
    pub(crate) async fn give_up(&self, guard: Option<LockGuard>, error: Error) -> Error {
        let Some(guard) = guard else { return error };
        let id = guard.info().id.clone();
        match guard.release().await {
            Ok(_) => error,
            Err(release) => error
                .fact("also", format!("the lock could not be released: {release}"))
                .fact("lock id", id.clone())
                .fact("next", format!("`s3tate force-unlock -force {id}`")),
        }
    }

    /// Who holds the lock, of each kind that somebody holds.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn lock_holders(&self) -> Result<Vec<Holder>> {
        self.locks().holders().await
    }

    /// Removes the lock with this id, wherever it is kept.
    ///
    /// # Errors
    /// - [`ErrorKind::Invalid`]: nothing is configured to lock with.
    /// - [`ErrorKind::NotFound`]: nothing is locked.
    /// - [`ErrorKind::Locked`]: another id holds the lock; nothing was removed.
    pub async fn force_unlock(&self, id: &str) -> Result<Released> {
        let locks = self.locks();
        if locks.is_empty() {
            return Err(Error::invalid(
                "neither `dynamodb_table` nor `use_lockfile` is set: there are no locks",
            ));
        }
        locks.force_unlock(id).await
    }

    /// Creates the workspace with an empty state: serial 1 and a new lineage.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: it exists already; nothing was written. Those of locking and writing.
    pub async fn create(&self, options: &LockOptions) -> Result<Written> {
        let lineage = self.backend.env.random_id()?;
        self.create_holding(state::empty_state(STATE_WRITER, 1, &lineage).into(), options).await
    }

    /// Creates the workspace with what a state file holds, given as its bytes; it keeps its lineage and is stored with
    /// the serial one above its own. The workspace is never seen empty.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: the bytes are no state; nothing was sent. Those of [`Workspace::create`].
    pub async fn create_from(&self, source: &[u8], options: &LockOptions) -> Result<Written> {
        self.create_holding(push::first_stored(source)?, options).await
    }

    async fn create_holding(&self, bytes: Bytes, options: &LockOptions) -> Result<Written> {
        self.create_here(bytes, options).await.map_err(|error| error.in_workspace(self.name.as_str()))
    }

    async fn create_here(&self, bytes: Bytes, options: &LockOptions) -> Result<Written> {
        let (guard, snapshot) = self.lock_and_read(Operation::Init, options).await?;
        if snapshot.bytes.is_some() {
            let exists = Error::new(ErrorKind::Conflict, format!("workspace `{}` already exists", self.name));
            return Err(self.give_up(guard, exists).await);
        }
        self.write_and_release(&snapshot, bytes, guard).await
    }

    /// Deletes state and digest, with the lock held until it is done. The lock itself stays free. Tells where it was not
    /// ours any more by then; what was deleted is what was read all the same.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: resources are left in it and `force` is not set, or it is the default workspace;
    /// nothing was deleted. [`ErrorKind::NotFound`]: there is no state. [`ErrorKind::Conflict`]: the state changed
    /// meanwhile.
    pub async fn delete(&self, force: bool, options: &LockOptions) -> Result<Released> {
        if self.name.is_default() {
            return Err(Error::invalid("the default workspace can't be deleted"));
        }
        self.delete_here(force, options).await.map_err(|error| error.in_workspace(self.name.as_str()))
    }

    async fn delete_here(&self, force: bool, options: &LockOptions) -> Result<Released> {
        let (guard, snapshot) = self.lock_and_read(Operation::WorkspaceDelete, options).await?;
        if let Err(error) = self.deletable(&snapshot, force) {
            return Err(self.give_up(guard, error).await);
        }
        let delete =
            |workspace: Self, guard| async move { workspace.delete_and_release(&snapshot, guard).await };
        self.uncut(guard, delete).await
    }

    pub(crate) async fn delete_and_release(
        &self,
        snapshot: &Snapshot,
        guard: Option<LockGuard>,
    ) -> Result<Released> {
        let deleted = match self.keep_copy(snapshot).await {
            Ok(()) => self.delete_objects(snapshot).await,
            Err(error) => Err(error),
        };
        if let Err(error) = deleted {
            return Err(self.give_up(guard, error).await);
        }
        self.drop_surplus().await;
        match guard {
            Some(guard) => guard.release().await,
            None => Ok(Released::default()),
        }
    }

    /// Carries a write and the release after it out to their end, even if the returned future is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`]: a stop was asked for; nothing was written, and the lock is released.
    pub(crate) async fn uncut<T, F>(
        &self,
        guard: Option<LockGuard>,
        write: impl FnOnce(Self, Option<LockGuard>) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match self.backend.keeper.begin(Some(self.url())) {
            Ok(step) => step.carry_out(write(self.clone(), guard)).await,
            Err(stopped) => Err(self.give_up(guard, stopped).await),
        }
    }

    fn deletable(&self, snapshot: &Snapshot, force: bool) -> Result<()> {
        let Some(bytes) = &snapshot.bytes else {
            return if snapshot.etag.is_some() { Ok(()) } else { Err(self.missing()) };
        };
        if force {
            return Ok(());
        }
        let unreadable = |error: state::StateError| {
            Error::new(
                ErrorKind::Corrupt,
                format!("can't tell what `{}` holds; nothing was deleted", self.url()),
            )
            .hint("`-force` deletes it all the same")
            .with_source(error)
        };
        let left = state::in_format_4(bytes)
            .and_then(|bytes| state::managed_resource_addresses(&bytes))
            .map_err(unreadable)?;
        if left.is_empty() {
            return Ok(());
        }
        let message = format!("workspace `{}` is not empty; nothing was deleted", self.name);
        let error =
            left.iter().fold(Error::invalid(message), |error, address| error.fact("tracks", address.clone()));
        Err(error.hint("destroy these first, or delete with `-force`, which leaves them behind unmanaged"))
    }

    /// The digest goes first: a state without one can be read, and deleted again, while a digest without a state bars
    /// everybody.
    pub(crate) async fn delete_objects(&self, snapshot: &Snapshot) -> Result<()> {
        if let Some(item) = self.digest_item() {
            match item.delete_recorded(snapshot.recorded).await {
                Ok(true) => {}
                Ok(false) => return Err(self.changed()),
                Err(failure) => {
                    let message =
                        format!("can't remove the digest of `{}`; the state is as it was", self.url());
                    return Err(failure.into_error(message).fact("digest", item.place()));
                }
            }
        }
        let etag = snapshot.etag.as_ref().map(crate::names::ETag::as_str);
        match self.bucket().delete(self.key.as_str(), etag).await {
            Ok(()) => Ok(()),
            Err(failure) => self.settle_delete(failure).await,
        }
    }

    /// Decides what became of a deletion that was not acknowledged; a refusal may answer the SDK's second attempt.
    async fn settle_delete(&self, failure: Failure) -> Result<()> {
        let refused = failure.precondition_failed() || failure.status == Some(404);
        if !refused && !failure.outcome_unknown() {
            return Err(failure.into_error(format!("can't delete `{}`", self.url())));
        }
        match self.bucket().exists(self.key.as_str()).await {
            Ok(false) => Ok(()),
            Ok(true) if refused => Err(self.changed()),
            Ok(true) => Err(failure.into_error(format!("can't delete `{}`", self.url()))),
            Err(_) => Err(failure
                .into_error_of(ErrorKind::Unknown, format!("can't tell whether `{}` was deleted", self.url()))
                .hint("once S3 answers, `s3tate workspace list` shows it")),
        }
    }

    /// The error for a workspace without a state.
    pub fn missing(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("there is no state at `{}`", self.url()))
            .fact("workspace", self.name.to_string())
            .hint("`s3tate workspace list` shows those that exist; reading creates none")
    }

    fn changed(&self) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!("`{}` changed after it was read; nothing was deleted", self.url()),
        )
    }
}
