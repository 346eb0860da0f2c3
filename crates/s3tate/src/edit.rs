//! Moving and removing resources of a stored state: under lock, over exactly the state that was read.

use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockOptions, Operation};
use crate::state::{EditError, Relocation, Removal, Target, in_format_4, relocate, remove};
use crate::workspace::Workspace;
use crate::write::Written;

/// How a state is edited.
#[derive(Debug, Clone, Copy, Default)]
pub struct EditOptions {
    /// Only find out what would change: takes no lock and writes nothing.
    pub dry_run: bool,
    /// How the lock is asked for.
    pub lock: LockOptions,
}

/// What an edit did.
#[derive(Debug, Clone)]
pub struct Edited<T> {
    /// The edit.
    pub edit: T,
    /// The write; `None` for a dry run.
    pub written: Option<Written>,
}

impl Workspace {
    /// Gives a module, a resource or an instance another address; the serial goes up by one.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no state, or nothing at the source.
    /// - [`ErrorKind::Invalid`]: something is at the target, or the source can't become that.
    /// - [`ErrorKind::Corrupt`]: what is stored can't be edited.
    /// - those of locking and of [`Workspace::write_and_release`]. Nothing was written except where those say so.
    pub async fn relocate(
        &self,
        from: &Target,
        to: &Target,
        options: &EditOptions,
    ) -> Result<Edited<Relocation>> {
        let edit = |bytes: &[u8]| {
            let relocation = relocate(bytes, from, to)?;
            Ok((relocation.bytes.clone(), relocation))
        };
        self.edit(Operation::StateMv, options, edit).await
    }

    /// Removes the instances at some targets from the state, not from the world; the serial goes up by one.
    ///
    /// Targets at which there is nothing are told in the result. A dry run may find nothing at all.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no state, or nothing at any of the targets.
    /// - [`ErrorKind::Corrupt`]: what is stored can't be edited.
    /// - those of locking and of [`Workspace::write_and_release`]. Nothing was written except where those say so.
    pub async fn remove(&self, targets: &[Target], options: &EditOptions) -> Result<Edited<Removal>> {
        let edit = |bytes: &[u8]| {
            let removal = remove(bytes, targets)?;
            if removal.removed.is_empty() && !options.dry_run {
                return Err(EditError::NothingThere(removal.unmatched.join(", ")));
            }
            Ok((removal.bytes.clone(), removal))
        };
        self.edit(Operation::StateRm, options, edit).await
    }

    async fn edit<T>(
        &self,
        operation: Operation,
        options: &EditOptions,
        edit: impl Fn(&[u8]) -> Result<(Vec<u8>, T), EditError>,
    ) -> Result<Edited<T>> {
        let edit_of = |bytes: Option<&[u8]>| {
            let bytes = in_format_4(bytes.ok_or_else(|| self.missing())?);
            bytes
                .map_err(EditError::State)
                .and_then(|bytes| edit(&bytes))
                .map_err(|error| self.not_edited(error))
        };
        if options.dry_run {
            let snapshot = self.read().await?;
            let (_, edit) = edit_of(snapshot.bytes.as_deref())?;
            return Ok(Edited { edit, written: None });
        }
        let (guard, snapshot) = self.lock_and_read(operation, &options.lock).await?;
        match edit_of(snapshot.bytes.as_deref()) {
            Ok((bytes, edit)) => {
                let written = self.write_and_release(&snapshot, bytes, guard).await?;
                Ok(Edited { edit, written: Some(written) })
            }
            Err(error) => Err(self.give_up(guard, error).await),
        }
    }

    pub(crate) fn not_edited(&self, error: EditError) -> Error {
        let kind = match &error {
            EditError::State(_) | EditError::LastSerial => ErrorKind::Corrupt,
            EditError::NothingThere(_) => ErrorKind::NotFound,
            EditError::Taken { .. }
            | EditError::NotAModule { .. }
            | EditError::NotAResource { .. }
            | EditError::WholeResource { .. }
            | EditError::OtherMode { .. }
            | EditError::OtherType { .. } => ErrorKind::Invalid,
        };
        let hint = match kind {
            ErrorKind::Corrupt => "look at it with `s3tate state pull`",
            _ => "`s3tate state list` shows what there is",
        };
        Error::new(kind, format!("`{}` was not changed", self.url())).hint(hint).with_source(error)
    }
}
