//! One state, and all who count in it at the same time.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{
    Backend, Client, Endpoint, Finished, Kind, Locking, Running, Workdir, md5_hex, wait_for,
};

use crate::tally::{self, Stored};

const KEY: &str = "network/prod.tfstate";
/// Longer than any wait of the largest race; only a deadlock lasts this long.
const PATIENCE: Duration = Duration::from_hours(1);
/// The same for those who wait for the lock.
const LOCK_TIMEOUT: &str = "-lock-timeout=1h";
/// What a lost race ends with.
const CONFLICT: Option<i32> = Some(4);

/// How many take part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) processes: usize,
    /// Of each process.
    pub(crate) increments: usize,
    /// Runs of stock meanwhile.
    pub(crate) applies: usize,
}

impl Size {
    /// What `S3TATE_CONTENTION` says, such as `32x25`; 8 processes of 6 increments without it.
    #[expect(clippy::disallowed_methods, reason = "the variable is the test's, not the program's")]
    pub(crate) fn asked_for() -> Self {
        let asked = std::env::var("S3TATE_CONTENTION").unwrap_or_else(|_| "8x6".to_owned());
        let (processes, increments) =
            asked.split_once('x').expect("S3TATE_CONTENTION is PROCESSESxINCREMENTS");
        let number = |text: &str| text.parse().expect("S3TATE_CONTENTION has two numbers");
        let (processes, increments) = (number(processes), number(increments));
        Self { processes, increments, applies: increments }
    }
}

/// What happened.
#[derive(Debug, Default)]
struct Counts {
    conflicts: AtomicUsize,
    waits: AtomicUsize,
    /// Runs of stock that ended without the lock.
    given_up: AtomicUsize,
}

/// An endpoint with a state that stock has made, and stock's own directory.
#[derive(Debug)]
pub(crate) struct Arena {
    endpoint: Endpoint,
    locking: Locking,
    size: Size,
    stock: Client,
    stock_dir: Workdir,
    first: Stored,
    /// Acknowledged increments of each process.
    written: Vec<AtomicUsize>,
    counts: Counts,
    /// Whether somebody is between lock and release.
    occupied: AtomicBool,
    /// Whether somebody has failed, so that nobody need wait any longer.
    failed: AtomicBool,
}

impl Arena {
    pub(crate) fn new(locking: Locking, size: Size) -> Result<Self, Missing> {
        let endpoint = Endpoint::start(Kind::Embedded)?;
        let stock = Client::terraform(Terraform::V1_11, &endpoint)?;
        let block = Backend::new(&endpoint, KEY, locking).block(Terraform::V1_11);
        let stock_dir = Workdir::with(&format!("{block}{}", tally::configuration(size.processes)));
        let _initialised = stock.run(&stock_dir, &["init", "-input=false"]).succeeds();
        let _applied = stock.run(&stock_dir, &["apply", "-auto-approve", "-var=round=0"]).succeeds();
        Ok(Self {
            first: Stored::parse(&endpoint.store().bytes(KEY)),
            endpoint,
            locking,
            size,
            stock,
            stock_dir,
            written: (0..size.processes).map(|_| AtomicUsize::default()).collect(),
            counts: Counts::default(),
            occupied: AtomicBool::default(),
            failed: AtomicBool::default(),
        })
    }

