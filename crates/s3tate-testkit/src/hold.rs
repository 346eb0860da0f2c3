//! A stock run that holds a lock for as long as a test wants.

use std::time::Duration;

use crate::{Backend, Client, Finished, LockRecord, Running, Workdir, wait_for};

const LIMIT: Duration = Duration::from_mins(1);

/// `terraform apply` that waits for its approval, which it does under the lock.
#[derive(Debug)]
pub struct Hold {
    running: Running,
    record: LockRecord,
}

impl Hold {
    /// Starts an apply in `workdir`, where something has to change, and returns when the lock is held.
    pub fn apply(terraform: &Client, workdir: &Workdir, backend: &Backend<'_>) -> Self {
        let mut running = terraform.command(workdir, &["apply"]).start();
        wait_for("stock to hold the lock at its prompt", LIMIT, || {
            assert!(!running.has_ended(), "apply ended before it asked: {}", running.stdout_so_far());
            (running.stdout_so_far().contains("Enter a value") && backend.is_locked()).then_some(())
        });
        let record = backend.locks().pop().expect("the lock is held");
        Self { running, record }
    }

    /// What the lock says.
    pub fn record(&self) -> &LockRecord {
        &self.record
    }

    /// Approves the apply and waits for its end.
    pub fn approve(mut self) -> Finished {
        self.running.send(b"yes\n");
        self.running.finish()
    }

    /// Declines the apply and waits for its end.
    pub fn decline(mut self) -> Finished {
        self.running.send(b"no\n");
        self.running.finish()
    }

    /// Kills it, which leaves the lock behind.
    pub fn kill(self) -> LockRecord {
        assert_eq!(self.running.kill().code(), None, "a killed program has no exit code");
        self.record
    }
}
