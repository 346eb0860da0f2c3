//! Deleting a source, once everything is verified and on condition that it is still what was copied.

use super::entry::{Entry, Side};
use super::rule::is_same;
use super::{Migration, Pair};
use crate::error::{Error, ErrorKind, Result};
use crate::state::Header;

impl Migration {
    /// Deletes the source of a state; `false` where there is none any more.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: the source changed since it was copied, or the destination doesn't hold it any more;
    /// nothing was deleted.
    pub(super) async fn retire(&mut self, pair: &Pair) -> Result<bool> {
        let name = pair.name.to_string();
        if self.progress.retired.contains(&name) || !self.progress.verified.contains_key(&name) {
            return Ok(false);
        }
        let (_, guard) = self.lock_side(pair, Side::Source, None).await?;
        let retired = self.retire_locked(pair, guard.is_some()).await;
        let retired = self.unlock_side(pair, Side::Source, guard, retired).await?;
        if !pair.one {
            pair.from.tidy();
        }
        self.record(Entry::Retired { workspace: name })?;
        Ok(retired)
    }

    async fn retire_locked(&mut self, pair: &Pair, locked: bool) -> Result<bool> {
        let name = pair.name.to_string();
        let source = pair.from.read(locked).await?;
        let Some(bytes) = &source.bytes else { return Ok(false) };
        let digest = source.digest().map(|digest| digest.to_string());
        if digest.as_ref() != self.progress.verified.get(&name) {
            return Err(stays(pair, "it was written after it was copied")
                .hint("the same command copies it again; let nobody work at the source"));
        }
        if pair.one {
            self.record(Entry::Retiring { workspace: name })?;
            pair.from.disown(&pair.to).await?;
            return Ok(true);
        }
        let stored = pair.to.read(false).await?;
        if !stored.bytes.as_ref().is_some_and(|stored| is_same(stored, bytes) || succeeds(stored, bytes)) {
            return Err(stays(pair, "the destination doesn't hold it any more"));
        }
        self.record(Entry::Retiring { workspace: name })?;
        pair.from.delete(&source).await?;
        Ok(true)
    }
}

/// Whether the destination has been gone on with since.
fn succeeds(stored: &[u8], bytes: &[u8]) -> bool {
    let (Ok(Some(theirs)), Ok(Some(ours))) = (Header::parse(stored), Header::parse(bytes)) else {
        return false;
    };
    !ours.lineage.is_empty() && theirs.lineage == ours.lineage && theirs.serial > ours.serial
}

fn stays(pair: &Pair, why: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("`{}` was not deleted", pair.from.url()))
        .fact("cause", why)
        .fact("destination", pair.to.url())
}
