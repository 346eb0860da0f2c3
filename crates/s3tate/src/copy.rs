//! Copying a state from one backend to another, lineage and serial kept.

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockOptions, Operation};
use crate::read::Snapshot;
use crate::state::Header;
use crate::workspace::Workspace;

/// What a copy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// There was nothing to copy.
    Nothing,
    /// The destination holds the same bytes already.
    Same,
    /// The destination was written.
    Written,
}

impl Workspace {
    /// Copies this state to another place, byte for byte, both locked meanwhile. The source stays.
    ///
    /// Locks are taken in the order of the URLs, so that two copies can't wait for each other.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: the destination holds another state and `force` is not set; nothing was written.
    /// Those of locking, reading and writing; both locks are released.
    pub async fn copy_to(
        &self,
        destination: &Workspace,
        force: bool,
        options: &LockOptions,
    ) -> Result<Copied> {
        if self.url() == destination.url() {
            return Ok(Copied::Same);
        }
        let (source, target) = (Operation::MigrationSource, Operation::MigrationDestination);
        if self.url() < destination.url() {
            let (guard, from) = self.lock_and_read(source, options).await?;
            let copied = destination.receive(from.bytes, force, target, options).await;
            self.unlock_after(guard, copied).await
        } else {
            let (guard, into) = destination.lock_and_read(target, options).await?;
            let from = match self.read_locked(source, options).await {
                Ok(from) => from,
                Err(error) => return Err(destination.give_up(guard, error).await),
            };
            destination.store(into, from.bytes, force, guard).await
        }
    }

    /// Stores bytes that came from elsewhere, byte for byte.
    ///
    /// # Errors
    /// As for [`Workspace::copy_to`].
    pub async fn receive(
        &self,
        bytes: Option<Bytes>,
        force: bool,
        operation: Operation,
        options: &LockOptions,
    ) -> Result<Copied> {
        let (guard, into) = self.lock_and_read(operation, options).await?;
        self.store(into, bytes, force, guard).await
    }

    async fn read_locked(&self, operation: Operation, options: &LockOptions) -> Result<Snapshot> {
        let (guard, snapshot) = self.lock_and_read(operation, options).await?;
        self.unlock_after(guard, Ok(snapshot)).await
    }

    async fn unlock_after<T>(&self, guard: Option<crate::lock::LockGuard>, result: Result<T>) -> Result<T> {
        match result {
            Err(error) => Err(self.give_up(guard, error).await),
            Ok(value) => {
                if let Some(guard) = guard {
                    guard.release().await?;
                }
                Ok(value)
            }
        }
    }

    async fn store(
        &self,
        into: Snapshot,
        bytes: Option<Bytes>,
        force: bool,
        guard: Option<crate::lock::LockGuard>,
    ) -> Result<Copied> {
        let Some(bytes) = bytes else { return self.unlock_after(guard, Ok(Copied::Nothing)).await };
        if into.bytes.as_ref() == Some(&bytes) {
            return self.unlock_after(guard, Ok(Copied::Same)).await;
        }
        if !force && let Some(theirs) = &into.bytes {
            let error = self.occupied(theirs);
            return Err(self.give_up(guard, error).await);
        }
        self.write_and_release(&into, bytes, guard).await.map(|_| Copied::Written)
    }

    fn occupied(&self, theirs: &[u8]) -> Error {
        let error = Error::new(
            ErrorKind::Conflict,
            format!("`{}` holds another state; nothing was written", self.url()),
        );
        let error = match Header::parse(theirs) {
            Ok(Some(header)) => {
                error.fact("stored", format!("serial {}, lineage {}", header.serial, header.lineage))
            }
            _ => error,
        };
        error.hint("choose another key, or replace it with `-force-copy`")
    }
}
