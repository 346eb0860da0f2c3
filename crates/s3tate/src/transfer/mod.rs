//! Moving resources from one state into another: both locked, both replaced on condition, gone on with after a crash.
//!
//! The destination is written first, so that in between both states hold what moves and never neither does. What has
//! been done is decided by what the two states hold; the journal says which move it is and by which records the locks are
//! held, so that the same move can take them over.

mod plan;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::lock::{LockGuard, LockInfo, LockOptions, Operation};
use crate::read::Snapshot;
use crate::state::Target;
use crate::workspace::Workspace;
use plan::{Plan, Stage};

/// A move between two states.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// The state that has it.
    pub source: Workspace,
    /// What moves.
    pub from: Target,
    /// The state that gets it; one that isn't there is made, with a lineage of its own.
    pub destination: Workspace,
    /// Its address there.
    pub to: Target,
}

/// How a move is carried out.
#[derive(Debug, Clone, Default)]
pub struct TransferOptions {
    /// How the locks are asked for.
    pub lock: LockOptions,
    /// The file that keeps the journal, until the move is done.
    pub journal: PathBuf,
}

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Old and new addresses: one pair, or one for each module instance.
    pub moves: Vec<(String, String)>,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
    /// Whether a lock was no longer ours when it was to be released. The writes stand all the same.
    pub lock_lost: bool,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum Step {
    /// From here on the locks with these records may be held.
    Begun { from: String, to: String, source_lock: Box<LockInfo>, destination_lock: Box<LockInfo> },
    /// A state was written.
    Stored { state: String, md5: String },
}

type Guards = (Option<LockGuard>, Option<LockGuard>);

impl Transfer {
    /// What the move would do; nothing is locked or written.
    ///
    /// # Errors
    /// As for [`Transfer::run`].
    pub async fn preview(&self) -> Result<Transferred> {
        let (source, destination) =
            futures::future::try_join(self.source.read(), self.destination.read()).await?;
        let plan = self.plan(&source, &destination, false)?;
        Ok(Transferred { moves: plan.moves, resumed: false, lock_lost: false })
    }

    /// Moves, or goes on with a move that stopped.
    ///
    /// Locks are taken in the order of the URLs, so that two moves can't wait for each other.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: there is no source, or nothing at its address.
    /// - [`ErrorKind::Invalid`]: something is at the destination's address, or the source can't become that; or the journal
    ///   can't be kept, or is of another move.
    /// - [`ErrorKind::Locked`]: one of the states is locked, or another process carries this move out.
    /// - [`ErrorKind::Unknown`]: the destination has it and the source still does, or it isn't known which. Both stay locked
    ///   until the move is run again, or [`Transfer::abort`].
    /// - those of reading and writing. Nothing was written then, and nothing is locked.
    pub async fn run(&self, options: &TransferOptions) -> Result<Transferred> {
        let mut journal = Journal::open(&options.journal)?;
        let (infos, resumed) = self.begun(&mut journal)?;
        let guards = match self.lock(infos, &options.lock).await {
            Ok(guards) => guards,
            Err((error, clean)) => return Err(forgotten(journal, clean && !resumed, error)),
        };
        let (plan, bases) = match self.look(resumed).await {
            Ok(planned) => planned,
            Err(error) => {
                let (error, clean) = unlock(guards, error).await;
                return Err(forgotten(journal, clean && !resumed, error));
            }
        };
        let moves = plan.moves.clone();
        let lock_lost = self.carry_out(plan.stage, bases, guards, journal).await?;
        Ok(Transferred { moves, resumed, lock_lost })
    }

