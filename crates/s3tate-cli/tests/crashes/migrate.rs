//! `migrate` at every crash point: each request to either end meets each fault. The state is whole at its source or at its
//! destination all the time, and the same command goes on to the end.

use std::sync::atomic::{AtomicUsize, Ordering};

use s3tate_testkit::{
    Backend, Client, Endpoint, Faults, Finished, Kind, Locking, StateServer, Workdir, md5_hex, wait_for,
};

use crate::case::{LIMIT, s3tate};
use crate::operation::{Target, state};
use crate::suite::{in_parallel, tell};
use crate::trouble::Trouble;

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    FileToTable,
    TableToObject,
    ServerToBoth,
    TableToServer,
    ObjectToFile,
}

/// Which end's requests are counted and struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Struck {
    S3,
    Server,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    route: Route,
    struck: Struck,
    number: usize,
    trouble: Trouble,
}

const TROUBLES: [Trouble; 9] = [
    Trouble::CutBefore,
    Trouble::CutAfter,
    Trouble::Internal,
    Trouble::InternalAfter,
    Trouble::Denied,
    Trouble::Unreachable,
    Trouble::UnreachableAfter,
    Trouble::KilledBefore,
    Trouble::KilledAfter,
];

/// Every request of a migration with `-delete-source` meets every fault.
pub(crate) fn every_crash_point(route: Route) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let mut cases = Vec::new();
    for struck in [Struck::S3, Struck::Server] {
        let scene = Scene::new(&endpoint, route);
        let _done = scene.run().succeeds();
        let faults = scene.faults(struck);
        for number in 0..faults.recorder().take().len() {
            cases.extend(TROUBLES.map(|trouble| Case { route, struck, number, trouble }));
        }
    }
    let failures =
        in_parallel(&cases, |case| case.run(&endpoint).map_err(|wrong| format!("{case:?}: {wrong}")));
    tell(&format!("crash points of migrate, {route:?}: {} cases, {} failed\n", cases.len(), failures.len()));
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

impl Case {
    fn run(self, endpoint: &Endpoint) -> Result<(), String> {
        let scene = Scene::new(endpoint, self.route);
        let broken = self.strike(&scene);
        let story = |wrong: &str, then: &str| Err(format!("{wrong}\n{broken}\n{then}"));
        if !scene.source_is_whole() && !scene.destination_is_whole() {
            return story("neither end is whole", "");
        }
        if broken.code() == Some(0) && !scene.is_done() {
            return story("acknowledged, and not done", "");
        }
        if broken.code().is_none() && !self.trouble.kills() {
            return story("it died", "");
        }
        scene.clear();
        let again = scene.run();
        if again.code() != Some(0) {
            return story("the same command doesn't go on", &again.to_string());
        }
        if scene.is_done() { Ok(()) } else { story("it is not done in the end", &again.to_string()) }
    }

    fn strike(self, scene: &Scene<'_>) -> Finished {
        let target = Target {
            endpoint: scene.endpoint,
            key: scene.key("none"),
            workspace: "default",
            locking: Locking::Off,
        };
        let stall = self.trouble.plan(scene.faults(self.struck), self.number, &target);
        let mut running = scene.command().start();
        let reached = stall.as_ref().is_some_and(|stall| {
            wait_for("the request, or the end", LIMIT, || {
                (stall.was_reached() || running.has_ended()).then(|| stall.was_reached())
            })
        });
        if reached && self.trouble.kills() { running.kill() } else { running.finish() }
    }
}

/// A state at the source, and proxies before both services.
struct Scene<'a> {
    endpoint: &'a Endpoint,
    client: Client,
    s3: Faults,
    server: StateServer,
    http: Faults,
    workdir: Workdir,
    route: Route,
    number: usize,
}

