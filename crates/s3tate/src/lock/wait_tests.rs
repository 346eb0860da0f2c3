use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::*;
use crate::lock::{Keeper, LockInfo, LockKind, LockStore, Stamp};

/// A lock that answers from a list: held, contended, or free once the list is used up.
#[derive(Debug)]
struct Scripted {
    answers: Vec<&'static str>,
    attempts: Arc<Mutex<Vec<Instant>>>,
    next: AtomicUsize,
}

fn holder() -> Holder {
    let info = LockInfo { id: "theirs".into(), who: "dana@build-07".into(), ..LockInfo::default() };
    let record = Some(info.encode());
    Holder {
        kind: LockKind::DynamoDb,
        place: "a test".into(),
        record,
        info: Some(info),
        stamp: Stamp::Info(None),
    }
}

impl LockStore for Scripted {
    fn acquire<'a>(&'a self, _record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>> {
        self.attempts.lock().unwrap().push(Instant::now());
        let answer = self.answers.get(self.next.fetch_add(1, Ordering::Relaxed)).copied();
        async move {
            match answer.or(self.answers.last().copied().filter(|last| *last == "always")) {
                Some("contended") => Err(Refusal::Contended("moving".into())),
                Some(_) => Err(Refusal::Held(Box::new(holder()))),
                None => Ok(holder()),
            }
        }
        .boxed()
    }

    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>> {
        async { Ok(None) }.boxed()
    }

    fn release<'a>(&'a self, _holder: &'a Holder) -> BoxFuture<'a, Result<bool>> {
        async { Ok(true) }.boxed()
    }
}

async fn run(answers: &[&'static str], timeout: u64) -> (Result<()>, Vec<u64>) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let store =
        Scripted { answers: answers.to_vec(), attempts: Arc::clone(&attempts), next: AtomicUsize::new(0) };
    let locks = Arc::new(Locks::new(vec![(LockKind::DynamoDb, Box::new(store))], Keeper::default()));
    let record = Arc::new(LockRecord::new(LockInfo { id: "ours".into(), ..LockInfo::default() }));
    let lock = HeldLock {
        url: "s3://b/k".into(),
        workspace: "default".into(),
        id: "ours".into(),
        operation: String::new(),
        places: Vec::new(),
    };
    let options = LockOptions { timeout: Duration::from_secs(timeout), ..LockOptions::default() };
    let env = Env::new([], "u", "h");
    let start = Instant::now();
    let result = acquire(&locks, &record, &lock, &options, &env).await.map(drop);
    locks.keeper().settled().await;
    let times = attempts.lock().unwrap().iter().map(|at| (*at - start).as_secs()).collect();
    (result, times)
}

/// Check 20: attempts at 0, 1, 3 and 7 seconds.
#[tokio::test(start_paused = true)]
async fn attempts_come_at_stocks_times() {
    let (result, times) = run(&["held", "held", "held"], 30).await;
    assert!(result.is_ok());
    assert_eq!(times, [0, 1, 3, 7]);
}

/// Check 21: the limit ends the wait, with no attempt after it.
#[tokio::test(start_paused = true)]
async fn the_limit_is_kept_without_a_last_attempt() {
    let start = Instant::now();
    let (result, times) = run(&["always"], 6).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.facts().any(|(_, value)| value.contains("dana@build-07")));
    assert_eq!(times, [0, 1, 3]);
    assert_eq!(start.elapsed(), Duration::from_secs(6));
}

/// Check 19: without a limit it fails at once.
#[tokio::test(start_paused = true)]
async fn without_a_limit_a_held_lock_fails_at_once() {
    let (result, times) = run(&["always"], 0).await;
    assert!(result.is_err());
    assert_eq!(times, [0]);
}

/// Check 29: a holder that vanished is no refusal.
/// Check 30: nor is a conflict with another writer.
#[tokio::test(start_paused = true)]
async fn a_vanished_holder_is_tried_again() {
    let (result, times) = run(&["contended", "contended"], 0).await;
    assert!(result.is_ok());
    assert_eq!(times.len(), 3);
}
