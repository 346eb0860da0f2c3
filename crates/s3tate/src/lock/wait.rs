//! Waiting for a lock that somebody else holds.

use std::time::Duration;

use super::{Holder, LockRecord, Locks, Refusal};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};

/// Attempts at once when a holder vanished between refusal and look-up, although no waiting was asked for.
const CONTENDED_ATTEMPTS: u32 = 5;
/// The pause between those.
const CONTENDED_PAUSE: Duration = Duration::from_millis(50);
/// Waits never grow beyond this, as with stock clients.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// How a lock is asked for.
#[derive(Debug, Clone, Copy)]
pub struct LockOptions {
    /// Whether to lock at all. Default: true.
    pub lock: bool,
    /// Longest wait for a lock that someone else holds; zero fails at once. Default: 0 s.
    pub timeout: Duration,
    /// Told each time the lock was found held, before waiting on.
    pub progress: fn(&Waiting<'_>),
}

impl Default for LockOptions {
    fn default() -> Self {
        Self { lock: true, timeout: Duration::ZERO, progress: |_| {} }
    }
}

/// What a wait is about.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Who holds the lock.
    pub holder: &'a Holder,
    /// Until the next attempt.
    pub pause: Duration,
    /// Until giving up.
    pub left: Duration,
}

/// Acquires, waiting as long as the options say, with stock's pauses of 1, 2, 4, 8, 16, 16, … seconds.
///
/// # Errors
/// [`ErrorKind::Locked`]: somebody else still holds the lock; nothing was taken. Failures of the store as they are.
pub(crate) async fn acquire(
    locks: &Locks,
    record: &LockRecord,
    options: &LockOptions,
    env: &Env,
) -> Result<Vec<Holder>> {
    let end = env.instant() + options.timeout;
    let mut pause = Duration::from_secs(1);
    let mut contended = 0;
    loop {
        let refusal = match locks.acquire(record).await {
            Ok(held) => return Ok(held),
            Err(refusal) => refusal,
        };
        let left = end.saturating_duration_since(env.instant());
        match refusal {
            Refusal::Failed(error) => return Err(error),
            Refusal::Contended(why) if contended >= CONTENDED_ATTEMPTS && left.is_zero() => {
                return Err(contended_error(record, &why));
            }
            Refusal::Contended(_) => {
                contended += 1;
                env.sleep(CONTENDED_PAUSE * contended).await;
            }
            Refusal::Held(holder) if left.is_zero() => return Err(held_error(record, &holder, env)),
            Refusal::Held(holder) => {
                (options.progress)(&Waiting { holder: &holder, pause: pause.min(left), left });
                env.sleep(pause.min(left)).await;
                if pause >= left {
                    return Err(held_error(record, &holder, env));
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn held_error(record: &LockRecord, holder: &Holder, env: &Env) -> Error {
    let error =
        Error::new(ErrorKind::Locked, format!("`s3://{}` is locked; nothing was written", record.info.path));
    let error = holder.explain(error, env.now());
    match &holder.info {
        Some(info) => error.hint(format!(
            "wait with `-lock-timeout=5m`; if that run is dead, `s3tate force-unlock {}`",
            info.id
        )),
        None => error.hint("`s3tate lock show` shows the record as it is stored"),
    }
}

fn contended_error(record: &LockRecord, why: &str) -> Error {
    Error::new(
        ErrorKind::Locked,
        format!("`s3://{}` is being locked by others; nothing was written", record.info.path),
    )
    .fact("cause", why)
    .hint(
        "wait with `-lock-timeout=1m`; if nobody is: `s3tate doctor` tells whether the store can lock at all",
    )
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;