    /// Lets each process do its increments, of which `increment` is given the number, and stock apply meanwhile.
    pub(crate) fn race(&self, increment: impl Fn(&Process<'_>, usize) + Sync) {
        thread::scope(|scope| {
            for index in 0..self.size.processes {
                let increment = &increment;
                scope.spawn(move || {
                    let _alarm = Alarm(&self.failed);
                    let process = Process::new(self, index);
                    (0..self.size.increments).for_each(|number| increment(&process, number));
                });
            }
            let _alarm = Alarm(&self.failed);
            (1..=self.size.applies).for_each(|round| self.apply(round));
        });
    }

    /// One run of stock, which raises its own count.
    ///
    /// Where a holder releases its lock between refusal and look-up, stock gives up although it was to wait. Nothing has
    /// happened then, and it is started again.
    fn apply(&self, round: usize) {
        let round = format!("-var=round={round}");
        let args = ["apply", "-auto-approve", "-input=false", LOCK_TIMEOUT, &round];
        loop {
            let mut running = self.stock.command(&self.stock_dir, &args).start();
            self.wait("stock", &mut running, Running::has_ended);
            let applied = running.finish();
            if applied.code() == Some(0) {
                return;
            }
            self.counts.given_up.fetch_add(1, Ordering::Relaxed);
            let _given_up = applied.says(&["Error acquiring the state lock"]);
        }
    }

    /// Waits for something that a program does, unless somebody else has failed.
    fn wait(&self, what: &str, running: &mut Running, mut seen: impl FnMut(&mut Running) -> bool) {
        wait_for(what, PATIENCE, || {
            assert!(!self.failed.load(Ordering::Relaxed), "another one has failed");
            seen(running).then_some(())
        });
    }

    /// Fails the test unless the state is exactly what was acknowledged, its history too, and nothing stays locked.
    pub(crate) fn is_consistent(&self) {
        let written: Vec<_> = self.written.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let pushes: usize = written.iter().sum();
        self.report(pushes);
        let steps = u64::try_from(2 * pushes + self.size.applies).expect("that many");
        let store = self.endpoint.store();
        let bytes = store.bytes(KEY);
        // A push raises the serial of its source, which is one above the one it was read with.
        let expected = Stored { serial: self.first.serial + steps, tally: written, round: self.size.applies };
        assert_eq!(Stored::parse(&bytes), expected);
        self.history_is_whole(1 + pushes + self.size.applies);
        assert_eq!(store.digest(KEY), self.locking.has_table().then(|| md5_hex(&bytes)));
        assert_eq!(store.keys(), [KEY], "no lock object is left");
        assert_eq!(store.items().len(), usize::from(self.locking.has_table()), "no lock item is left");
        let round = format!("-var=round={}", self.size.applies);
        let plan = ["plan", "-detailed-exitcode", "-input=false", &round];
        let _unchanged = self.stock.run(&self.stock_dir, &plan).succeeds();
    }

    /// Each write made one version, and no serial was stored twice.
    fn history_is_whole(&self, versions: usize) {
        let history = s3tate(&self.endpoint).run(&self.stock_dir, &["history", "-json"]).succeeds();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("lines of JSON");
        let serials: Vec<_> = history
            .stdout_text()
            .lines()
            .map(|text| line(text)["serial"].as_u64().expect("a serial"))
            .collect();
        assert!(serials.is_sorted_by(|newer, older| newer > older), "{serials:?}");
        assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), versions);
    }

    /// Tells on standard error, past the capture of tests, what happened.
    fn report(&self, pushes: usize) {
        let Size { processes, increments, applies } = self.size;
        let Counts { conflicts, waits, given_up } = &self.counts;
        let [conflicts, waits, given_up] =
            [conflicts, waits, given_up].map(|count| count.load(Ordering::Relaxed));
        let line = format!(
            "contention, {:?}: {processes} processes x {increments}: {pushes} writes acknowledged, {conflicts} \
             conflicts, {waits} waits; {applies} applies of stock, which gave up {given_up} times\n",
            self.locking
        );
        std::io::stderr().write_all(line.as_bytes()).expect("standard error is open");
    }
}

/// Tells all others when its owner fails.
#[derive(Debug)]
struct Alarm<'a>(&'a AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// One of those who count, in a directory of its own.
#[derive(Debug)]
pub(crate) struct Process<'a> {
    arena: &'a Arena,
    index: usize,
    s3tate: Client,
    workdir: Workdir,
}

