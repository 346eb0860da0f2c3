//! Moves between two states: whatever happens at any request, one of the two has what moves, and the same command, or its
//! taking back, brings both to an end.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3tate_testkit::{Endpoint, Faults, Finished, Kind, Locking, Workdir, md5_hex, wait_for};

use crate::case::{LIMIT, s3tate};
use crate::operation::{Operation, Target};
use crate::trouble::Trouble;

const AT_ONCE: usize = 4;

/// What the user does after a run that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Again,
    Abort,
}

/// Two states, `a` with what moves, and the directory that the command is run in.
struct Pair<'a> {
    source: Target<'a>,
    destination: Target<'a>,
    workdir: Workdir,
}

impl<'a> Pair<'a> {
    fn new(endpoint: &'a Endpoint, name: &str, locking: Locking, attempts: u32) -> Self {
        let target = |of: &str| Target {
            endpoint,
            key: format!("{name}/{of}.tfstate"),
            workspace: "default",
            locking,
        };
        let (source, destination) = (target("a"), target("b"));
        source.put(state("a", &["moved", "stays"]));
        destination.put(state("b", &["other"]));
        let workdir = Workdir::with(&source.block(attempts));
        Self { source, destination, workdir }
    }

    fn arguments(&self) -> [String; 4] {
        let (bucket, key) = (self.source.store().bucket(), &self.destination.key);
        let mut url = format!("s3://{bucket}/{key}?max_retries=1");
        if self.source.locking.has_table() {
            write!(url, "&dynamodb_table={}", self.source.store().table()).expect("a text takes all");
        }
        if self.source.locking.has_lockfile() {
            url += "&use_lockfile=true";
        }
        ["state".into(), "mv".into(), "terraform_data.moved".into(), format!("{url}//terraform_data.moved")]
    }

    fn run(&self, endpoint: &Endpoint, more: &[&str]) -> Finished {
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        s3tate(endpoint).run(&self.workdir, &arguments)
    }

    fn struck(&self, trouble: Trouble, number: usize) -> Finished {
        let (front, faults) = Faults::before(self.source.endpoint);
        let stall = trouble.plan(&faults, number, &self.source);
        let arguments = self.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut running = s3tate(&front).command(&self.workdir, &arguments).start();
        let Some(stall) = stall else { return running.finish() };
        let reached = wait_for("the request, or the end", LIMIT, || {
            (stall.was_reached() || running.has_ended()).then(|| stall.was_reached())
        });
        if reached && trouble.kills() {
            return running.kill();
        }
        stall.open();
        running.finish()
    }

    fn holders(&self) -> (bool, bool) {
        let holds = |target: &Target<'_>| {
            let bytes = target.store().bytes(&target.key);
            serde_json::from_slice::<serde_json::Value>(&bytes).expect("never torn");
            String::from_utf8_lossy(&bytes).contains("\"moved\"")
        };
        (holds(&self.source), holds(&self.destination))
    }

    /// Both states can be read and locked by everybody, and no journal is left.
    fn is_settled(&self, told: &str) -> Result<(), String> {
        // To a store that says a lock is not ours any more there is nothing to add, but to say so.
        let told_of_loss = told.contains("was taken away");
        for target in [&self.source, &self.destination] {
            let (digest, actual) =
                (target.store().digest(&target.key), md5_hex(&target.store().bytes(&target.key)));
            if digest.is_some_and(|digest| digest != actual) {
                return Err(format!("the digest of {} is another's", target.key));
            }
            let locks = target.backend().locks();
            if !locks.is_empty() && !told_of_loss {
                return Err(format!("left locked: {locks:?}"));
            }
        }
        match self.journals() {
            0 => Ok(()),
            left => Err(format!("{left} journals are left")),
        }
    }

    fn journals(&self) -> usize {
        let files = std::fs::read_dir(self.workdir.path()).expect("the directory is there");
        files.flatten().filter(|file| file.file_name().to_string_lossy().starts_with("s3tate-mv-")).count()
    }
}

