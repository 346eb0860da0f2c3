//! Carrying a migration out: one state after the other, both ends locked meanwhile.

use bytes::Bytes;

use super::entry::{Entry, Side};
use super::place::Seen;
use super::rule::{Verdict, is_same, judge};
use super::{Migration, Pair, serial_and_lineage};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{LockGuard, LockInfo, Operation, Released};

/// What became of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    Nothing,
    /// An earlier run had copied and verified it.
    Done,
    /// The destination held it already.
    Same,
    /// It was copied, and read back.
    Copied {
        /// Where what was replaced is kept.
        kept: Option<String>,
    },
    /// It stayed where it is; its digest is where the destination keeps it.
    Relocked,
    /// The source was deleted.
    Retired,
    /// The state stayed where it is, and its digest was removed from the table that isn't used any more.
    Disowned,
}

/// The locks on both ends.
#[derive(Debug, Default)]
struct Held {
    guards: Vec<(Side, LockGuard)>,
}

impl Held {
    fn id(&self, side: Side) -> Option<String> {
        self.guards.iter().find(|(of, _)| *of == side).map(|(_, guard)| guard.info().id.clone())
    }
}

impl Migration {
    /// Carries it out, and tells of each state what became of it. The source is deleted, if that was asked for, once
    /// everything is verified.
    ///
    /// # Errors
    /// - [`ErrorKind::Locked`]: somebody works on a state.
    /// - [`ErrorKind::Conflict`]: a destination must not be replaced, or a source changed before it was deleted.
    /// - [`ErrorKind::Unknown`]: a write may have happened; its lock is kept, and another run takes it over.
    /// - Failures of either end. Whatever it is, each state is whole at one end at least, and another run goes on.
    pub async fn run(&mut self, mut tell: impl FnMut(&str, &Outcome)) -> Result<()> {
        let pairs = self.pairs().await?;
        self.record(self.begun(&pairs))?;
        for pair in &pairs {
            let outcome = self.carry(pair).await.map_err(|error| self.can_go_on(error))?;
            tell(pair.name.as_str(), &outcome);
        }
        if self.options.delete_source {
            for pair in &pairs {
                if self.retire(pair).await.map_err(|error| self.can_go_on(error))? {
                    let outcome = if pair.one { Outcome::Disowned } else { Outcome::Retired };
                    tell(pair.name.as_str(), &outcome);
                }
            }
        }
        self.record(Entry::Done { time: self.env.now().to_string() })
    }

    fn begun(&self, pairs: &[Pair]) -> Entry {
        Entry::Begun {
            time: self.env.now().to_string(),
            who: self.env.who(),
            from: self.from.identity(),
            to: self.to.identity(),
            delete_source: self.options.delete_source,
            workspaces: pairs.iter().map(|pair| pair.name.to_string()).collect(),
        }
    }

    fn can_go_on(&self, error: Error) -> Error {
        let next = format!("the same command goes on, by the journal `{}`", self.path.display());
        error.fact("then", next)
    }

    async fn carry(&mut self, pair: &Pair) -> Result<Outcome> {
        let name = pair.name.as_str();
        let source = pair.from.read(false).await?;
        if source.bytes.is_none() && !self.progress.is_locked(name) {
            let known = self.progress.verified.contains_key(name);
            return Ok(if known { Outcome::Done } else { Outcome::Nothing });
        }
        if self.is_done(name, &source) {
            return Ok(Outcome::Done);
        }
        let held = self.lock(pair).await?;
        let carried = self.carry_locked(pair, &held).await;
        self.unlock(pair, held, carried).await
    }

    /// Locks both ends, in the order of their URLs, so that two migrations can't wait for each other.
    async fn lock(&mut self, pair: &Pair) -> Result<Held> {
        let mut sides = [Side::Source, Side::Destination];
        if pair.to.url() < pair.from.url() {
            sides.reverse();
        }
        let mut held = Held::default();
        let mut shared = None;
        for side in sides {
            match self.lock_side(pair, side, shared.clone()).await {
                Ok((record, guard)) => {
                    held.guards.extend(guard.map(|guard| (side, guard)));
                    // One object is locked by one record, whatever kinds of locks both ends have in common.
                    shared = pair.one.then_some(record);
                }
                Err(error) => return self.unlock(pair, held, Err(error)).await,
            }
        }
        Ok(held)
    }

    pub(super) async fn lock_side(
        &mut self,
        pair: &Pair,
        side: Side,
        shared: Option<LockInfo>,
    ) -> Result<(LockInfo, Option<LockGuard>)> {
        let (place, operation) = match side {
            Side::Source => (&pair.from, Operation::MigrationSource),
            Side::Destination => (&pair.to, Operation::MigrationDestination),
        };
        let name = pair.name.to_string();
        let record = match shared.or_else(|| self.progress.lock(&name, side).cloned()) {
            Some(record) => record,
            None => place.lock_info(operation)?,
        };
        let entry = Entry::Locking { workspace: name, side, state: place.url(), record: record.clone() };
        self.record(entry)?;
        let guard = place.lock(record.clone(), &self.options.lock).await?;
        Ok((record, guard))
    }

