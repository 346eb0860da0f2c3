//! All the locks of one state together: none, one, or lock object and item, in stock's order.

use super::{Holder, Keeper, LockInfo, LockKind, LockRecord, LockStore, Refusal};
use crate::error::{Error, ErrorKind, Result};

/// The places that a state's lock is kept in, in the order of acquisition: lock object, then item.
#[derive(Debug)]
pub(crate) struct Locks {
    stores: Vec<(LockKind, Box<dyn LockStore>)>,
    keeper: Keeper,
}

/// What a release found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// Where our lock was, and is no more.
    pub removed: Vec<LockKind>,
    /// Where it was no longer ours, or not at all.
    pub missing: Vec<LockKind>,
}

impl Locks {
    pub(crate) fn new(stores: Vec<(LockKind, Box<dyn LockStore>)>, keeper: Keeper) -> Self {
        Self { stores, keeper }
    }

    /// Who knows which of these locks are held.
    pub(crate) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Whether nothing is configured to lock with.
    pub(crate) fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    fn store(&self, kind: LockKind) -> Result<&dyn LockStore> {
        let found = self.stores.iter().find(|(of, _)| *of == kind);
        found
            .map(|(_, store)| &**store)
            .ok_or_else(|| Error::new(ErrorKind::Bug, "no such kind of lock here"))
    }

    /// Acquires everywhere, or nowhere: what was taken before a refusal is given back.
    pub(crate) async fn acquire(&self, record: &LockRecord) -> Result<Vec<Holder>, Refusal> {
        let mut held = Vec::new();
        for (_, store) in &self.stores {
            match store.acquire(record).await {
                Ok(holder) => held.push(holder),
                Err(refusal) => return Err(self.back_out(&held, refusal).await),
            }
        }
        Ok(held)
    }

    async fn back_out(&self, held: &[Holder], refusal: Refusal) -> Refusal {
        let mut left = Vec::new();
        for holder in held.iter().rev() {
            let released = match self.store(holder.kind) {
                Ok(store) => store.release(holder).await,
                Err(error) => Err(error),
            };
            if let Err(error) = released {
                left.push((holder, error));
            }
        }
        match left.pop() {
            None => refusal,
            Some((holder, error)) => Refusal::Failed(left_behind(refusal, holder, error)),
        }
    }

    /// Who holds the lock, of each kind that somebody holds.
    pub(crate) async fn holders(&self) -> Result<Vec<Holder>> {
        let found =
            futures::future::try_join_all(self.stores.iter().map(|(_, store)| store.holder())).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Removes exactly these locks. Every kind is tried, whatever becomes of the others.
    ///
    /// # Errors
    /// The first failure, after all were tried; a lock named by it may still be held.
    pub(crate) async fn release(&self, held: &[Holder]) -> Result<Released> {
        let mut released = Released::default();
        let mut failed = None;
        for holder in held {
            match self.store(holder.kind)?.release(holder).await {
                Ok(true) => released.removed.push(holder.kind),
                Ok(false) => released.missing.push(holder.kind),
                Err(error) => failed = failed.or(Some(still_held(holder, error))),
            }
        }
        failed.map_or(Ok(released), Err)
    }

    /// Removes the lock with this id wherever it is. A place that can't be looked at doesn't keep the others from it.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`]: nothing is locked.
    /// - [`ErrorKind::Locked`]: another id holds the lock; nothing was removed.
    /// - [`ErrorKind::Conflict`]: the lock changed while it was looked at; nothing was removed.
    pub(crate) async fn force_unlock(&self, id: &str) -> Result<Released> {
        let looks = self.stores.iter().map(|(_, store)| store.holder());
        let (mut matching, mut others, mut failure) = (Vec::new(), Vec::new(), None);
        for look in futures::future::join_all(looks).await {
            match look {
                Ok(Some(holder)) if holder.info.as_ref().is_some_and(|info| info.id == id) => {
                    matching.push(holder);
                }
                Ok(found) => others.extend(found),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if matching.is_empty() {
            return Err(failure.unwrap_or_else(|| not_held(others.first(), id)));
        }
        let mut released = self.release(&matching).await?;
        if let Some(failure) = failure {
            let removed = released.removed.iter().map(|kind| kind.as_str()).collect::<Vec<_>>();
            return Err(failure.fact("removed", format!("the {} lock", removed.join(" and "))));
        }
        if released.removed.is_empty() {
            return Err(Error::new(ErrorKind::Conflict, "the lock changed meanwhile; nothing was removed")
                .hint("`s3tate lock show` shows who holds it now"));
        }
        let found = |kind: LockKind| matching.iter().any(|holder| holder.kind == kind);
        released.missing.extend(self.stores.iter().map(|(kind, _)| *kind).filter(|kind| !found(*kind)));
        Ok(released)
    }
}

fn not_held(other: Option<&Holder>, id: &str) -> Error {
    match other {
        Some(other) => other_id(other, id),
        None => Error::new(ErrorKind::NotFound, format!("no lock is held, so there is none with ID {id}")),
    }
}

/// What removes a lock that the store didn't let go.
pub(super) fn how_to_unlock(holder: &Holder) -> String {
    match holder.info.as_ref().map(|info: &LockInfo| &info.id) {
        Some(id) => format!("`s3tate force-unlock -force {id}` once the store answers"),
        None => "`s3tate lock show` once the store answers".to_owned(),
    }
}

fn still_held(holder: &Holder, error: Error) -> Error {
    let hint = how_to_unlock(holder);
    let label = if error.kind() == ErrorKind::Unknown { "may be locked" } else { "still locked" };
    let error = error.fact(label, holder.place.clone());
    if error.hint_text().is_some() { error.fact("next", hint) } else { error.hint(hint) }
}

fn left_behind(refusal: Refusal, left: &Holder, cause: Error) -> Error {
    let why = match refusal {
        Refusal::Held(holder) => format!("the other is held by {holder}"),
        Refusal::Contended(why) => why,
        Refusal::Failed(error) => error.to_string(),
    };
    Error::new(ErrorKind::Unknown, "only one of two locks was acquired, and it could not be given back")
        .fact("left behind", left.place.clone())
        .fact("refused", why)
        .hint(how_to_unlock(left))
        .with_source(cause)
}

fn other_id(holder: &Holder, id: &str) -> Error {
    let Some(info) = &holder.info else {
        return Error::new(ErrorKind::Corrupt, "the lock record can't be read; nothing was removed")
            .fact("kept in", holder.place.clone())
            .fact("record", holder.record.clone().unwrap_or_else(|| "none".to_owned()))
            .hint(
                "once nobody uses the state: `s3tate lock break -unreadable` shows it, asks, and removes it",
            );
    };
    Error::new(
        ErrorKind::Locked,
        format!("lock ID \"{id}\" does not match existing lock (\"{}\"); nothing was removed", info.id),
    )
    .fact("held by", format!("{} since {}", info.who, info.created))
    .fact("operation", info.operation.clone())
    .fact("kept in", holder.place.clone())
    .hint(format!("if that run is dead: `s3tate force-unlock {}`", info.id))
}
