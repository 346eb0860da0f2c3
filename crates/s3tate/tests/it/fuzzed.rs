//! What the fuzz targets check, over inputs that were findings once, over their seeds and the samples.

use std::path::{Path, PathBuf};

use s3tate_testkit::{GeneratedState, recorded_documents};

#[path = "../../../../fuzz/checks/mod.rs"]
mod checks;

/// So many generated states of each sort.
const STATES: u64 = 50;

/// All files below a folder of the repository; there must be some.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    collect(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} is empty");
    found.iter().map(|path| std::fs::read(path).expect("it can be read")).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}

/// Samples, recorded cases and generated states.
fn states() -> Vec<Vec<u8>> {
    let mut states = files("crates/s3tate-testkit/fixtures/states");
    states.extend(recorded_documents().into_iter().map(|(_, document)| document));
    for seed in 0..STATES {
        states.push(GeneratedState::fitting(seed, 4).bytes());
        states.push(GeneratedState::misfitting(seed, 2).bytes());
    }
    states
}

#[test]
fn states_hold_what_the_fuzz_target_checks() {
    states().iter().chain(&files("fuzz/regressions/state")).for_each(|input| checks::state(input));
}

#[test]
fn outputs_hold_what_the_fuzz_target_checks() {
    states().iter().chain(&files("fuzz/regressions/outputs")).for_each(|input| checks::outputs(input));
}

#[test]
fn configurations_hold_what_the_fuzz_target_checks() {
    let folders =
        ["fuzz/seeds/config", "fuzz/regressions/config", "examples", "crates/s3tate-testkit/fixtures/caches"];
    folders.into_iter().flat_map(files).for_each(|input| checks::config(&input));
}

#[test]
fn lock_records_hold_what_the_fuzz_target_checks() {
    ["fuzz/seeds/lock", "fuzz/regressions/lock"]
        .into_iter()
        .flat_map(files)
        .for_each(|input| checks::lock(&input));
}
