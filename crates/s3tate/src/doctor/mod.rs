//! `doctor`: what is wrong with a state, its locks, its store; how that is known; and the one repair that is safe.
//!
//! [`Workspace::examine`] reads, and tries the store's behaviour on keys of its own. [`Workspace::fix`] changes one item,
//! where the evidence proves what it should be. Everything else is explained, with the commands to choose from.

mod behaviour;
mod commands;
mod digest;
mod finding;
mod fix;
mod keys;
mod locks;
mod look;
mod probe;
mod settings;
mod versions;

pub use behaviour::{Behaviour, Observed};
pub use finding::{Fact, Finding, FindingKind, Severity};
pub use fix::Kept;

use commands::Commands;
use digest::{Case, Judged};
use fix::Fix;
use look::{Seen, look, look_again};
use probe::Probed;

use crate::aws::Failure;
use crate::digest_item::RecordedDigest;
use crate::error::Result;
use crate::lock::{LockKind, unproven_store};
use crate::read::Snapshot;
use crate::workspace::Workspace;

/// What to examine.
#[derive(Debug, Clone, Copy)]
pub struct Examination {
    /// Whether to try how the store behaves, which writes to keys of its own and removes them. Default: true.
    pub probe: bool,
}

impl Default for Examination {
    fn default() -> Self {
        Self { probe: true }
    }
}

/// Everything that was found.
#[derive(Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
    fix: Option<Fix>,
}

impl Diagnosis {
    /// The findings, by what they are about.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether no problem is left.
    pub fn is_healthy(&self) -> bool {
        !self.findings.iter().any(Finding::is_open)
    }

    /// Whether [`Workspace::fix`] has something to do.
    pub fn is_fixable(&self) -> bool {
        self.fix.is_some()
    }

    fn fixed(&mut self, kind: FindingKind, kept: &[String]) {
        for finding in self.findings.iter_mut().filter(|finding| finding.kind == kind) {
            finding.fixed = true;
            finding.commands.clear();
            finding.advice = None;
            finding
                .facts
                .extend(kept.iter().map(|place| Fact { label: "kept".into(), value: place.clone() }));
        }
    }
}

impl Workspace {
    /// Examines this workspace: credentials, bucket, table, state, digest, locks, and how the store behaves.
    ///
    /// Reads in one round, and once more where object and digest disagree. What can't be looked at is a finding.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Interrupted`]: a stop was asked for. [`crate::ErrorKind::Bug`]: the system gives no randomness.
    pub async fn examine(&self, examination: &Examination) -> Result<Diagnosis> {
        let (seen, probed) = if examination.probe {
            let (seen, probed) = tokio::join!(Box::pin(look(self)), self.probe());
            (seen, Some(probed?))
        } else {
            (look(self).await, None)
        };
        let commands = Commands::of(self).await;
        let mut findings = settings::judge(self, &seen);
        let judged = self.judge_state(&seen, &commands).await;
        findings.extend(judged.findings);
        findings.extend(locks::judge(self, &seen));
        findings.extend(keys::judge(self, &seen));
        if let Some(probed) = &probed {
            findings.extend(self.judge_probe(probed, &commands).await);
        }
        Ok(Diagnosis { findings, fix: judged.fix })
    }

    /// Comes to its end, with nothing left behind, even if whoever waits for it stops doing so.
    async fn probe(&self) -> Result<Probed> {
        let step = self.backend.keeper.begin(None)?;
        let backend = self.backend.clone();
        step.carry_out(async move { probe::run(&backend).await }).await
    }