impl<'a> Scene<'a> {
    fn new(endpoint: &'a Endpoint, route: Route) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let ((front, s3), server) = (Faults::before(endpoint), StateServer::start());
        let http = Faults::before_url(server.url());
        let (client, workdir) = (s3tate(&front), Workdir::new());
        let scene = Self { endpoint, client, s3, server, http, workdir, route, number };
        scene.prepare();
        scene
    }

    fn prepare(&self) {
        match self.route {
            Route::FileToTable => self.workdir.write("from/terraform.tfstate", bytes()),
            Route::ServerToBoth => self.server.put("/from", bytes()),
            Route::TableToObject | Route::TableToServer | Route::ObjectToFile => {
                self.endpoint.store().put(&self.key("from"), bytes());
                if self.route != Route::ObjectToFile {
                    self.endpoint.store().put_digest(&self.key("from"), &md5_hex(&bytes()));
                }
            }
        }
    }

    fn faults(&self, struck: Struck) -> &Faults {
        match struck {
            Struck::S3 => &self.s3,
            Struck::Server => &self.http,
        }
    }

    fn clear(&self) {
        self.s3.clear();
        self.http.clear();
    }

    fn key(&self, end: &str) -> String {
        format!("{:?}-{}/{end}.tfstate", self.route, self.number)
    }

    fn s3(&self, end: &str, locking: Locking) -> String {
        let (store, key) = (self.endpoint.store(), self.key(end));
        let mut url = format!("s3://{}/{key}?use_path_style=true&max_retries=1", store.bucket());
        if locking.has_table() {
            url = format!("{url}&dynamodb_table={}", store.table());
        }
        if locking.has_lockfile() { url + "&use_lockfile=true" } else { url }
    }

    fn http(&self, end: &str) -> String {
        let place = format!("{}/{end}", self.http.recorder().url());
        format!("{place}#lock_address={place}&unlock_address={place}&retry_max=0")
    }

    fn ends(&self) -> [String; 2] {
        match self.route {
            Route::FileToTable => ["from/".into(), self.s3("to", Locking::Table)],
            Route::TableToObject => [self.s3("from", Locking::Table), self.s3("to", Locking::Lockfile)],
            Route::ServerToBoth => [self.http("from"), self.s3("to", Locking::Both)],
            Route::TableToServer => [self.s3("from", Locking::Table), self.http("to")],
            Route::ObjectToFile => [self.s3("from", Locking::Lockfile), "to/".into()],
        }
    }

    fn command(&self) -> s3tate_testkit::Run {
        let [from, to] = self.ends();
        let arguments = ["migrate", "-from", &from, "-to", &to, "-auto-approve", "-delete-source"];
        self.client.command(&self.workdir, &arguments)
    }

    fn run(&self) -> Finished {
        self.command().finish()
    }

    fn at(&self, end: &str) -> Option<Vec<u8>> {
        let in_s3 = self.endpoint.store().get(&self.key(end)).map(|object| object.bytes);
        let served = self.server.get(&format!("/{end}")).map(|bytes| bytes.to_vec());
        in_s3.or(served).or(self.workdir.read(format!("{end}/terraform.tfstate")))
    }

    fn source_is_whole(&self) -> bool {
        self.at("from") == Some(bytes())
    }

    fn destination_is_whole(&self) -> bool {
        self.at("to") == Some(bytes())
    }

    /// Whether the state is where it should be, with its digest, and nothing else is left: no source, no digest, no lock.
    fn is_done(&self) -> bool {
        let store = self.endpoint.store();
        let locks = |end| Backend::new(self.endpoint, &self.key(end), Locking::Both).locks();
        let to_table = matches!(self.route, Route::FileToTable | Route::ServerToBoth);
        self.destination_is_whole()
            && self.at("from").is_none()
            && store.digest(&self.key("from")).is_none()
            && store.digest(&self.key("to")) == to_table.then(|| md5_hex(&bytes()))
            && locks("from").is_empty()
            && locks("to").is_empty()
            && self.server.locks().is_empty()
    }
}

fn bytes() -> Vec<u8> {
    state(7, "lineage", Some("hello"))
}
