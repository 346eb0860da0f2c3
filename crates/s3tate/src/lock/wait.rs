//! Waiting for a lock that somebody else holds.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{HeldLock, Holder, LockGuard, LockKind, LockRecord, Locks, Refusal};
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};

/// Attempts although no waiting was asked for, where a holder vanished between refusal and look-up, or another client
/// was just writing (409).
const CONTENDED_ATTEMPTS: u32 = 5;
/// The first pause between those, doubled each time.
const CONTENDED_PAUSE: Duration = Duration::from_millis(50);
/// Those pauses grow no longer than this.
const LONGEST_CONTENDED_PAUSE: Duration = Duration::from_secs(1);
/// The first pause before a holder is looked at again, doubled each time.
const HELD_PAUSE: Duration = Duration::from_secs(1);
/// Those pauses grow no longer than this, as with stock clients.
const LONGEST_HELD_PAUSE: Duration = Duration::from_secs(16);
/// A pause becomes longer by up to a tenth of it, and by no more than this, so that those who wait don't meet again.
const LONGEST_JITTER: Duration = Duration::from_millis(250);

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
    /// The state whose lock is waited for: `s3://BUCKET/KEY`.
    pub url: &'a str,
    /// Who holds the lock.
    pub holder: &'a Holder,
    /// The present time, to tell the holder's age by.
    pub now: Timestamp,
    /// Until the next attempt.
    pub pause: Duration,
    /// Until giving up.
    pub left: Duration,
}

/// Acquires, waiting as long as the options say, with stock's pauses of 1, 2, 4, 8, 16, 16, … seconds.
///
/// # Errors
/// [`ErrorKind::Locked`]: somebody else still holds the lock; nothing was taken. [`ErrorKind::Interrupted`]: a stop was
/// asked for; nothing was taken. Failures of the store as they are.
pub(crate) async fn acquire(
    locks: &Arc<Locks>,
    record: &Arc<LockRecord>,
    lock: &HeldLock,
    options: &LockOptions,
    env: &Env,
) -> Result<LockGuard> {
    let end = env.instant() + options.timeout;
    let mut pauses = Pauses { patient: !options.timeout.is_zero(), held: 0, contended: 0 };
    loop {
        let refusal = match attempt(locks, record, lock).await? {
            Ok(guard) => return Ok(guard),
            Err(refusal) => refusal,
        };
        let left = end.saturating_duration_since(env.instant());
        let (next, error) = match refusal {
            Refusal::Failed(error) => return Err(error),
            Refusal::Contended(why) => (pauses.contended(left, env), contended_error(&lock.url, &why)),
            Refusal::Held(holder) => {
                let next = pauses.held(left, env);
                if !left.is_zero() {
                    let (url, now, pause) = (lock.url.as_str(), env.now(), next.pause());
                    (options.progress)(&Waiting { url, holder: &holder, now, pause, left });
                }
                (next, held_error(&lock.url, &holder, env))
            }
        };
        env.sleep(next.pause()).await;
        if matches!(next, Next::GiveUp(_)) {
            return Err(error);
        }
    }
}

/// Acquires for somebody who waits elsewhere: the holder where it is held. What only was contended is tried again.
///
/// # Errors
/// As [`acquire`].
pub(crate) async fn attempt_once(
    locks: &Arc<Locks>,
    record: &Arc<LockRecord>,
    lock: &HeldLock,
    env: &Env,
) -> Result<Result<LockGuard, Box<Holder>>> {
    let mut pauses = Pauses { patient: false, held: 0, contended: 0 };
    loop {
        let why = match attempt(locks, record, lock).await? {
            Ok(guard) => return Ok(Ok(guard)),
            Err(Refusal::Held(holder)) => return Ok(Err(holder)),
            Err(Refusal::Failed(error)) => return Err(error),
            Err(Refusal::Contended(why)) => why,
        };
        match pauses.contended(Duration::ZERO, env) {
            Next::Attempt(pause) => env.sleep(pause).await,
            Next::GiveUp(_) => return Err(contended_error(&lock.url, &why)),
        }
    }
}

/// One attempt, carried out to its end even if nobody waits for it any more; the lock is released then.
async fn attempt(
    locks: &Arc<Locks>,
    record: &Arc<LockRecord>,
    lock: &HeldLock,
) -> Result<Result<LockGuard, Refusal>> {
    let step = locks.keeper().begin(None)?;
    let entry = locks.keeper().remember(lock.clone());
    let (locks, record) = (Arc::clone(locks), Arc::clone(record));
    let attempt = async move {
        let held = locks.acquire(&record).await?;
        Ok(LockGuard::new(locks, record.info.clone(), held, entry))
    };
    Ok(step.carry_out(attempt).await)
}

/// What comes after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another attempt, after a pause.
    Attempt(Duration),
    /// The limit, after what is left of the time.
    GiveUp(Duration),
}

impl Next {
    fn pause(self) -> Duration {
        match self {
            Self::Attempt(pause) | Self::GiveUp(pause) => pause,
        }
    }
}

/// How long to pause after each refusal.
#[derive(Debug)]
struct Pauses {
    /// Whether waiting was asked for.
    patient: bool,
    held: u32,
    contended: u32,
}

impl Pauses {
    fn held(&mut self, left: Duration, env: &Env) -> Next {
        let pause = doubled(HELD_PAUSE, self.held).min(LONGEST_HELD_PAUSE);
        self.held += 1;
        within(left, with_jitter(pause, env))
    }

    fn contended(&mut self, left: Duration, env: &Env) -> Next {
        let pause = doubled(CONTENDED_PAUSE, self.contended).min(LONGEST_CONTENDED_PAUSE);
        self.contended += 1;
        match self.patient {
            true => within(left, with_jitter(pause, env)),
            false if self.contended < CONTENDED_ATTEMPTS => Next::Attempt(with_jitter(pause, env)),
            false => Next::GiveUp(Duration::ZERO),
        }
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times))
}

fn with_jitter(pause: Duration, env: &Env) -> Duration {
    pause + env.jitter(LONGEST_JITTER.min(pause / 10))
}

/// The limit ends a pause early and without a last attempt, as with stock clients.
fn within(left: Duration, pause: Duration) -> Next {
    if pause < left { Next::Attempt(pause) } else { Next::GiveUp(left) }
}

fn held_error(url: &str, holder: &Holder, env: &Env) -> Error {
    let error = Error::new(ErrorKind::Locked, format!("`{url}` is locked; nothing was written"));
    let error = holder.explain(error, env.now());
    match &holder.info {
        Some(_) if holder.kind == LockKind::File => {
            error.hint("wait with `-lock-timeout=5m`, or end that process: its lock ends with it")
        }
        Some(info) if holder.kind == LockKind::Http => error.hint(format!(
            "wait with `-lock-timeout=5m`; if that run is dead, `terraform force-unlock {}` where the backend is configured",
            info.id
        )),
        Some(info) => error.hint(format!(
            "wait with `-lock-timeout=5m`; if that run is dead, `s3tate force-unlock {}`",
            info.id
        )),
        None => error.hint(
            "`s3tate lock show` shows the record as it is stored; once nobody uses the state, `s3tate lock break \
             -unreadable` removes it",
        ),
    }
}

fn contended_error(url: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Locked,
        format!("`{url}` is being locked by others; nothing was written"),
    )
    .fact("cause", why)
    .hint(
        "wait with `-lock-timeout=1m`; if nobody is: `s3tate doctor` tells whether the store can lock at all",
    )
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;