    async fn carry_locked(&mut self, pair: &Pair, held: &Held) -> Result<Outcome> {
        let locked = held.id(Side::Source).is_some();
        let source = pair.from.read(locked).await?;
        let Some(bytes) = source.bytes.clone() else {
            let known = self.progress.verified.contains_key(pair.name.as_str());
            return Ok(if known { Outcome::Done } else { Outcome::Nothing });
        };
        if pair.one {
            return self.relock(pair, &source, &bytes).await;
        }
        let locked = held.id(Side::Destination).is_some();
        let stored = pair.to.read(locked).await?;
        let before = self.progress.before(pair.name.as_str());
        let outcome = match judge(&bytes, stored.bytes.as_deref(), self.options.force, before) {
            Verdict::Same => {
                // A run before this one may have stopped between the object and its digest.
                if let Some(digest) = stored.digest() {
                    pair.to.adopt(digest).await?;
                }
                Outcome::Same
            }
            Verdict::Copy => self.copy(pair, held, &stored, &bytes, None).await?,
            Verdict::Replace(_) => {
                let kept = self.keep(pair, stored.bytes.as_ref()).await?;
                self.copy(pair, held, &stored, &bytes, kept).await?
            }
            Verdict::Refuse(why, hint) => {
                let message = format!(
                    "`{}` can't be migrated to `{}`; nothing was written",
                    pair.from.url(),
                    pair.to.url()
                );
                return Err(Error::new(ErrorKind::Conflict, message).fact("cause", why).hint(hint));
            }
        };
        self.record(Self::verified(pair, &source, &bytes))?;
        Ok(outcome)
    }

    fn verified(pair: &Pair, source: &Seen, bytes: &Bytes) -> Entry {
        let (serial, lineage) = serial_and_lineage(bytes);
        let md5 = source.digest().map(|digest| digest.to_string()).unwrap_or_default();
        Entry::Verified { workspace: pair.name.to_string(), md5, serial, lineage }
    }

    async fn keep(&mut self, pair: &Pair, stored: Option<&Bytes>) -> Result<Option<String>> {
        let Some(stored) = stored else { return Ok(None) };
        let directory = self.path.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let copy = pair.to.keep_replaced(stored, &directory).await?;
        self.record(Entry::Kept { workspace: pair.name.to_string(), copy: copy.clone() })?;
        Ok(Some(copy))
    }

    /// Writes the destination and reads it back.
    async fn copy(
        &mut self,
        pair: &Pair,
        held: &Held,
        stored: &Seen,
        bytes: &Bytes,
        kept: Option<String>,
    ) -> Result<Outcome> {
        let (serial, lineage) = serial_and_lineage(bytes);
        let md5 = crate::digest::StateDigest::of(bytes).to_string();
        self.record(Entry::Writing { workspace: pair.name.to_string(), md5, serial, lineage })?;
        let id = held.id(Side::Destination);
        pair.to.write(stored, bytes.clone(), id.as_deref()).await?;
        let back = pair.to.read(id.is_some()).await?;
        if back.bytes.as_ref().is_some_and(|back| is_same(back, bytes)) {
            return Ok(Outcome::Copied { kept });
        }
        let message = format!("`{}` was written, but something else is read back", pair.to.url());
        Err(Error::new(ErrorKind::Corrupt, message)
            .fact("source", format!("`{}` stays as it is", pair.from.url()))
            .hint("look at both ends: somebody else may write there without a lock"))
    }

    async fn relock(&mut self, pair: &Pair, source: &Seen, bytes: &Bytes) -> Result<Outcome> {
        if let Some(digest) = source.digest() {
            pair.to.adopt(digest).await?;
        }
        let back = pair.to.read(true).await?;
        if back.bytes.as_ref() != Some(bytes) {
            let message = format!("`{}` changed although it was locked; it stays as it is", pair.to.url());
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        self.record(Self::verified(pair, source, bytes))?;
        Ok(Outcome::Relocked)
    }

    /// Gives the locks back, unless a write may still be under way.
    async fn unlock<T>(&mut self, pair: &Pair, held: Held, carried: Result<T>) -> Result<T> {
        match carried {
            Err(error) if error.kind() == ErrorKind::Unknown => Err(left(held, error)),
            Err(error) => match self.release(pair, held).await {
                Ok(_) => Err(error),
                Err(release) => Err(error.fact("also", format!("a lock could not be released: {release}"))),
            },
            Ok(value) => self.release(pair, held).await.map(|_| value),
        }
    }

    async fn release(&mut self, pair: &Pair, held: Held) -> Result<Vec<Released>> {
        let (mut released, mut failed) = (Vec::new(), None);
        for (_, guard) in held.guards.into_iter().rev() {
            match guard.release().await {
                Ok(one) => released.push(one),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error),
            None => self.record(Entry::Released { workspace: pair.name.to_string() }).map(|()| released),
        }
    }

    pub(super) async fn unlock_side<T>(
        &mut self,
        pair: &Pair,
        side: Side,
        guard: Option<LockGuard>,
        done: Result<T>,
    ) -> Result<T> {
        let held = Held { guards: guard.map(|guard| (side, guard)).into_iter().collect() };
        self.unlock(pair, held, done).await
    }
}

/// Leaves the locks in place, so that nobody writes before it is known what happened.
fn left(held: Held, error: Error) -> Error {
    held.guards.into_iter().fold(error, |error, (_, guard)| {
        let (id, path) = (guard.info().id.clone(), guard.held().first().map(|held| held.place.clone()));
        guard.leave();
        error.fact("still locked", format!("{}, ID {id}", path.unwrap_or_default()))
    })
}
