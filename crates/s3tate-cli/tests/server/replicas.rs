//! Two servers on one store, one of which is killed again and again: nothing that was acknowledged is lost.

use std::collections::{BTreeSet, VecDeque};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Client, Endpoint, Kind, Locking, Workdir, require, wait_for};
use serde_json::{Value, json};

use crate::raw::{Reply, exchange};
use crate::stage::{Server, Stage, authorization, lock_info, token_of};

const KEY: &str = "app/shared";
const STOCK: &str = "app/stock";
const WRITERS: usize = 3;
/// A minute's worth.
const MOST_TRIES: usize = 3_000;

/// How often a server is killed; `S3TATE_REPLICA_KILLS` sets it.
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how often")]
fn kills() -> usize {
    std::env::var("S3TATE_REPLICA_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// A client as stock ones are: it sends the same again until somebody answers, now to this server, now to that one.
struct Writer<'a> {
    addresses: &'a [String],
    asked: usize,
}

impl Writer<'_> {
    fn ask(&mut self, method: &str, query: &str, body: &[u8]) -> Reply {
        for _ in 0..MOST_TRIES {
            self.asked += 1;
            let addr = &self.addresses[self.asked % self.addresses.len()];
            let head = format!(
                "{method} /state/{KEY}{query} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {}\r\n{}",
                body.len(),
                authorization(token_of("writer"))
            );
            let reply = TcpStream::connect(addr).ok().and_then(|_| exchange(addr, &head, body));
            if let Some(reply) = reply.filter(|reply| reply.status < 500) {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nobody answers {method}");
    }

    /// Adds a name to the state, under the lock.
    fn add(&mut self, name: &str) {
        let lock = lock_info(name);
        while self.ask("LOCK", "", lock.as_bytes()).status == 423 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let stored = self.ask("GET", "", b"");
        let mut state = if stored.status == 404 { empty() } else { stored.is(200).json() };
        state["serial"] = json!(state["serial"].as_u64().expect("a serial") + 1);
        state["outputs"][name] = json!({ "value": name, "type": "string" });
        let _acknowledged = self.ask("POST", &format!("?ID={name}"), state.to_string().as_bytes()).is(200);
        // Where the answer was lost, somebody else may hold the lock by now.
        let released = self.ask("UNLOCK", "", lock.as_bytes());
        assert!([200, 409].contains(&released.status), "{}", released.head);
    }
}

fn empty() -> Value {
    json!({ "version": 4, "terraform_version": "1.11.4", "serial": 0, "lineage": "l", "outputs": {}, "resources": [] })
}

/// What clients have done so far, and whether they are to go on.
#[derive(Default)]
struct Progress {
    acknowledged: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Progress {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::SeqCst)
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().expect("nobody panics here").len()
    }

    fn acknowledge(&self, name: String) {
        self.acknowledged.lock().expect("nobody panics here").push(name);
    }
}

/// Tells the clients to come to their end, also where the test fails.
struct Over<'a>(&'a Progress);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

/// Kills one server after the other, each once some more was acknowledged and so at no chosen moment; another one takes its
/// place.
fn kill(stage: &Stage, mut servers: VecDeque<Server>, progress: &Progress) -> VecDeque<Server> {
    let _over = Over(progress);
    for _ in 0..kills() {
        let seen = progress.acknowledged();
        wait_for("progress", Duration::from_mins(2), || (progress.acknowledged() >= seen + 5).then_some(()));
        let victim = servers.pop_front().expect("there are two");
        servers.push_back(stage.replace_killed(victim));
    }
    servers
}

#[test]
fn nothing_is_lost_when_servers_are_killed() {
    for locking in [Locking::Table, Locking::Lockfile] {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        let stage = Stage::locking(endpoint, "", locking);
        let servers = VecDeque::from([stage.replica(), stage.replica()]);
        let addresses: Vec<_> = servers.iter().map(|server| server.addr.clone()).collect();
        let stock = require!(Client::terraform(Terraform::V1_11, &stage.endpoint));
        let stock = servers[0].as_backend(stock, "writer", STOCK).env("TF_HTTP_RETRY_WAIT_MIN", "1");
        let stock = stock.env("TF_HTTP_RETRY_MAX", "30").env("TF_HTTP_RETRY_WAIT_MAX", "1");
        let workdir = Workdir::with(&configuration(0));
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let progress = Progress::default();
        let (applied, _servers) = std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (addresses, progress) = (&addresses, &progress);
                scope.spawn(move || {
                    let mut client = Writer { addresses, asked: writer };
                    for number in (0..).take_while(|_| progress.goes_on()) {
                        let name = format!("writer-{writer}-{number}");
                        client.add(&name);
                        progress.acknowledge(name);
                    }
                });
            }
            let stock = scope.spawn(|| {
                let applies = (1..).take_while(|_| progress.goes_on());
                let apply = |number| {
                    workdir.write("main.tf", configuration(number));
                    let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
                };
                applies.map(apply).count()
            });
            // They are needed until the last client has come to its end.
            let servers = kill(&stage, servers, &progress);
            (stock.join().expect("it ends"), servers)
        });
        let state: Value = serde_json::from_slice(&stage.endpoint.store().bytes(KEY)).expect("a state");
        let stored: BTreeSet<_> = state["outputs"].as_object().expect("outputs").keys().cloned().collect();
        let acknowledged = progress.acknowledged.into_inner().expect("nobody panics here");
        assert_eq!(stored, acknowledged.iter().cloned().collect(), "{locking:?}");
        assert_eq!(state["serial"], acknowledged.len(), "each was written once");
        let by_stock: Value = serde_json::from_slice(&stage.endpoint.store().bytes(STOCK)).expect("a state");
        assert!(applied > 0 && by_stock["outputs"]["v"]["value"] == applied, "{applied}: {by_stock}");
        stage.is_sound(KEY);
        stage.is_sound(STOCK);
    }
}

fn configuration(value: usize) -> String {
    format!("terraform {{\n  backend \"http\" {{}}\n}}\noutput \"v\" {{\n  value = {value}\n}}\n")
}
