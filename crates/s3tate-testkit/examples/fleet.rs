//! Measures `catalog` and `find` over many states, and prints a table in Markdown.
//!
//! `cargo run --release -p s3tate-testkit --example fleet -- PATH_TO_S3TATE [STATES]`; `scripts/bench-fleet` builds all it
//! needs. Requests and bytes are counted by proxies, in runs apart from those that are timed; memory is the largest resident
//! size.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use s3tate_testkit::fleet::{Fleet, SPREAD, arn, key};
use s3tate_testkit::{Endpoint, Kind, Pipe, Recorder, Workdir, md5_hex};

const SIZES: Fleet = Fleet { states: 2_000, median_resources: 80.0, spread: SPREAD };

fn main() {
    let mut arguments = std::env::args().skip(1);
    let s3tate = arguments.next().expect("usage: fleet PATH_TO_S3TATE [STATES]");
    let states = arguments.next().map_or(SIZES.states, |states| states.parse().expect("a number of states"));
    let fleet = Fleet { states, ..SIZES };
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    let mut total = 0;
    for (key, bytes) in fleet.iter() {
        total += bytes.len();
        endpoint.store().put_digest(&key, &md5_hex(&bytes));
        endpoint.store().put(&key, bytes);
    }
    println!("{states} states, {} MB\n", total / 1_000_000);
    println!("| command | requests | received | time | memory |\n|---|---|---|---|---|");
    let bench = Bench { s3tate: Path::new(&s3tate), endpoint: &endpoint, workdir: Workdir::new() };
    let needle = arn(states / 2);
    bench.row("`catalog`, cold", &["catalog", "-json"], true);
    bench.row("`catalog`, warm", &["catalog", "-json"], false);
    bench.row("`find` by ARN, cold", &["find", &needle], true);
    bench.row("`find` by ARN, warm", &["find", &needle], false);
    let changed = key(states / 3);
    let touch = || {
        let bytes = [endpoint.store().bytes(&changed), b" ".to_vec()].concat();
        endpoint.store().put(&changed, bytes);
    };
    touch();
    bench.count("`find` by ARN, one state changed", &["find", &needle], &touch);
}

struct Bench<'a> {
    s3tate: &'a Path,
    endpoint: &'a Endpoint,
    workdir: Workdir,
}

impl Bench<'_> {
    /// One run counted, one measured in bytes and time.
    fn row(&self, name: &str, arguments: &[&str], cold: bool) {
        let begin = || {
            if cold {
                drop(std::fs::remove_dir_all(self.workdir.home().join(".cache")));
            }
        };
        begin();
        self.count(name, arguments, &begin);
    }

    #[expect(clippy::disallowed_methods, reason = "it is the real clock that is measured")]
    fn count(&self, name: &str, arguments: &[&str], again: &dyn Fn()) {
        let recorder = Recorder::start(self.endpoint.url());
        self.run(arguments, recorder.url());
        let requests = recorder.take().len();
        again();
        let pipe = Pipe::long(self.endpoint.url(), Duration::ZERO);
        self.run(arguments, pipe.url());
        let received = pipe.take_received_bytes();
        again();
        let began = Instant::now();
        let peak_kib = self.run(arguments, self.endpoint.url());
        println!(
            "| {name} | {requests} | {} kB | {:.2} s | {} MiB |",
            received.div_ceil(1000),
            began.elapsed().as_secs_f64(),
            peak_kib / 1024
        );
    }

    /// Runs it; gives its peak in KiB, which it says at its end.
    fn run(&self, arguments: &[&str], url: &str) -> u64 {
        let store = self.endpoint.store();
        let place = format!("-state=s3://{}/?dynamodb_table={}", store.bucket(), store.table());
        let mut command = Command::new(self.s3tate);
        command
            .args(arguments)
            .arg(place)
            .current_dir(self.workdir.path())
            .env_clear()
            .envs(self.endpoint.env())
            .env("AWS_ENDPOINT_URL", url)
            .env("HOME", self.workdir.home())
            .env("S3TATE_LOG", "s3tate=debug")
            .stdin(Stdio::null());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        let peak = said.rsplit_once("peak_kib=").map(|(_, rest)| rest);
        let digits = peak.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }
}
