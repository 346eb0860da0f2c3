//! Runs all cases of an operation, several at a time.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3tate_testkit::{Endpoint, Kind};

use crate::case::{Case, clean_run};
use crate::judge::End;
use crate::operation::Operation;
use crate::stock;
use crate::trouble::Trouble;

/// Most of a case is waiting, for a process or a pause.
const AT_ONCE: usize = 4;

/// What stock has been tried on: each fault, and each end with each kind of lock.
type Tried = Mutex<BTreeSet<String>>;

/// Every request of an operation meets every fault, with each kind of lock.
pub(crate) fn every_crash_point(operation: Operation) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let cases = cases(operation, &endpoint);
    let tried = Tried::default();
    let failures = in_parallel(&cases, |case| run(case, &endpoint, &tried));
    let stock = tried.into_inner().expect("nobody panics here").len();
    let line = format!(
        "crash points of {operation:?}: {} cases, {} failed; stock went on after {stock}\n",
        cases.len(),
        failures.len()
    );
    tell(&line);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Says something past the capture of output, so that it is always seen.
pub(crate) fn tell(line: &str) {
    drop(std::io::stderr().write_all(line.as_bytes()));
}

/// Runs all cases, several at a time. Returns what is wrong.
pub(crate) fn in_parallel<T: Sync>(
    cases: &[T],
    run: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = unpanicked(|| run(case)) {
                        failures.lock().expect("nobody panics here").push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().expect("nobody panics here")
}

fn cases(operation: Operation, endpoint: &Endpoint) -> Vec<Case> {
    let mut cases = Vec::new();
    for locking in Operation::LOCKINGS {
        let clean = Case { operation, locking, number: 0, trouble: Trouble::Twice };
        let requests =
            clean_run(operation, &clean.target(endpoint, &format!("{operation:?}-{locking:?}-clean")));
        for number in 0..requests {
            cases.extend(Trouble::ALL.map(|trouble| Case { operation, locking, number, trouble }));
        }
    }
    cases
}

fn run(case: &Case, endpoint: &Endpoint, tried: &Tried) -> Result<(), String> {
    let name = format!("{:?}-{:?}-{}-{:?}", case.operation, case.locking, case.number, case.trouble);
    let (end, ran) = case.run(endpoint, &name)?;
    let is_new = is_new(case, end, tried);
    if is_new {
        stock::goes_on(&case.target(endpoint, &name), &ran).map_err(|wrong| format!("{case}: {wrong}"))
    } else {
        Ok(())
    }
}

/// Whether stock has not been tried yet after this fault, or in this end.
fn is_new(case: &Case, end: End, tried: &Tried) -> bool {
    let mut tried = tried.lock().expect("nobody panics here");
    let by_fault = tried.insert(format!("{:?}", case.trouble));
    let by_end = tried.insert(format!("{end:?} {:?}", case.locking));
    by_fault || by_end
}

fn unpanicked(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.unwrap_or_else(|| "a panic without words".into()))
    })
}