impl<'a> Process<'a> {
    fn new(arena: &'a Arena, index: usize) -> Self {
        let workdir =
            Workdir::with(&Backend::new(&arena.endpoint, KEY, arena.locking).block(Terraform::V1_11));
        if index.is_multiple_of(2) {
            // With a data directory it is remembered that the store locks; the others find out each time.
            workdir.write(".terraform/environment", "default");
        }
        Self { arena, index, s3tate: s3tate(&arena.endpoint), workdir }
    }

    /// Pulls, changes and pushes while `lock run` holds the lock. Nothing can come between.
    pub(crate) fn increments_under_lock(&self) {
        let script = "echo held; exec cat";
        let args = ["lock", "run", LOCK_TIMEOUT, "--", "sh", "-c", script];
        let mut holder = self.s3tate.command(&self.workdir, &args).start();
        self.arena.wait("the lock", &mut holder, |holder| {
            assert!(!holder.has_ended(), "it ended without the lock: {}", holder.stderr_so_far());
            holder.stdout_so_far().contains("held")
        });
        assert!(!self.arena.occupied.swap(true, Ordering::SeqCst), "two hold the lock");
        let next = self.next();
        self.workdir.write("next.tfstate", &next);
        let push = ["state", "push", "-lock=false", "next.tfstate"];
        let _pushed = self.s3tate.run(&self.workdir, &push).succeeds();
        assert!(self.arena.occupied.swap(false, Ordering::SeqCst), "two hold the lock");
        self.acknowledged();
        let ended = holder.finish().succeeds();
        self.waited(&ended);
    }

    /// Pulls and changes without a lock, and pushes under one. A conflict is fair, and redone under a lock.
    pub(crate) fn increments_by_push(&self) {
        let next = self.next();
        self.workdir.write("next.tfstate", &next);
        let args = ["state", "push", LOCK_TIMEOUT, "next.tfstate"];
        let mut running = self.s3tate.command(&self.workdir, &args).start();
        self.arena.wait("a push", &mut running, Running::has_ended);
        let pushed = running.finish();
        self.waited(&pushed);
        if !self.won(pushed, "next.tfstate", &next) {
            self.increments_under_lock();
        }
    }

    /// Pulls, changes and pushes without any lock. Either it wins, or it is a conflict.
    pub(crate) fn tries_without_lock(&self) {
        let next = self.next();
        let push = ["state", "push", "-lock=false", "-"];
        let pushed = self.s3tate.command(&self.workdir, &push).stdin(next.as_slice()).finish();
        if !self.won(pushed, "errored.tfstate", &next) {
            std::fs::remove_file(self.workdir.path().join("errored.tfstate"))
                .expect("it can be cleared away");
        }
    }

    fn next(&self) -> Vec<u8> {
        let pulled = self.s3tate.run(&self.workdir, &["state", "pull"]).succeeds();
        tally::incremented(pulled.stdout(), self.index)
    }

    /// Whether a push won its race. If it didn't, it has to say so, and the pushed bytes have to be in this file.
    fn won(&self, pushed: Finished, kept: &str, source: &[u8]) -> bool {
        if pushed.code() != CONFLICT {
            let _won = pushed.succeeds();
            self.acknowledged();
            return true;
        }
        let _lost = pushed.says(&["nothing was written"]);
        assert_eq!(self.workdir.read(kept).as_deref(), Some(source), "the loser's bytes are kept");
        self.arena.counts.conflicts.fetch_add(1, Ordering::Relaxed);
        false
    }

    fn acknowledged(&self) {
        self.arena.written[self.index].fetch_add(1, Ordering::Relaxed);
    }

    fn waited(&self, finished: &Finished) {
        let waits = finished.stderr_text().matches("waiting for the lock").count();
        self.arena.counts.waits.fetch_add(waits, Ordering::Relaxed);
    }
}

/// The program that this crate builds.
fn s3tate(endpoint: &Endpoint) -> Client {
    Client::new(env!("CARGO_BIN_EXE_s3tate"), endpoint)
}