    async fn judge_state(&self, seen: &Seen, commands: &Commands) -> Judged {
        let versions = seen.versions.as_ref().map_err(Failure::cause_line);
        let (object, recorded) = match readable(self, &seen.object, seen.recorded.as_ref()) {
            Ok(read) => read,
            Err(findings) => return Judged { findings, fix: None },
        };
        let locked = seen.is_locked();
        let case = |object, recorded, versions| Case {
            url: self.url(),
            place: self.digest_item().map(|item| item.place()).unwrap_or_default(),
            object,
            recorded,
            versions,
            commands,
            locked,
        };
        let first = case(object, recorded, versions.clone());
        if !first.is_puzzling() {
            return first.judge();
        }
        // A writer may have been between the two; and the history tells what happened.
        let mut history = versions.cloned();
        let read = async {
            if let Ok(history) = &mut history {
                versions::read(self, history).await;
            }
        };
        let ((object, recorded), ()) = futures::future::join(look_again(self), read).await;
        match readable(self, &object, recorded.as_ref()) {
            Ok((object, recorded)) => case(object, recorded, history.as_ref().map_err(Clone::clone)).judge(),
            Err(findings) => Judged { findings, fix: None },
        }
    }

    async fn judge_probe(&self, probed: &Probed, commands: &Commands) -> Vec<Finding> {
        let mut findings: Vec<_> =
            probed.observed.iter().map(|(what, seen)| behaviour::finding(*what, seen)).collect();
        let created = probed.observed.iter().find(|(what, _)| *what == Behaviour::CreateOnce);
        if let Some((_, observed)) = created {
            findings.extend(self.learn(observed).await);
        }
        for (kind, place, why) in &probed.left {
            let command = match kind {
                LockKind::LockFile => commands.delete_object(place),
                // The probe takes no locks of the other kinds.
                LockKind::DynamoDb | LockKind::File | LockKind::Http => commands.delete_item(place),
            };
            let finding =
                Finding::warning(FindingKind::Probe, format!("the probe could not remove `{place}`"));
            findings.push(finding.fact("cause", why.clone()).command(command));
        }
        findings
    }

    /// Remembers whether the store's lock objects can be trusted.
    async fn learn(&self, observed: &Observed) -> Option<Finding> {
        let store = unproven_store(&self.backend.clients, &self.backend.config).await?;
        match observed {
            Observed::Honoured => {
                self.backend.trust.remember(&store);
                None
            }
            Observed::Ignored | Observed::Refused(_) => {
                let cause = self.backend.trust.forget(&store).err()?;
                let summary = "lock objects were trusted here before, and that can't be taken back";
                Some(Finding::problem(FindingKind::Probe, summary).fact("cause", cause.to_string()))
            }
            Observed::Denied(_) | Observed::Failed(_) => None,
        }
    }
}

type Readable<'a> = (&'a Snapshot, Option<&'a RecordedDigest>);

/// Object and recorded digest, or why they can't be held against each other.
fn readable<'a>(
    workspace: &Workspace,
    object: &'a Result<Snapshot, Failure>,
    recorded: Option<&'a Result<RecordedDigest>>,
) -> Result<Readable<'a>, Vec<Finding>> {
    let mut findings = Vec::new();
    if let Err(failure) = object
        && !failure.is("NoSuchBucket")
    {
        findings.push(unreadable(workspace, failure));
    }
    if let Some(Err(error)) = recorded {
        findings.push(Finding::of_error(FindingKind::Access, Severity::Problem, error));
    }
    match (object, recorded) {
        (Ok(object), None) => Ok((object, None)),
        (Ok(object), Some(Ok(recorded))) => Ok((object, Some(recorded))),
        _ => Err(findings),
    }
}

fn unreadable(workspace: &Workspace, failure: &Failure) -> Finding {
    let summary = format!("`{}` can't be read: {}", workspace.url(), failure.cause_line());
    let finding = Finding::problem(FindingKind::Access, summary);
    if !failure.is("AccessDenied") {
        return finding;
    }
    finding
        .fact("or", "it is missing: without s3:ListBucket S3 answers 403 for that, too")
        .advice("grant s3:GetObject on it, and s3:ListBucket on the bucket; `s3tate bootstrap -policy=reader` prints a policy")
}
