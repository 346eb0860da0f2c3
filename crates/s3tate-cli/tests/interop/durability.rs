//! What the embedded endpoint has acknowledged survives its sudden death.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use s3tate_testkit::{Client, Endpoint, Item, Kind, Running, Store, Workdir, require, wait_for};

const WRITERS: usize = 4;
const WRITES_EACH: usize = 50;
/// The server dies once so many writes are acknowledged: in their midst.
const ENOUGH: usize = 100;

/// `s3tate local` as a process of its own.
struct Server {
    running: Running,
    store: Store,
}

impl Server {
    fn start(client: &Client, workdir: &Workdir) -> Self {
        let mut running =
            client.command(workdir, &["local", "-data", "data", "-listen", "127.0.0.1:0"]).start();
        let variables = wait_for("the lines to paste", Duration::from_mins(1), || {
            assert!(!running.has_ended(), "the server ended: {}", running.stdout_so_far());
            let variables = variables(&running.stdout_so_far());
            let names = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
            names.iter().all(|&name| variables.contains_key(name)).then_some(variables)
        });
        let access_key = (&*variables["AWS_ACCESS_KEY_ID"], &*variables["AWS_SECRET_ACCESS_KEY"]);
        let store = Store::connect(&variables["AWS_ENDPOINT_URL"], access_key, "durable", "durable-locks");
        Self { running, store }
    }
}

/// The variables of `export NAME=VALUE` lines, quoted or not; a last line without its end doesn't count yet.
fn variables(text: &str) -> BTreeMap<String, String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines =
        whole.lines().filter_map(|line| line.trim().strip_prefix("export ").unwrap_or(line).split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.trim_matches(['"', '\'']).to_owned())).collect()
}

#[test]
fn acknowledged_writes_survive_a_kill() {
    let nowhere = require!(Endpoint::start(Kind::Embedded));
    let client = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .iter()
        .fold(crate::stage::s3tate(&nowhere), |client, name| client.without(name));
    let workdir = Workdir::new();
    let server = Server::start(&client, &workdir);
    server.store.create_bucket();
    server.store.keep_versions();
    server.store.create_table("LockID");

    let acknowledged = write_until_death(server);
    assert!(acknowledged.len() >= ENOUGH, "only {} writes came through", acknowledged.len());
    let all = WRITERS * WRITES_EACH;
    assert!(acknowledged.len() < all, "the server should die before all {all} writes are done");

    let reborn = Server::start(&client, &workdir);
    for (writer, number) in acknowledged {
        assert_eq!(
            reborn.store.bytes(&key(writer, number)),
            body(writer, number),
            "object {number} of {writer}"
        );
        let item =
            reborn.store.item(&key(writer, number)).unwrap_or_else(|| panic!("item {number} of {writer}"));
        assert_eq!(item, lock_item(writer, number));
    }
    for key in reborn.store.keys() {
        let expected = (0..WRITERS).flat_map(|writer| (0..WRITES_EACH).map(move |number| (writer, number)));
        let (writer, number) = expected
            .into_iter()
            .find(|&(writer, number)| self::key(writer, number) == key)
            .expect("one of ours");
        assert_eq!(reborn.store.bytes(&key), body(writer, number), "whole or not there at all");
    }
    reborn.store.put("after/death", "it takes writes again");
    assert_eq!(reborn.store.bytes("after/death"), b"it takes writes again");
}

/// Several writers write objects and items side by side; returns what was acknowledged before the server was killed.
fn write_until_death(server: Server) -> Vec<(usize, usize)> {
    let Server { running, store } = server;
    let acknowledged = Mutex::new(Vec::new());
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, acknowledged, count) = (&store, &acknowledged, &count);
            scope.spawn(move || {
                for number in 0..WRITES_EACH {
                    if !write(store, writer, number) {
                        return;
                    }
                    acknowledged.lock().expect("nobody panics here").push((writer, number));
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        wait_for("enough writes", Duration::from_mins(1), || {
            (count.load(Ordering::SeqCst) >= ENOUGH).then_some(())
        });
        assert_eq!(running.kill().code(), None, "it was killed");
    });
    acknowledged.into_inner().expect("nobody panics here")
}

/// One object and one item; whether both were acknowledged.
fn write(store: &Store, writer: usize, number: usize) -> bool {
    store.try_put(&key(writer, number), body(writer, number)).is_ok()
        && store.try_put_item(&lock_item(writer, number)).is_ok()
}

fn key(writer: usize, number: usize) -> String {
    format!("writer-{writer}/{number:03}")
}

/// Between a few bytes and a few hundred kilobytes, different for each write.
fn body(writer: usize, number: usize) -> Vec<u8> {
    format!("{writer} {number}\n").repeat(1 + number * number * 20).into_bytes()
}

fn lock_item(writer: usize, number: usize) -> Item {
    let info = format!("info of {writer} {number}");
    [("LockID", key(writer, number)), ("Info", info)].map(|(name, value)| (name.to_owned(), value)).into()
}
