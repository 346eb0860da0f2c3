//! Outputs of any type and value: `output` prints the same bytes from both programs.
//!
//! `GENERATED_STATES=2000` compares so many states instead of the few of the ordinary run, and `GENERATED_FROM=100` begins
//! at another seed. What differed once is kept as a state in the testkit's `fixtures/findings`.

use std::path::Path;

use s3tate_testkit::{Finished, GeneratedOutput, GeneratedState, Kind, Locking, Workdir, require};

use crate::stage::{KEY, Stage};

/// So many states of each sort are compared in an ordinary run.
const STATES: u64 = 12;
/// Outputs of a state whose values fit their types.
const FITTING_OUTPUTS: usize = 40;
/// Outputs of one whose values may not; few, since one that does not fit spoils all.
const MISFITTING_OUTPUTS: usize = 2;
/// So many outputs of each state are also printed alone, in each form.
const SINGLES: usize = 1;
/// The exit code of stock where it meets a bug of its own.
const CRASHED: i32 = 11;
/// More differences than these are not told.
const TOLD: usize = 20;

#[test]
fn fitting_values_are_printed_alike() {
    compare(GeneratedState::fitting, FITTING_OUTPUTS);
}

#[test]
fn values_that_may_not_fit_are_judged_and_printed_alike() {
    compare(GeneratedState::misfitting, MISFITTING_OUTPUTS);
}

#[test]
fn what_differed_once_is_printed_alike() {
    let programs = require!(Programs::new());
    let findings = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../s3tate-testkit/fixtures/findings"));
    for entry in std::fs::read_dir(findings).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let state = std::fs::read(&path).expect("it can be read");
        for args in [&["-json"][..], &[]] {
            let difference = programs.difference(&state, args);
            assert_eq!(difference, None, "{}", path.display());
        }
    }
}

/// Both programs in a directory that is initialised.
struct Programs {
    stage: Stage,
    workdir: Workdir,
}

impl Programs {
    fn new() -> Result<Self, s3tate_testkit::tools::Missing> {
        let stage = Stage::new(Kind::Embedded, Locking::Off)?;
        let workdir = stage.workdir("");
        let _initialised = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();
        Ok(Self { stage, workdir })
    }

    /// How the programs differ over a state; `None` where they print the same bytes, or both refuse.
    fn difference(&self, state: &[u8], args: &[&str]) -> Option<String> {
        self.stage.endpoint.store().put(KEY, state);
        let args = [&["output", "-no-color"], args].concat();
        let [stock, own] =
            [&self.stage.stock, &self.stage.s3tate].map(|client| client.run(&self.workdir, &args));
        let answer = |run: &Finished| (run.code() == Some(0)).then(|| run.stdout().to_vec());
        let alike = match stock.code() {
            // Stock has crashed; there is nothing to be equal to.
            Some(CRASHED) => matches!(own.code(), Some(0 | 1)),
            _ => answer(&stock) == answer(&own),
        };
        (!alike).then(|| format!("{own}\n{stock}"))
    }

    /// The differences over one generated state, output by output where they can be told apart.
    fn differences(&self, state: &GeneratedState) -> Vec<String> {
        let whole = state.bytes();
        let mut found = Vec::new();
        for args in [&["-json"][..], &[]] {
            if let Some(difference) = self.difference(&whole, args) {
                let alone = |output: &GeneratedOutput| {
                    let document = state.bytes_with(output);
                    let difference = self.difference(&document, args)?;
                    Some(format!("{}\n{difference}", String::from_utf8_lossy(&document)))
                };
                let before = found.len();
                found.extend(state.outputs().iter().filter_map(alone));
                if found.len() == before {
                    found.push(format!("{}\n{difference}", String::from_utf8_lossy(&whole)));
                }
            }
        }
        // A name with a zero byte can't be told to a program.
        let nameable = state.outputs().iter().filter(|output| !output.name.contains('\0'));
        for output in nameable.rev().take(SINGLES) {
            for form in [&[][..], &["-raw"], &["-json"]] {
                let args = [form, &[&output.name]].concat();
                let difference = self.difference(&whole, &args);
                found.extend(difference.map(|difference| format!("{}\n{difference}", output.entry)));
            }
        }
        found
    }
}

/// Compares the programs over the states of many seeds, and fails the test if they differ.
#[track_caller]
fn compare(generate: fn(u64, usize) -> GeneratedState, outputs: usize) {
    let programs = require!(Programs::new());
    let first = number("GENERATED_FROM").unwrap_or_default();
    let states = number("GENERATED_STATES").unwrap_or(STATES);
    let mut found = Vec::new();
    for seed in first..first + states {
        let differences = programs.differences(&generate(seed, outputs));
        found.extend(differences.into_iter().map(|difference| format!("=== seed {seed}: {difference}")));
        if found.len() >= TOLD {
            break;
        }
    }
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n"));
    told(&format!("{states} states, {} outputs: no difference", outputs as u64 * states));
}

#[expect(clippy::print_stdout, reason = "a long run tells what it did")]
fn told(text: &str) {
    println!("{text}");
}

#[expect(clippy::disallowed_methods, reason = "a developer asks for a longer run by a variable")]
fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().expect("a number"))
}
