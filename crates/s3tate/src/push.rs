//! Pushing a state over the stored one: Terraform's rules of lineage and serial, then compare-and-swap.

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockOptions, Operation};
use crate::read::Snapshot;
use crate::state::{self, Header, StateError, StateFile};
use crate::workspace::Workspace;
use crate::write::Written;

/// How a state is pushed.
#[derive(Debug, Clone, Copy, Default)]
pub struct PushOptions {
    /// Skip the checks of lineage and serial. The write is still bound to the state that was read.
    pub force: bool,
    /// How the lock is asked for.
    pub lock: LockOptions,
}

/// What a push did.
#[derive(Debug, Clone)]
pub enum Pushed {
    /// The stored state is the same; nothing was written.
    Unchanged,
    /// The state was written.
    Written {
        /// The serial it is stored with.
        serial: u64,
        /// The lineage it is stored with.
        lineage: String,
        /// The write.
        written: Written,
    },
}

impl Workspace {
    /// Pushes a state, given as the bytes of a state file, and stores it with the serial one above its own.
    ///
    /// Unless forced, a stored state that isn't empty must have the same lineage and no higher serial. Where nothing
    /// is stored, the lineage is kept (stock Terraform starts a new one).
    ///
    /// # Errors
    /// - [`ErrorKind::Invalid`]: the bytes are no state; nothing was sent.
    /// - [`ErrorKind::Locked`]: somebody holds the lock; nothing was written.
    /// - [`ErrorKind::Conflict`]: lineage or serial forbid it, or the stored state changed meanwhile.
    /// - those of [`Workspace::write_and_release`].
    pub async fn push(&self, source: &[u8], options: &PushOptions) -> Result<Pushed> {
        let header = source_header(source)?;
        let (guard, snapshot) = self.lock_and_read(Operation::StatePush, &options.lock).await?;
        let plan = match plan(source, &header, &snapshot, options.force) {
            Ok(plan) => plan,
            Err(refused) => return Err(self.give_up(guard, refused.about(self)).await),
        };
        let Plan::Write { bytes, serial } = plan else {
            if let Some(guard) = guard {
                guard.release().await?;
            }
            return Ok(Pushed::Unchanged);
        };
        let written = self.write_and_release(&snapshot, bytes, guard).await?;
        Ok(Pushed::Written { serial, lineage: header.lineage, written })
    }
}

fn source_header(source: &[u8]) -> Result<Header> {
    let refused = |message: &str| Error::invalid(format!("{message}; nothing was sent"));
    if state::is_encrypted(source) {
        return Err(refused("the source is encrypted by OpenTofu, so its serial can't be raised")
            .hint("push it with OpenTofu, or push the decrypted state"));
    }
    match Header::parse(source) {
        Ok(Some(header)) => Ok(header),
        Ok(None) => Err(refused("the source is empty: there is no state to push")),
        Err(error) => Err(refused("the source is not a state").with_source(error)),
    }
}

enum Plan {
    Unchanged,
    Write { bytes: Bytes, serial: u64 },
}

/// Why a push is refused; the words are Terraform's gist, so that scripts and people recognise them.
struct Refused(ErrorKind, String, &'static str);

impl Refused {
    fn about(self, workspace: &Workspace) -> Error {
        let Self(kind, why, hint) = self;
        Error::new(kind, format!("can't push to `{}`; nothing was written", workspace.url()))
            .fact("cause", why)
            .hint(hint)
    }
}

/// Whether a source is written over a stored state; `None` where that is refused.
pub(crate) fn writes(source: &[u8], stored: &Snapshot, force: bool) -> Option<bool> {
    let header = source_header(source).ok()?;
    let plan = plan(source, &header, stored, force).ok()?;
    Some(matches!(plan, Plan::Write { .. }))
}

fn plan(source: &[u8], header: &Header, stored: &Snapshot, force: bool) -> Result<Plan, Refused> {
    let next = header.serial.saturating_add(1);
    let write = || write_with(source, next);
    let Some(bytes) = &stored.bytes else { return write() };
    let unreadable = |error: StateError| {
        let why = format!("the stored state can't be read: {error}");
        Refused(ErrorKind::Corrupt, why, "`-force` replaces it; in a versioned bucket it stays as a version")
    };
    if force {
        return write();
    }
    let ours = Header::parse(bytes).map_err(unreadable)?.unwrap_or_default();
    if is_empty(bytes).map_err(unreadable)? {
        return write();
    }
    compare_lineage(header, &ours)?;
    match header.serial.cmp(&ours.serial) {
        std::cmp::Ordering::Greater => write(),
        std::cmp::Ordering::Equal if same_content(source, bytes).map_err(unreadable)? => Ok(Plan::Unchanged),
        std::cmp::Ordering::Equal => Err(Refused(
            ErrorKind::Conflict,
            format!(
                "cannot overwrite existing state with serial {} with a different state that has the same serial",
                ours.serial
            ),
            "pull the stored state and redo the change on it, or push with `-force`",
        )),
        std::cmp::Ordering::Less => Err(Refused(
            ErrorKind::Conflict,
            format!(
                "cannot import state with serial {} over newer state with serial {}",
                header.serial, ours.serial
            ),
            "pull the stored state and redo the change on it, or push with `-force`",
        )),
    }
}

fn compare_lineage(source: &Header, stored: &Header) -> Result<(), Refused> {
    let unknown = source.lineage.is_empty() || stored.lineage.is_empty();
    if unknown || source.lineage == stored.lineage {
        return Ok(());
    }
    Err(Refused(
        ErrorKind::Conflict,
        format!(
            "cannot import state with lineage \"{}\" over unrelated state with lineage \"{}\"",
            source.lineage, stored.lineage
        ),
        "check key and workspace; `-force` replaces the unrelated state",
    ))
}

/// What a source is stored as where nothing is stored yet.
///
/// # Errors
/// [`ErrorKind::Invalid`]: it is no state.
pub(crate) fn first_stored(source: &[u8]) -> Result<Bytes> {
    let serial = source_header(source)?.serial.saturating_add(1);
    let bytes = state::with_header(source, serial, None);
    bytes
        .map(Into::into)
        .map_err(|cause| Error::invalid("the source is not a state; nothing was sent").with_source(cause))
}

fn write_with(source: &[u8], serial: u64) -> Result<Plan, Refused> {
    match state::with_header(source, serial, None) {
        Ok(bytes) => Ok(Plan::Write { bytes: bytes.into(), serial }),
        Err(error) => Err(Refused(ErrorKind::Invalid, format!("the source: {error}"), "check the file")),
    }
}

/// Whether a state holds neither outputs nor resources.
pub(crate) fn is_empty(bytes: &[u8]) -> Result<bool, StateError> {
    let bytes = match state::in_format_4(bytes) {
        Err(StateError::Encrypted) => return Ok(false),
        bytes => bytes?,
    };
    match StateFile::parse(&bytes)? {
        Some(state) => Ok(state.outputs()?.is_empty() && state.resources()?.is_empty()),
        None => Ok(true),
    }
}

/// Whether two states hold the same, however they are laid out and in whatever format.
fn same_content(source: &[u8], stored: &[u8]) -> Result<bool, StateError> {
    state::content_equal(&state::in_format_4(source)?, &state::in_format_4(stored)?)
}
