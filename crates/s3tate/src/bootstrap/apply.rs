//! Carries a plan out, step by step. A step that fails leaves the rest undone.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;

use super::plan::Plan;
use super::step::{Action, Change, Step, Subject};
use crate::aws::{Failure, Service};
use crate::config::BackendConfig;
use crate::error::{Error, ErrorKind, Result};

/// How often something that isn't ready yet is asked for; the waits between add up to about two minutes.
pub(super) const TRIES: u32 = 30;
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Answers about something that was created a moment ago and isn't known everywhere yet.
const NOT_YET: &[&str] = &["NoSuchBucket", "OperationAborted", "ContinuousBackupsUnavailableException"];

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The store doesn't have it; nothing was changed by it.
    Unsupported,
}

/// Why a step did not end well.
pub(super) enum Stop {
    Failed(Failure),
    Refused(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Plan {
    /// Carries out the steps that create or adopt; `progress` hears of each when it has ended.
    ///
    /// # Errors
    /// Those of the step that failed, with what was done and what remains. Running again looks anew and goes on.
    /// - [`ErrorKind::Invalid`]: see [`Plan::check`]; or the bucket belongs to somebody else.
    /// - [`ErrorKind::Conflict`]: something appeared or changed since the plan was made.
    /// - [`ErrorKind::Unknown`]: no answer came, so the step may or may not be done.
    /// - [`ErrorKind::Denied`]: a step was refused; or all was done but something could not be seen.
    pub async fn apply(&self, mut progress: impl FnMut(&Step, Outcome)) -> Result<()> {
        self.check()?;
        let steps: Vec<(&Step, &Change)> =
            self.steps().iter().filter_map(|step| Some((step, step.change.as_ref()?))).collect();
        for (number, (step, change)) in steps.iter().enumerate() {
            match self.carry_out(change).await {
                Ok(outcome) => progress(step, outcome),
                Err(stop) => return Err(stopped(stop, &steps, number)),
            }
        }
        self.unseen()
    }

    async fn carry_out(&self, change: &Change) -> Result<Outcome, Stop> {
        match change {
            Change::CreateBucket => self.create_bucket().await,
            Change::BlockPublicAccess => self.settled(|| self.block_public_access()).await,
            Change::KeepVersions => self.settled(|| self.keep_versions()).await,
            Change::Encrypt => self.settled(|| self.encrypt()).await,
            Change::PutPolicy { before, after } => {
                self.check_policy(before.as_deref()).await?;
                self.settled(|| self.put_policy(after)).await
            }
            Change::CreateTable => self.create_table().await,
            Change::AwaitTable => {
                self.wait_until_active().await?;
                Ok(Outcome::Done)
            }
            Change::ProtectTable => self.is_protected().await,
            Change::EnableRecovery => self.settled(|| self.enable_recovery()).await,
        }
    }

    pub(super) fn config(&self) -> &BackendConfig {
        &self.backend.config
    }

    pub(super) fn failed<T, E>(
        &self,
        service: Service,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        answer.map_err(|error| self.backend.clients.failure(service, &error))
    }

    /// Sends a request until what it is about is known to the store.
    async fn settled<F>(&self, send: impl Fn() -> F) -> Result<Outcome, Stop>
    where
        F: Future<Output = Result<(), Stop>>,
    {
        let mut waits = waits();
        loop {
            match send().await {
                Ok(()) => return Ok(Outcome::Done),
                Err(Stop::Failed(failure)) if failure.unsupported() => return Ok(Outcome::Unsupported),
                Err(Stop::Failed(failure)) if NOT_YET.iter().any(|code| failure.is(code)) => {
                    let Some(wait) = waits.next() else { return Err(failure.into()) };
                    self.backend.env.sleep(wait).await;
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// All that could be done is done, but nobody knows about what can't be seen.
    fn unseen(&self) -> Result<()> {
        let optional = [Subject::LockObjectExpiry, Subject::DeletionProtection, Subject::PointInTimeRecovery];
        let unseen = self.steps().iter();
        let mut unseen = unseen
            .filter(|step| step.action == Action::Denied && !optional.contains(&step.subject))
            .peekable();
        if unseen.peek().is_none() {
            return Ok(());
        }
        let message = "these credentials may not see everything; the rest is as planned";
        let error = Error::new(ErrorKind::Denied, message);
        let error = unseen.fold(error, |error, step| error.fact("not seen", step.to_string()));
        Err(error.hint("run it again with credentials that may read the configuration of bucket and table"))
    }
}

impl Stop {
    fn into_error(self, step: &str, message: String) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Failed(failure) if failure.outcome_unknown() => failure
                .into_error_of(ErrorKind::Unknown, format!("can't tell whether `{step}` was carried out")),
            Self::Failed(failure) => failure.into_error(message),
        }
    }
}

fn stopped(stop: Stop, steps: &[(&Step, &Change)], number: usize) -> Error {
    let (failed, change) = steps[number];
    let names = |steps: &[(&Step, &Change)]| {
        let names: Vec<_> = steps.iter().map(|(step, _)| step.to_string()).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let word = failed.action.as_str();
    let error =
        stop.into_error(failed.subject.as_str(), format!("can't {word} {failed}; the rest was not tried"));
    // A bucket that this run made is one that exists for the next.
    let created = *change != Change::CreateBucket && steps[0].1 == &Change::CreateBucket;
    let adopting = created || failed.action == Action::Adopt;
    let again = if adopting { "-apply -adopt" } else { "-apply" };
    error
        .fact("done", names(&steps[..number]))
        .fact("remains", names(&steps[number..]))
        .fact("next", format!("`s3tate bootstrap {again}` looks anew and goes on"))
}

pub(super) fn incomplete(cause: BuildError) -> Stop {
    Stop::Refused(Error::new(ErrorKind::Bug, "can't put a request together").with_source(cause))
}

/// The waits between tries.
pub(super) fn waits() -> impl Iterator<Item = Duration> {
    let doubled = |number| FIRST_WAIT.saturating_mul(2_u32.saturating_pow(number));
    (0..TRIES - 1).map(move |number| doubled(number).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = waits().collect();
        assert_eq!(waits.len(), 29);
        assert_eq!(waits[..3], [100, 200, 400].map(Duration::from_millis));
        assert_eq!(waits[28], LONGEST_WAIT);
        let total: Duration = waits.into_iter().sum();
        assert!((Duration::from_mins(1)..Duration::from_mins(3)).contains(&total), "{total:?}");
    }
}
