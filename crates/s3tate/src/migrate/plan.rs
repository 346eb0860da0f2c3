//! What a migration would do, by one look at both ends and without a lock.

use futures::{StreamExt as _, TryStreamExt as _};

use super::rule::{Verdict, judge};
use super::{Migration, Pair, serial_and_lineage};
use crate::error::{Error, ErrorKind, Result};

/// How many states are looked at at a time.
const CONCURRENT_LOOKS: usize = 8;

/// What is going to happen, one step for each workspace.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The steps, in the order in which they are carried out.
    pub steps: Vec<Step>,
    /// Places that nobody can be kept out of.
    pub unlocked: Vec<String>,
}

/// One workspace.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name.
    pub workspace: String,
    /// Where it is.
    pub from: String,
    /// Where it is to be.
    pub to: String,
    /// What is going to happen.
    pub action: Action,
    /// The source's serial and lineage.
    pub header: Option<(u64, String)>,
    /// Whether the source is deleted at the end.
    pub delete_source: bool,
}

/// What is going to happen with a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// There is no state.
    Nothing,
    /// An earlier run has copied and verified it.
    Done,
    /// The destination holds it already: it is verified under lock.
    Same,
    /// It is copied to where nothing is.
    Copy,
    /// It is copied over what is there, which is kept; why that is right.
    Replace(String),
    /// It stays where it is; its locks and its digest are kept elsewhere.
    Relock,
    /// It can't be migrated; why, and what to do.
    Refused(String, &'static str),
}

impl Plan {
    /// Whether nothing is going to be written.
    pub fn is_idle(&self) -> bool {
        let idle = |step: &Step| match step.action {
            Action::Nothing => true,
            Action::Done | Action::Same => !step.delete_source,
            Action::Copy | Action::Replace(_) | Action::Relock | Action::Refused(..) => false,
        };
        self.steps.iter().all(idle)
    }

    /// The error of a plan that can't be carried out as a whole.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`]: the steps that are refused.
    pub fn check(&self) -> Result<()> {
        let mut refused = self.steps.iter().filter_map(|step| match &step.action {
            Action::Refused(why, hint) => Some((step, why, *hint)),
            _ => None,
        });
        let Some((first, why, hint)) = refused.next() else { return Ok(()) };
        let error = Error::new(ErrorKind::Conflict, "not every state can be migrated; nothing was written");
        let error = error.fact(first.workspace.clone(), why.clone());
        let error =
            refused.fold(error, |error, (step, why, _)| error.fact(step.workspace.clone(), why.clone()));
        Err(error.hint(hint))
    }
}

impl Migration {
    /// Looks at all states of both ends. Nothing is locked and nothing written.
    ///
    /// # Errors
    /// Failures of either end.
    pub async fn plan(&self) -> Result<Plan> {
        let pairs = self.pairs().await?;
        let mut unlocked: Vec<_> = pairs
            .iter()
            .flat_map(|pair| [&pair.from, &pair.to])
            .filter(|place| !self.options.lock.lock || !place.locks())
            .map(super::Place::url)
            .collect();
        unlocked.dedup();
        let looks = pairs.iter().map(|pair| self.look(pair));
        let steps = futures::stream::iter(looks).buffered(CONCURRENT_LOOKS).try_collect().await?;
        Ok(Plan { steps, unlocked })
    }

    async fn look(&self, pair: &Pair) -> Result<Step> {
        let name = pair.name.as_str();
        let source = pair.from.read(false).await?;
        let action = match &source.bytes {
            None if self.progress.verified.contains_key(name) => Action::Done,
            None => Action::Nothing,
            Some(_) if self.is_done(name, &source) => Action::Done,
            Some(_) if pair.one => Action::Relock,
            Some(bytes) => {
                let stored = pair.to.read(false).await?.bytes;
                match judge(bytes, stored.as_deref(), self.options.force, self.progress.before(name)) {
                    Verdict::Same => Action::Same,
                    Verdict::Copy => Action::Copy,
                    Verdict::Replace(why) => Action::Replace(why),
                    Verdict::Refuse(why, hint) => Action::Refused(why, hint),
                }
            }
        };
        Ok(Step {
            workspace: name.to_owned(),
            from: pair.from.url(),
            to: pair.to.url(),
            action,
            header: source.bytes.as_ref().map(serial_and_lineage),
            delete_source: self.options.delete_source && source.bytes.is_some(),
        })
    }

    /// Whether an earlier run has verified exactly what the source still holds, and left no lock.
    pub(super) fn is_done(&self, name: &str, source: &super::place::Seen) -> bool {
        let digest = source.digest().map(|digest| digest.to_string());
        digest.is_some()
            && self.progress.verified.get(name) == digest.as_ref()
            && !self.progress.is_locked(name)
    }
}