    /// Takes a move back that stopped: the source keeps what was to move, the destination loses it.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: no such move has begun.
    /// - [`ErrorKind::Conflict`]: it is done already, or one of the two has changed since.
    /// - those of [`Transfer::run`].
    pub async fn abort(&self, options: &TransferOptions) -> Result<()> {
        if !options.journal.exists() {
            return Err(Error::new(ErrorKind::NotFound, "no such move has begun; nothing was done")
                .fact("journal", options.journal.display().to_string()));
        }
        let mut journal = Journal::open(&options.journal)?;
        let (infos, _) = self.begun(&mut journal)?;
        let guards = self.lock(infos, &options.lock).await.map_err(|(error, _)| error)?;
        let looked = self.read().await.and_then(|bases| Ok((self.undoing(&bases.0, &bases.1)?, bases)));
        match looked {
            Ok((stage, bases)) => self.carry_out(stage, bases, guards, journal).await.map(drop),
            Err(error) => Err(unlock(guards, error).await.0),
        }
    }

    /// The records of the locks: those of the run that began the move, or new ones, which are on disk before the locks are
    /// asked for.
    fn begun(&self, journal: &mut Journal<Step>) -> Result<((LockInfo, LockInfo), bool)> {
        let (this_from, this_to) = (self.place_of_source(), self.place_of_destination());
        for step in journal.entries() {
            let Step::Begun { from, to, source_lock, destination_lock } = step else { continue };
            if (from, to) != (&this_from, &this_to) {
                return Err(Error::invalid("the journal is that of another move; nothing was done")
                    .fact("move", format!("{from} to {to}"))
                    .hint("run that one again to finish it, or choose another file with `-journal`"));
            }
            return Ok(((LockInfo::clone(source_lock), LockInfo::clone(destination_lock)), true));
        }
        let infos =
            (self.source.lock_info(Operation::StateMv)?, self.destination.lock_info(Operation::StateMv)?);
        let (source_lock, destination_lock) = (Box::new(infos.0.clone()), Box::new(infos.1.clone()));
        journal.record(Step::Begun { from: this_from, to: this_to, source_lock, destination_lock })?;
        Ok((infos, false))
    }

    /// Where it is, and where it goes: `s3://BUCKET/KEY//ADDRESS`.
    fn place_of_source(&self) -> String {
        format!("{}//{}", self.source.url(), self.from)
    }

    fn place_of_destination(&self) -> String {
        format!("{}//{}", self.destination.url(), self.to)
    }

    /// A journal's path in this directory, the same for each run of the same move.
    pub fn journal_in(&self, directory: &Path) -> PathBuf {
        let text = format!("{}\n{}", self.place_of_source(), self.place_of_destination());
        directory.join(format!("s3tate-mv-{:.16}.jsonl", StateDigest::of(text.as_bytes()).to_string()))
    }

    /// Takes both locks. An error comes with whether none of them is left.
    async fn lock(
        &self,
        (source, destination): (LockInfo, LockInfo),
        options: &LockOptions,
    ) -> Result<Guards, (Error, bool)> {
        let refused = |error: Error| {
            let clean = error.kind() != ErrorKind::Unknown;
            (error, clean)
        };
        if self.source.url() < self.destination.url() {
            let first = self.source.lock_as(source, options).await.map_err(refused)?;
            match self.destination.lock_as(destination, options).await {
                Ok(second) => Ok((first, second)),
                Err(error) => Err(unlock((first, None), error).await),
            }
        } else {
            let first = self.destination.lock_as(destination, options).await.map_err(refused)?;
            match self.source.lock_as(source, options).await {
                Ok(second) => Ok((second, first)),
                Err(error) => Err(unlock((None, first), error).await),
            }
        }
    }

    async fn read(&self) -> Result<(Snapshot, Snapshot)> {
        futures::future::try_join(self.source.read_holding(true), self.destination.read_holding(true)).await
    }

    async fn look(&self, resumed: bool) -> Result<(Plan, (Snapshot, Snapshot))> {
        let (source, destination) = self.read().await?;
        let plan = self.plan(&source, &destination, resumed)?;
        Ok((plan, (source, destination)))
    }

