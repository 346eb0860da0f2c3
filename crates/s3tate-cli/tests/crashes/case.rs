//! One case: a command, the number of a request, and what happens to it.

use std::fmt;
use std::time::Duration;

use s3tate_testkit::{Client, Endpoint, Faults, Finished, Locking, Workdir, wait_for};

use crate::judge::{End, Verdict};
use crate::operation::{Operation, Target};
use crate::recovery::recover;
use crate::trouble::Trouble;

pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A command, the number of a request of its, counted from 0, and what happens to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    pub(crate) locking: Locking,
    pub(crate) number: usize,
    pub(crate) trouble: Trouble,
}

/// A command that has run, with where it ran.
pub(crate) struct Ran {
    pub(crate) workdir: Workdir,
    /// How it ended; the exit code is missing when it was killed.
    pub(crate) finished: Finished,
    /// Requests it made, in words.
    pub(crate) requests: Vec<String>,
    pub(crate) touched: bool,
}

impl Case {
    /// Runs it and recovers. Fails with what is wrong; otherwise tells how it ended, and where stock can go on.
    pub(crate) fn run(&self, endpoint: &Endpoint, name: &str) -> Result<(End, Ran), String> {
        let target = self.target(endpoint, name);
        let ran = self.struck(&target);
        let story = |wrong: String| {
            let requests = ran.requests.join("\n    ");
            format!("{self}: {wrong}\n    {requests}\n{}", ran.finished)
        };
        let verdict = Verdict { case: self, target: &target, ran: &ran };
        verdict.right_after().map_err(story)?;
        recover(self, &target, &ran).map_err(story)?;
        let end = verdict.recovered().map_err(story)?;
        Ok((end, ran))
    }

    pub(crate) fn target<'a>(&self, endpoint: &'a Endpoint, name: &str) -> Target<'a> {
        let (workspace, locking) = (self.operation.workspace(), self.locking);
        Target { endpoint, key: format!("{name}/prod.tfstate"), workspace, locking }
    }

    fn struck(&self, target: &Target<'_>) -> Ran {
        let (front, faults) = Faults::before(target.endpoint);
        let workdir = prepared(self.operation, target, self.trouble.attempts());
        let stall = self.trouble.plan(&faults, self.number, target);
        let mut running = s3tate(&front).command(&workdir, self.operation.arguments()).start();
        let reached = stall.as_ref().is_some_and(|stall| {
            wait_for("the request, or the end", LIMIT, || {
                (stall.was_reached() || running.has_ended()).then(|| stall.was_reached())
            })
        });
        let finished = if reached && self.trouble.kills() {
            running.kill()
        } else {
            if let Some(stall) = &stall {
                stall.open();
            }
            running.finish()
        };
        Ran::new(workdir, finished, &faults)
    }
}

impl Ran {
    fn new(workdir: Workdir, finished: Finished, faults: &Faults) -> Self {
        let requests = faults.recorder().take().iter().map(ToString::to_string).collect();
        let touched = workdir.read("ran").is_some();
        Self { workdir, finished, requests, touched }
    }
}

/// How many requests the command makes when nothing goes wrong.
pub(crate) fn clean_run(operation: Operation, target: &Target<'_>) -> usize {
    let (front, faults) = Faults::before(target.endpoint);
    let workdir = prepared(operation, target, 1);
    let _done = s3tate(&front).run(&workdir, operation.arguments()).succeeds();
    faults.recorder().take().len()
}

/// s3tate at an endpoint; digests that disagree are reported at once.
pub(crate) fn s3tate(endpoint: &Endpoint) -> Client {
    Client::new(env!("CARGO_BIN_EXE_s3tate"), endpoint).env("S3TATE_DIGEST_TIMEOUT", "0s")
}

/// A directory from which the command is run, with its store prepared.
fn prepared(operation: Operation, target: &Target<'_>, attempts: u32) -> Workdir {
    let workdir = Workdir::with(&target.block(attempts));
    operation.prepare(target, &workdir);
    workdir
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, locking, number, trouble } = self;
        write!(f, "{operation:?} {locking:?}: {trouble:?} at request {number}")
    }
}
