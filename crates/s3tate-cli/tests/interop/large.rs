//! States of 70 MB: how many bytes are read, and how much memory it takes.
//!
//! Memory is what the process itself reports at its end (`S3TATE_LOG=s3tate=debug`; Linux tells). Limits are on what
//! comes on top of a small state's peak, since most of that is the program's code, of which a debug build has more.
//! `scripts/bench` measures a release build, whose small states take 16 MiB.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{
    Backend, Client, Endpoint, Finished, Kind, Locking, Pipe, Workdir, large_state, md5_hex,
};

use crate::stage::{KEY, s3tate};

const RESOURCES: usize = 50_000;

struct State {
    workdir: Workdir,
    s3tate: Client,
    pipe: Pipe,
    bytes: Vec<u8>,
    _piped: Endpoint,
    endpoint: Endpoint,
}

impl State {
    fn new(resources: usize) -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
        let bytes = large_state(resources, 7);
        endpoint.store().put(KEY, bytes.clone());
        endpoint.store().put_digest(KEY, &md5_hex(&bytes));
        let (piped, pipe) = endpoint.piped();
        let workdir = Workdir::with(&Backend::new(&endpoint, KEY, Locking::Table).block(Terraform::V1_11));
        let s3tate = s3tate(&piped).env("S3TATE_LOG", "s3tate=debug");
        Self { workdir, s3tate, pipe, bytes, _piped: piped, endpoint }
    }

    fn run(&self, args: &[&str]) -> Finished {
        self.pipe.take_received_bytes();
        self.s3tate.run(&self.workdir, args).succeeds()
    }
}

/// Runs s3tate on a large state; fails the test if it takes so much more memory than on a small one.
#[track_caller]
fn run_within(more_mib: u64, large: &State, args: &[&str]) -> Finished {
    let small = peak_kib(&State::new(1).run(args));
    let finished = large.run(args);
    match (small, peak_kib(&finished)) {
        (Some(small), Some(peak)) => assert!(
            peak < small + more_mib * 1024,
            "{args:?} took {peak} KiB, over {more_mib} MiB more than the {small} KiB of a small state"
        ),
        _ => assert_ne!(std::env::consts::OS, "linux", "{args:?} tells nothing of its memory"),
    }
    finished
}

fn peak_kib(finished: &Finished) -> Option<u64> {
    let said = finished.stderr_text();
    let (_, rest) = said.rsplit_once("peak_kib=")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn outputs_of_70_mb_are_read_within_256_kib_and_24_mib() {
    let large = State::new(RESOURCES);
    assert!(large.bytes.len() > 70_000_000, "{} bytes", large.bytes.len());
    for (args, said) in [
        (&["output", "-raw", "address"][..], "10.0.0.1".to_owned()),
        (&["output", "size"], format!("{RESOURCES}\n")),
    ] {
        assert_eq!(run_within(8, &large, args).stdout_text(), said);
        let received = large.pipe.take_received_bytes();
        assert!(received < 256 * 1024, "{args:?} was sent {received} bytes");
    }
}

/// Whether its entity tag proves the digest, or only all of its bytes do, as where stock uploaded it in parts.
#[test]
fn a_pull_of_70_mb_takes_no_memory_for_them() {
    let large = State::new(RESOURCES);
    assert!(run_within(8, &large, &["state", "pull"]).stdout() == large.bytes);
    large.endpoint.store().put_in_parts(KEY, large.bytes.clone());
    assert!(run_within(8, &large, &["state", "pull"]).stdout() == large.bytes);
}

#[test]
fn a_pull_of_70_mb_takes_less_than_32_mib_where_the_entity_tag_proves_the_digest() {
    let large = State::new(RESOURCES);
    assert_eq!(run_within(16, &large, &["state", "pull"]).stdout(), large.bytes);
}

#[test]
fn one_of_50_000_resources_is_listed_and_shown_within_64_mib() {
    let large = State::new(RESOURCES);
    let listed = run_within(48, &large, &["state", "list"]).stdout_text();
    assert_eq!(listed.lines().count(), RESOURCES);
    assert_eq!(listed.lines().last(), Some("terraform_data.item_049999"));
    // The small state has no such resource, so the limit is that of the listing, which holds all addresses.
    let shown = large.run(&["state", "show", "terraform_data.item_049999"]);
    assert!(shown.stdout_text().starts_with("# terraform_data.item_049999:"), "{shown}");
    let (listed, shown) = (peak_kib(&large.run(&["state", "list"])), peak_kib(&shown));
    assert!(shown <= listed.map(|kib| kib + 1024), "{shown:?} KiB to show one, {listed:?} KiB to list all");
}
