//! Runs stock Terraform and s3tate side by side, and prints how they compare, as a table in Markdown.
//!
//! `cargo run --release -p s3tate-testkit --example bench -- PATH_TO_S3TATE [RUNS]`; `scripts/bench` builds all it needs.
//!
//! Both programs take turns on the same endpoint, so whatever else the machine does hits both. Times are medians.
//! Memory is the largest resident size, sampled twice a millisecond. Bytes are what the endpoint sent.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use s3tate_testkit::tools::{self, Terraform, Tool};
use s3tate_testkit::{Backend, Endpoint, Kind, Locking, Pipe, Workdir, large_state, md5_hex};

const KEY: &str = "bench/state.tfstate";
const SAMPLING: Duration = Duration::from_micros(500);
const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(50)];
/// The states: a name, the number of resources, and whether stock uploads it, in parts.
const STATES: [(&str, usize, bool); 4] = [
    ("4 kB", 2, false),
    ("1.4 MB", 1_000, false),
    ("70 MB", 50_000, false),
    ("70 MB, in parts", 50_000, true),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let s3tate = arguments.next().expect("usage: bench PATH_TO_S3TATE [RUNS]");
    let runs = arguments.next().map_or(7, |runs| runs.parse().expect("a number of runs"));
    let stock = tools::find(Tool::Terraform(Terraform::V1_11)).expect("Terraform 1.11.4 (scripts/tools)");
    let bench = Bench { programs: [stock, std::path::absolute(s3tate).expect("a path")], runs };
    println!(
        "| state | command | latency | Terraform | s3tate | times faster | Terraform, memory | s3tate, memory | \
         Terraform, received | s3tate, received |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for (name, resources, in_parts) in STATES {
        bench.state(name, resources, in_parts);
    }
}

struct Bench {
    programs: [PathBuf; 2],
    runs: usize,
}

/// A state in an endpoint of its own, and a directory that is initialised for it.
struct Stage<'a> {
    bench: &'a Bench,
    endpoint: &'a Endpoint,
    workdir: Workdir,
    resources: usize,
    serial: u64,
}

/// One run of one program.
#[derive(Clone, Copy, Default)]
struct Sample {
    wall: Duration,
    peak_kib: u64,
    received_bytes: u64,
}

impl Bench {
    fn state(&self, name: &str, resources: usize, in_parts: bool) {
        let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
        let backend = Backend::new(&endpoint, KEY, Locking::Table);
        let workdir = Workdir::with(&backend.block(Terraform::V1_11));
        let mut stage = Stage { bench: self, endpoint: &endpoint, workdir, resources, serial: 1 };
        stage.set_up(in_parts);
        let last = format!("terraform_data.item_{:06}", resources - 1);
        let reading: [&[&str]; 4] =
            [&["output", "-json"], &["state", "pull"], &["state", "list"], &["state", "show", &last]];
        for latency in LATENCIES {
            for command in reading {
                stage.compare(name, latency, command);
            }
            if !in_parts {
                stage.compare(name, latency, &["state", "push", "next.json"]);
            }
        }
    }
}

impl Stage<'_> {
    fn set_up(&mut self, in_parts: bool) {
        let state = large_state(self.resources, self.serial);
        self.endpoint.store().put(KEY, state.clone());
        self.endpoint.store().put_digest(KEY, &md5_hex(&state));
        let pipe = Pipe::long(self.endpoint.url(), Duration::ZERO);
        self.measure(0, &["init", "-input=false"], &pipe);
        if in_parts {
            self.next_state();
            self.measure(0, &["state", "push", "next.json"], &pipe);
        }
    }

    /// A newer state, so that a push has something to write.
    fn next_state(&mut self) {
        // A push stores the serial after the file's own.
        self.serial += 2;
        self.workdir.write("next.json", large_state(self.resources, self.serial));
    }

    fn compare(&mut self, name: &str, latency: Duration, command: &[&str]) {
        let pipe = Pipe::long(self.endpoint.url(), latency);
        let mut samples = [Vec::new(), Vec::new()];
        for _ in 0..self.bench.runs {
            for (program, samples) in samples.iter_mut().enumerate() {
                if command.contains(&"push") {
                    self.next_state();
                }
                samples.push(self.measure(program, command, &pipe));
            }
        }
        let [stock, s3tate] = samples.map(|samples| median(&samples));
        let millis = |sample: Sample| sample.wall.as_secs_f64() * 1000.0;
        let kilobytes = |sample: Sample| sample.received_bytes.div_ceil(1000);
        println!(
            "| {name} | `{}` | {} ms | {:.0} ms | {:.0} ms | {:.1} | {} MiB | {} MiB | {} kB | {} kB |",
            command[..command.len().min(2)].join(" "),
            latency.as_millis(),
            millis(stock),
            millis(s3tate),
            millis(stock) / millis(s3tate),
            stock.peak_kib / 1024,
            s3tate.peak_kib / 1024,
            kilobytes(stock),
            kilobytes(s3tate),
        );
    }

    #[expect(clippy::disallowed_methods, reason = "it is the real clock that is measured")]
    fn measure(&self, program: usize, arguments: &[&str], pipe: &Pipe) -> Sample {
        pipe.take_received_bytes();
        let mut command = self.command(&self.bench.programs[program], arguments, pipe);
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let (process, peak_kib, ended) = (child.id(), AtomicU64::new(0), AtomicBool::new(false));
        let status = std::thread::scope(|scope| {
            scope.spawn(|| watch(process, &peak_kib, &ended));
            let status = child.wait().expect("the program ends");
            ended.store(true, Ordering::Relaxed);
            status
        });
        let wall = began.elapsed();
        assert!(status.success(), "{command:?} ended with {status}");
        Sample { wall, peak_kib: peak_kib.into_inner(), received_bytes: pipe.take_received_bytes() }
    }

    fn command(&self, program: &Path, arguments: &[&str], pipe: &Pipe) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.workdir.path())
            .env_clear()
            .envs(self.endpoint.env())
            .env("AWS_ENDPOINT_URL", pipe.url())
            .env("HOME", self.workdir.home())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

/// Follows the high-water mark of a process's resident size. Source: Linux, `proc(5)`, `VmHWM`.
fn watch(process: u32, peak_kib: &AtomicU64, ended: &AtomicBool) {
    let path = format!("/proc/{process}/status");
    while !ended.load(Ordering::Relaxed) {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        peak_kib.fetch_max(kib.unwrap_or_default(), Ordering::Relaxed);
        std::thread::sleep(SAMPLING);
    }
}

/// The median of each figure by itself.
fn median(samples: &[Sample]) -> Sample {
    fn middle<T: Ord + Copy>(figures: impl Iterator<Item = T>) -> T {
        let mut figures: Vec<T> = figures.collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    }
    Sample {
        wall: middle(samples.iter().map(|sample| sample.wall)),
        peak_kib: middle(samples.iter().map(|sample| sample.peak_kib)),
        received_bytes: middle(samples.iter().map(|sample| sample.received_bytes)),
    }
}
