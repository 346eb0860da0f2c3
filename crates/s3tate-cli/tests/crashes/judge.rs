//! What has to hold after a command that met a fault, and after its user has recovered.

use s3tate_testkit::{LockRecord, Object, md5_hex};

use crate::case::{Case, Ran};
use crate::operation::{Operation, Target};
use crate::trouble::{THIEF, Trouble, theirs, thief};

/// What is stored in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Before,
    Done,
    Theirs,
}

/// Exit codes that are promised for a failure.
const FAILURES: [i32; 5] = [1, 2, 3, 4, 5];

/// The invariants over one case.
pub(crate) struct Verdict<'a> {
    pub(crate) case: &'a Case,
    pub(crate) target: &'a Target<'a>,
    pub(crate) ran: &'a Ran,
}

type Judged<T = ()> = Result<T, String>;

impl Verdict<'_> {
    /// Judges what the command left.
    pub(crate) fn right_after(&self) -> Judged {
        let end = self.end()?;
        match self.ran.finished.code() {
            Some(0) => self.acknowledged(end)?,
            Some(code) => holds(FAILURES.contains(&code), || format!("exit code {code}"))?,
            None => holds(self.case.trouble.kills(), || "it died".into())?,
        }
        self.locks_are_told()?;
        self.told_the_truth(end)?;
        self.nobody_elses_is_touched()
    }

    /// Judges what is there after the user did what the message said: stock reads it, and may lock it.
    pub(crate) fn recovered(&self) -> Judged<End> {
        let end = self.end()?;
        self.digest_fits()?;
        let left = self.target.backend().locks();
        holds(left.is_empty(), || format!("after recovery there are locks: {left:?}"))?;
        if self.ran.finished.code() == Some(0) {
            self.acknowledged(end)?;
        }
        Ok(end)
    }

    /// Which of the allowed states is stored: wholly the old one, the new one, or what somebody else wrote.
    fn end(&self) -> Judged<End> {
        let stored = self.target.store().get(&self.target.state_key());
        let bytes = stored.as_ref().map(|object| object.bytes.as_slice());
        if self.case.trouble == Trouble::Swapped && self.written_over_theirs(stored.as_ref()) {
            return Ok(if bytes == Some(theirs().as_slice()) { End::Theirs } else { End::Done });
        }
        holds(self.case.trouble != Trouble::Swapped || !self.was_struck(), || {
            format!("somebody else's write is gone: {}", shown(bytes))
        })?;
        if self.case.operation.is_done_by(bytes) {
            return Ok(End::Done);
        }
        holds(bytes == self.case.operation.before().as_deref(), || format!("torn: {}", shown(bytes)))?;
        Ok(End::Before)
    }

    /// Whether what somebody else wrote is stored, or something that knowingly replaced it.
    fn written_over_theirs(&self, stored: Option<&Object>) -> bool {
        let Some(object) = stored else {
            // A deletion is bound to what was read, which was theirs only if it came before anything was deleted.
            let struck = self.ran.requests.get(self.case.number);
            return self.case.operation == Operation::WorkspaceDelete
                && struck.is_some_and(|request| !request.to_lowercase().starts_with("delete"));
        };
        let parent = object.metadata.get("s3tate-parent");
        object.bytes == theirs() || parent == Some(&md5_hex(&theirs()))
    }

    fn was_struck(&self) -> bool {
        self.ran.requests.len() > self.case.number
    }

    /// What was acknowledged is there, with its digest, and the lock is free.
    fn acknowledged(&self, end: End) -> Judged {
        let changed = self.case.was_interfered_with();
        holds(end == End::Done || changed, || format!("acknowledged, yet {end:?}"))?;
        if self.case.operation == Operation::LockRun {
            holds(self.ran.touched, || "the command did not run".into())?;
        }
        if !changed && self.case.locking.has_table() {
            let (actual, digest) = self.digests();
            holds(digest == actual, || format!("acknowledged with digest {digest:?} of {actual:?}"))?;
        }
        // To a store that says the lock is not ours any more there is nothing to add, but to say so.
        let told = changed && self.told_of_loss();
        let ours = self.our_locks();
        holds(ours.is_empty() || told, || format!("acknowledged, yet there are locks: {ours:?}"))
    }

    fn told_of_loss(&self) -> bool {
        let said = self.ran.finished.stderr_text();
        said.contains("was taken away") || said.contains("lock with this ID")
    }

    /// Locks of ours that are left stand in the message, unless nobody lived to write one. Who removes a lock knows it.
    fn locks_are_told(&self) -> Judged {
        let said = self.ran.finished.stderr_text();
        let silent = |lock: &&LockRecord| !said.contains(&lock.id);
        let knows = self.case.operation == Operation::ForceUnlock || self.told_of_loss();
        if self.case.trouble.kills() || knows {
            return Ok(());
        }
        let locks = self.our_locks();
        let untold: Vec<_> = locks.iter().filter(silent).collect();
        holds(untold.is_empty(), || format!("left locked without a word: {untold:?}"))
    }

    /// What says that nothing was written is right.
    fn told_the_truth(&self, end: End) -> Judged {
        let said = self.ran.finished.stderr_text();
        let denies = [
            "nothing was written",
            "nothing was deleted",
            "the state is as it was",
            "the stored state is as it was",
        ]
        .iter()
        .any(|words| said.contains(words));
        let writes = !matches!(self.case.operation, Operation::ForceUnlock | Operation::LockRun);
        holds(!denies || !writes || end != End::Done, || "it was written, and that is denied".into())
    }

    /// A lock that somebody else took stays exactly as it is.
    fn nobody_elses_is_touched(&self) -> Judged {
        if self.case.trouble != Trouble::Stolen || !self.was_struck() {
            return Ok(());
        }
        let (found, whole) = (self.target.backend().locks(), thief(&self.target.lock_path()));
        let mechanisms =
            usize::from(self.case.locking.has_table()) + usize::from(self.case.locking.has_lockfile());
        holds(found == vec![whole; mechanisms], || format!("somebody else's lock was touched: {found:?}"))
    }

    fn digest_fits(&self) -> Judged {
        let (actual, digest) = self.digests();
        holds(digest.is_none() || digest == actual, || {
            format!("digest {digest:?} of a state with {actual:?}")
        })
    }

    /// The digest of the stored state, and the one that is recorded.
    fn digests(&self) -> (Option<String>, Option<String>) {
        let key = self.target.state_key();
        let state = self.target.store().get(&key);
        (state.map(|object| md5_hex(&object.bytes)), self.target.store().digest(&key))
    }

    fn our_locks(&self) -> Vec<LockRecord> {
        self.target.backend().locks().into_iter().filter(|lock| lock.id != THIEF).collect()
    }
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or("nothing".into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn holds(condition: bool, wrong: impl FnOnce() -> String) -> Judged {
    if condition { Ok(()) } else { Err(wrong()) }
}