fn state(lineage: &str, names: &[&str]) -> Vec<u8> {
    let resource = |name: &&str| {
        serde_json::json!({
            "mode": "managed", "type": "terraform_data", "name": name,
            "provider": "provider[\"terraform.io/builtin/terraform\"]",
            "instances": [{ "schema_version": 0, "attributes": { "id": name, "input": null, "output": null } }],
        })
    };
    let resources: Vec<_> = names.iter().map(resource).collect();
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 5, "lineage": lineage, "outputs": {},
        "resources": resources, "check_results": null,
    });
    serde_json::to_vec_pretty(&state).expect("a document")
}

/// Runs one case; fails with what is wrong.
fn case(
    endpoint: &Endpoint,
    name: &str,
    locking: Locking,
    how: (usize, Trouble, After),
) -> Result<(), String> {
    let (number, trouble, after) = how;
    let pair = Pair::new(endpoint, name, locking, trouble.attempts());
    let first = pair.struck(trouble, number);
    let story = |wrong: String| {
        format!("{locking:?}: {trouble:?} at request {number}, then {after:?}: {wrong}\n{first}")
    };
    if pair.holders() == (false, false) {
        return Err(story("neither has it".into()));
    }
    let done = first.code() == Some(0);
    if done && pair.holders() != (false, true) {
        return Err(story("acknowledged, and not done".into()));
    }
    let begun = pair.journals() > 0;
    let second = match after {
        After::Abort if begun => pair.run(endpoint, &["-abort"]),
        _ if done => first.clone(),
        _ => pair.run(endpoint, &[]),
    };
    let aborted = after == After::Abort && begun;
    // A move that is done can't be taken back; whoever asks is told, and finishes it.
    let refused = aborted && second.code() == Some(4) && pair.holders() == (false, true);
    let second = if refused { pair.run(endpoint, &[]) } else { second };
    if second.code() != Some(0) {
        return Err(story(format!("it can't be gone on with: {second}")));
    }
    let expected = if aborted && !refused { (true, false) } else { (false, true) };
    if pair.holders() != expected {
        return Err(story(format!("{:?} instead of {expected:?} after {second}", pair.holders())));
    }
    pair.is_settled(&(first.stderr_text() + &second.stderr_text()))
        .map_err(|wrong| story(format!("{wrong}, after {second}")))
}

fn clean_run(endpoint: &Endpoint, locking: Locking) -> usize {
    let pair = Pair::new(endpoint, &format!("clean-{locking:?}"), locking, 1);
    let (front, faults) = Faults::before(endpoint);
    let _done = pair.run(&front, &[]).succeeds();
    pair.is_settled("").expect("a clean run leaves nothing");
    faults.recorder().take().len()
}

#[test]
fn state_mv_between_states() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let mut cases = Vec::new();
    for locking in Operation::LOCKINGS {
        for number in 0..clean_run(&endpoint, locking) {
            let troubles = Trouble::ALL.into_iter();
            // What somebody else does to one of the states is the subject of tests of its own.
            let troubles = troubles.filter(|trouble| !matches!(trouble, Trouble::Swapped | Trouble::Stolen));
            cases.extend(troubles.map(|trouble| (locking, number, trouble)));
        }
    }
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let count = next.fetch_add(1, Ordering::Relaxed);
                    let Some((locking, number, trouble)) = cases.get(count).copied() else { break };
                    let after = if count.is_multiple_of(2) { After::Again } else { After::Abort };
                    let name = format!("mv-{count}");
                    if let Err(failure) = case(&endpoint, &name, locking, (number, trouble, after)) {
                        failures.lock().expect("nobody panics here").push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("nobody panics here");
    let line = format!("crash points of moves: {} cases, {} failed\n", cases.len(), failures.len());
    // Past the capture of output, so that the number is always seen.
    drop(std::io::stderr().write_all(line.as_bytes()));
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