    /// Writes what is left to write and releases both locks, as one step that is not cut off. Tells whether a lock was lost.
    async fn carry_out(
        &self,
        stage: Stage,
        bases: (Snapshot, Snapshot),
        guards: Guards,
        journal: Journal<Step>,
    ) -> Result<bool> {
        let mark = match self.source.backend.keeper.begin(Some(self.destination.url())) {
            Ok(mark) => mark,
            Err(stopped) => {
                let (error, clean) = unlock(guards, stopped).await;
                return Err(forgotten(journal, clean && matches!(stage, Stage::Both { .. }), error));
            }
        };
        mark.carry_out(self.clone().store(stage, bases, guards, journal)).await
    }

    async fn store(
        self,
        stage: Stage,
        (source, destination): (Snapshot, Snapshot),
        guards: Guards,
        mut journal: Journal<Step>,
    ) -> Result<bool> {
        let undoes = matches!(stage, Stage::DestinationBack(_));
        let (there, here) = match stage {
            Stage::Both { source, destination } => (Some(destination), Some(source)),
            Stage::SourceLeft(source) => (None, Some(source)),
            Stage::DestinationBack(destination) => (Some(destination), None),
            Stage::Done => (None, None),
        };
        if let Some(bytes) = there
            && let Err(error) = write(&self.destination, &destination, bytes, &mut journal).await
        {
            return Err(if undoes || error.kind() == ErrorKind::Unknown {
                left_locked(guards, error)
            } else {
                let (error, clean) = unlock(guards, error).await;
                forgotten(journal, clean, error)
            });
        }
        if let Some(bytes) = here
            && let Err(error) = write(&self.source, &source, bytes, &mut journal).await
        {
            return Err(left_locked(guards, self.half_done(error)));
        }
        let lock_lost = release(guards).await?;
        journal.finish()?;
        Ok(lock_lost)
    }

    fn half_done(&self, cause: Error) -> Error {
        let (source, destination) = (self.place_of_source(), self.place_of_destination());
        Error::new(
            ErrorKind::Unknown,
            format!("`{destination}` is written, and `{source}` may still be there"),
        )
        .with_source(cause)
    }
}

async fn write(
    workspace: &Workspace,
    base: &Snapshot,
    bytes: Bytes,
    journal: &mut Journal<Step>,
) -> Result<()> {
    let written = workspace.write_uncut(base, bytes.into(), None).await?;
    let stored = Step::Stored { state: workspace.url(), md5: written.digest.to_string() };
    if let Err(error) = journal.record(stored) {
        // What is stored decides how to go on, so this costs nothing but the note.
        tracing::warn!("{error}");
    }
    Ok(())
}

async fn release((source, destination): Guards) -> Result<bool> {
    let mut lost = false;
    for guard in [destination, source].into_iter().flatten() {
        lost |= !guard.release().await?.missing.is_empty();
    }
    Ok(lost)
}

/// Leaves both locks where they are, so that nobody works on half a move.
fn left_locked((source, destination): Guards, error: Error) -> Error {
    let locks = [source, destination].into_iter().flatten();
    let error = locks.fold(error, |error, guard| {
        let info = guard.info().clone();
        guard.leave();
        error.fact("locked", format!("`{}`, with ID {}, until this is finished", info.path, info.id))
    });
    error.hint("run the same command again to finish the move, or with `-abort` to take it back")
}

/// Gives both locks back on the way out of a failure, which stays the error. Tells whether none of them may be left.
async fn unlock((source, destination): Guards, mut error: Error) -> (Error, bool) {
    let mut clean = error.kind() != ErrorKind::Unknown;
    for guard in [destination, source].into_iter().flatten() {
        if let Err(also) = guard.release().await {
            error = error
                .fact("also", also.to_string())
                .hint("run the same command again, which takes over what it locked");
            clean = false;
        }
    }
    (error, clean)
}

/// Removes the journal where nothing was begun that a later run would have to know of.
fn forgotten(journal: Journal<Step>, clean: bool, error: Error) -> Error {
    if !clean {
        return error;
    }
    match journal.finish() {
        Ok(()) => error,
        Err(also) => error.fact("also", also.to_string()),
    }
}
