//! Writes documents for the fuzz targets to begin with: recorded cases of the reader, and generated outputs.
//!
//! `cargo run -p s3tate-testkit --example fuzz_seeds -- FOLDER`; `scripts/fuzz` calls it.

use std::path::Path;

use s3tate_testkit::{GeneratedState, recorded_documents};

/// So many generated states of each sort.
const STATES: u64 = 100;
/// Outputs of each.
const OUTPUTS: usize = 2;

fn main() {
    let folder = std::env::args().nth(1).expect("usage: fuzz_seeds FOLDER");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let write = |name: String, bytes: Vec<u8>| {
        std::fs::write(folder.join(name), bytes).expect("the folder can be written to");
    };
    for (name, document) in recorded_documents() {
        write(format!("recorded-{name}"), document);
    }
    for seed in 0..STATES {
        write(format!("fitting-{seed}"), GeneratedState::fitting(seed, OUTPUTS).bytes());
        write(format!("misfitting-{seed}"), GeneratedState::misfitting(seed, OUTPUTS).bytes());
    }
}
