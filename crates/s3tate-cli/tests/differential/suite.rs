//! Runs all cases, and holds the result against the listed deviations.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use s3tate_testkit::require;
use s3tate_testkit::tools::Missing;

use crate::case::Case;
use crate::cases;
use crate::deviations::{DEVIATIONS, page};
use crate::run::{Outcome, run};

/// Stock spends most of its time computing, so a few cases at a time are enough.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(3).expect("three");

/// Where the documentation lists the deviations.
const PAGE: &str = "../../docs/differences-from-stock-configurations.md";

/// Check 50: encryption, as region, keys, attempts and addresses, goes over the wire as stock sends it.
#[test]
fn stock_and_s3tate_treat_every_configuration_alike() {
    let cases: Vec<_> = cases::all().into_iter().filter(|case| is_asked_for(&case.name)).collect();
    let outcomes = require!(run_all(&cases));
    let wrong: Vec<_> = outcomes.iter().filter_map(complaint).collect();
    assert!(wrong.is_empty(), "{} of {} configurations:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn at_least_120_configurations_have_names_of_their_own() {
    let cases = cases::all();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    let twice: Vec<_> =
        cases.iter().map(|case| case.name.as_str()).filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "two cases share a name: {twice:?}");
    assert!(names.len() >= 120, "{}", names.len());
    let listed = DEVIATIONS.iter().flat_map(|deviation| deviation.cases);
    let unknown: Vec<_> = listed.filter(|listed| !names.contains(**listed)).collect();
    assert!(unknown.is_empty(), "listed, but no case: {unknown:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks for the page to be written by a variable")]
fn the_page_of_deviations_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = page(cases::all().len());
    if std::env::var_os("DIFFERENTIAL_WRITE").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "DIFFERENTIAL_WRITE=true writes {}", path.display());
}

/// What is wrong with an outcome: a case that shows nothing, an unlisted deviation, or a listed one that is gone.
fn complaint(outcome: &Outcome) -> Option<String> {
    let name = &outcome.name;
    if let Some(why) = &outcome.broken {
        return Some(format!("- `{name}` doesn't show what it should: {why}"));
    }
    let listed = DEVIATIONS.iter().any(|deviation| deviation.cases.contains(&name.as_str()));
    match (listed, outcome.differences.as_slice()) {
        (true, []) => Some(format!("- `{name}` is listed as a deviation, but deviates no more")),
        (false, [_, ..]) => Some(format!("- `{name}` deviates: {}", outcome.differences.join("; "))),
        _ => None,
    }
}

/// Runs cases side by side; the outcomes come in the order of the cases.
fn run_all(cases: &[Case]) -> Result<Vec<Outcome>, Missing> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = catch_unwind(|| run(case)).unwrap_or_else(|_| Ok(Outcome::failed(case)));
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((case.name.clone(), outcome));
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.get() {
            scope.spawn(work);
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[expect(clippy::disallowed_methods, reason = "a developer names the cases to run by a variable")]
fn is_asked_for(name: &str) -> bool {
    std::env::var("DIFFERENTIAL_ONLY").map_or(true, |text| name.contains(&text))
}

#[test]
fn a_listed_deviation_that_is_gone_is_as_wrong_as_an_unlisted_one() {
    let outcome = |name: &str, differences: &[&str]| Outcome {
        name: name.to_owned(),
        broken: None,
        differences: differences.iter().map(|&difference| difference.to_owned()).collect(),
    };
    let listed = DEVIATIONS[0].cases[0];
    assert_eq!(complaint(&outcome(listed, &["verdict"])), None);
    assert_eq!(complaint(&outcome("key with folders", &[])), None);
    assert!(complaint(&outcome(listed, &[])).expect("wrong").contains("deviates no more"));
    assert!(complaint(&outcome("key with folders", &["verdict"])).expect("wrong").contains("verdict"));
}
