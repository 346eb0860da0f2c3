//! The state store, call by call: no released client has it yet.

use rmpv::Value;
use s3tate_provider::proto::tfplugin6::{
    Diagnostic, RequestChunkMeta, StateRange, StateStoreClientCapabilities, configure_state_store,
    delete_state, get_states, lock_state, read_state_bytes, unlock_state, validate_state_store_config,
    write_state_bytes,
};
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{
    Backend, Client, Endpoint, Fault, Faults, Kind, LockRecord, Locking, Refusal, Workdir, md5_hex, require,
};

use crate::raw::{Raw, encoded, object, place, provider, said};
use crate::stage::KEY;

const TYPE: &str = "s3tate_s3";
const CHUNK_BYTES: i64 = 8 << 20;

fn endpoint() -> Endpoint {
    Endpoint::start(Kind::Embedded).expect("it is part of this project")
}

/// A provider with a store that is configured.
struct Store(Raw);

/// The arguments of a store on this endpoint.
fn arguments(endpoint: &Endpoint, locking: Locking) -> Vec<(&'static str, Value)> {
    let store = endpoint.store();
    let mut arguments =
        vec![("bucket", store.bucket().into()), ("key", KEY.into()), ("use_path_style", Value::from(true))];
    if locking.has_table() {
        arguments.push(("dynamodb_table", store.table().into()));
    }
    if locking.has_lockfile() {
        arguments.push(("use_lockfile", Value::from(true)));
    }
    arguments
}

impl Store {
    fn start(endpoint: &Endpoint, locking: Locking) -> Self {
        Self::with_chunks(endpoint, locking, CHUNK_BYTES)
    }

    fn with_chunks(endpoint: &Endpoint, locking: Locking, chunk: i64) -> Self {
        let store = Self(Raw::start(endpoint));
        assert_eq!(said(&store.0.configure(&object([]))), "");
        let (told, agreed) = store.configure(arguments(endpoint, locking), Some(chunk));
        assert_eq!((said(&told).as_str(), agreed), ("", chunk));
        store
    }

    /// Configures it: what is told, and the size of pieces.
    fn configure(&self, arguments: Vec<(&'static str, Value)>, chunk: Option<i64>) -> (Vec<Diagnostic>, i64) {
        let request = configure_state_store::Request {
            type_name: TYPE.to_owned(),
            config: Some(encoded(&object(arguments))),
            capabilities: chunk.map(|chunk_size| StateStoreClientCapabilities { chunk_size }),
        };
        let answer = self.0.runtime.block_on(self.0.provider().configure_state_store(request));
        let answer = answer.expect("an answer").into_inner();
        (answer.diagnostics, answer.capabilities.expect("clients crash without them").chunk_size)
    }

    /// All messages of a read.
    fn messages(&self, type_name: &str, id: &str) -> Vec<read_state_bytes::Response> {
        let request = read_state_bytes::Request { type_name: type_name.to_owned(), state_id: id.to_owned() };
        self.0.runtime.block_on(async {
            let mut stream =
                self.0.provider().read_state_bytes(request).await.expect("an answer").into_inner();
            let mut messages = Vec::new();
            while let Some(message) = stream.message().await.expect("status OK") {
                messages.push(message);
            }
            messages
        })
    }

    /// The bytes of a state; `None` where there is none.
    fn read(&self, id: &str) -> Option<Vec<u8>> {
        let messages = self.messages(TYPE, id);
        assert!(messages.iter().all(|message| message.diagnostics.is_empty()), "{messages:?}");
        (!messages.is_empty()).then(|| messages.iter().flat_map(|message| message.bytes.clone()).collect())
    }

    fn send(&self, pieces: Vec<write_state_bytes::RequestChunk>) -> Vec<Diagnostic> {
        let stream = futures::stream::iter(pieces);
        let answer = self.0.runtime.block_on(self.0.provider().write_state_bytes(stream));
        answer.expect("an answer").into_inner().diagnostics
    }

    fn write(&self, id: &str, bytes: &[u8]) -> Vec<Diagnostic> {
        self.send(pieces(id, bytes, usize::try_from(CHUNK_BYTES).expect("it fits")))
    }

    fn lock_of(&self, type_name: &str, id: &str) -> (String, Vec<Diagnostic>) {
        let request = lock_state::Request {
            type_name: type_name.to_owned(),
            state_id: id.to_owned(),
            operation: "OperationTypeApply".to_owned(),
        };
        let answer = self.0.runtime.block_on(self.0.provider().lock_state(request));
        let answer = answer.expect("an answer").into_inner();
        (answer.lock_id, answer.diagnostics)
    }

    fn lock(&self, id: &str) -> (String, Vec<Diagnostic>) {
        self.lock_of(TYPE, id)
    }

    fn unlock_of(&self, type_name: &str, id: &str, lock: &str) -> Vec<Diagnostic> {
        let request = unlock_state::Request {
            type_name: type_name.to_owned(),
            state_id: id.to_owned(),
            lock_id: lock.to_owned(),
        };
        let answer = self.0.runtime.block_on(self.0.provider().unlock_state(request));
        answer.expect("an answer").into_inner().diagnostics
    }

    fn unlock(&self, id: &str, lock: &str) -> Vec<Diagnostic> {
        self.unlock_of(TYPE, id, lock)
    }

    fn states_of(&self, type_name: &str) -> (Vec<String>, Vec<Diagnostic>) {
        let request = get_states::Request { type_name: type_name.to_owned() };
        let answer = self.0.runtime.block_on(self.0.provider().get_states(request));
        let answer = answer.expect("an answer").into_inner();
        (answer.state_id, answer.diagnostics)
    }

    fn states(&self) -> Vec<String> {
        let (states, told) = self.states_of(TYPE);
        assert_eq!(said(&told), "");
        states
    }

    fn delete_of(&self, type_name: &str, id: &str) -> Vec<Diagnostic> {
        let request = delete_state::Request { type_name: type_name.to_owned(), state_id: id.to_owned() };
        let answer = self.0.runtime.block_on(self.0.provider().delete_state(request));
        answer.expect("an answer").into_inner().diagnostics
    }
}

/// A state in pieces, as clients send it.
fn pieces(id: &str, bytes: &[u8], chunk: usize) -> Vec<write_state_bytes::RequestChunk> {
    let number = |length: usize| i64::try_from(length).expect("it fits");
    let piece = |(at, part): (usize, &[u8])| write_state_bytes::RequestChunk {
        meta: (at == 0).then(|| RequestChunkMeta { type_name: TYPE.to_owned(), state_id: id.to_owned() }),
        bytes: part.to_vec(),
        total_length: number(bytes.len()),
        range: Some(StateRange { start: number(at * chunk), end: number(at * chunk + part.len()) - 1 }),
    };
    bytes.chunks(chunk).enumerate().map(piece).collect()
}

fn state(serial: u64) -> Vec<u8> {
    format!(r#"{{"version":4,"terraform_version":"1.15.0","serial":{serial},"lineage":"l","outputs":{{}},"resources":[]}}"#)
        .into_bytes()
}

/// Check P1: the client's size of pieces is taken, within limits.
#[test]
fn the_size_of_pieces_is_agreed_upon() {
    let endpoint = endpoint();
    let store = Store::start(&endpoint, Locking::Table);
    for (proposed, agreed) in [(Some(0), CHUNK_BYTES), (None, CHUNK_BYTES), (Some(256 << 20), 128 << 20)] {
        assert_eq!(store.configure(arguments(&endpoint, Locking::Table), proposed).1, agreed);
    }
}

/// Check P2: a configuration that is wrong is told, and the size of pieces all the same.
#[test]
fn a_wrong_configuration_is_told() {
    let endpoint = endpoint();
    let store = Store(Raw::start(&endpoint));
    let mut wrong = arguments(&endpoint, Locking::Table);
    wrong.push(("retry_mode", "never".into()));
    let request = validate_state_store_config::Request {
        type_name: TYPE.to_owned(),
        config: Some(encoded(&object(wrong.clone()))),
    };
    let told = store.0.runtime.block_on(store.0.provider().validate_state_store_config(request));
    let told = told.expect("an answer").into_inner().diagnostics;
    assert_eq!(told.iter().map(place).collect::<Vec<_>>(), ["retry_mode"], "{told:?}");
    assert_eq!(store.configure(wrong, Some(CHUNK_BYTES)), (told, CHUNK_BYTES));
    let (told, _) = store.configure(vec![("lock_timeout", "soon".into())], Some(CHUNK_BYTES));
    assert_eq!(told.iter().map(place).collect::<Vec<_>>(), ["lock_timeout"]);
    let (told, _) = store.configure(vec![("key", KEY.into())], Some(CHUNK_BYTES));
    assert_eq!(told.iter().map(place).collect::<Vec<_>>(), ["bucket"], "what is required and missing");
    assert!(!said(&told).contains("-backend-config") && said(&told).contains("provider's block"), "{told:?}");
    let (told, _) = store.configure(arguments(&endpoint, Locking::Table), Some(CHUNK_BYTES));
    assert_eq!(said(&told), "");
}

/// Check P3: no state is no message.
/// Check P4: pieces of the agreed size, with their ranges.
/// Check P5: and no empty one.
#[test]
fn a_state_is_read_in_pieces() {
    let endpoint = endpoint();
    let store = Store::with_chunks(&endpoint, Locking::Table, 1000);
    assert_eq!(store.messages(TYPE, "default"), []);
    for (length, ranges) in
        [(2500, vec![(0, 999), (1000, 1999), (2000, 2499)]), (2000, vec![(0, 999), (1000, 1999)])]
    {
        endpoint.store().put(KEY, "x".repeat(length));
        let messages = store.messages(TYPE, "default");
        let found: Vec<_> = messages
            .iter()
            .map(|message| message.range.map(|range| (range.start, range.end)).expect("a range"))
            .collect();
        assert_eq!(found, ranges);
        assert!(
            messages.iter().all(|message| message.total_length == i64::try_from(length).expect("it fits"))
        );
    }
}

/// Check P6: what was written in pieces is read again, in pieces.
#[test]
fn a_large_state_is_written_and_read_again() {
    let endpoint = endpoint();
    let store = Store::start(&endpoint, Locking::Table);
    let bytes: Vec<u8> = (0..20_u32 << 20).map(|at| b'a' + u8::try_from(at % 23).expect("small")).collect();
    assert_eq!(said(&store.write("default", &bytes)), "");
    assert!(endpoint.store().bytes(KEY) == bytes);
    let sizes: Vec<_> = store.messages(TYPE, "default").iter().map(|message| message.bytes.len()).collect();
    assert_eq!(sizes, [8 << 20, 8 << 20, 4 << 20]);
    assert!(store.read("default") == Some(bytes));
}

/// Check P7: what isn't whole changes nothing.
/// Check P8: nor does a stream that ends half-way.
#[test]
fn what_does_not_arrive_whole_changes_nothing() {
    let endpoint = endpoint();
    let store = Store::start(&endpoint, Locking::Table);
    assert_eq!(said(&store.write("default", &state(1))), "");
    let before = endpoint.store().snapshot();
    let next = state(2);
    let whole = pieces("default", &next, 30);
    let mut short = whole.clone();
    short.pop();
    let mut gap = whole.clone();
    gap.remove(1);
    let mut nobodys = whole.clone();
    nobodys[0].meta = None;
    for wrong in [vec![], short, gap, nobodys] {
        let told = store.send(wrong);
        assert!(said(&told).contains("nothing was written"), "{told:?}");
        assert_eq!(endpoint.store().snapshot(), before);
    }
    // Cancelled after the first piece, which the provider has taken before the stream is dropped.
    let runtime = &store.0.runtime;
    runtime.block_on(async {
        let (sender, receiver) = futures::channel::mpsc::channel(1);
        let mut provider = store.0.provider();
        let call = tokio::spawn(async move { provider.write_state_bytes(receiver).await });
        let mut sender = sender;
        for piece in whole.iter().take(3).cloned() {
            futures::SinkExt::send(&mut sender, piece).await.expect("the call is under way");
        }
        call.abort();
        drop(call.await);
    });
    assert_eq!(store.read("default"), Some(state(1)));
    assert_eq!(endpoint.store().snapshot(), before);
    assert_eq!(said(&store.write("default", &next)), "", "and the store goes on");
}

/// Check P9: the second one is told who holds the lock.
/// Check P11: states are locked each by itself.
/// Check P12: a wrong id releases nothing.
/// Check P13: another process releases it by its id.
#[test]
fn locks_exclude_and_are_released_by_their_id() {
    for locking in [Locking::Table, Locking::Lockfile, Locking::Both] {
        let endpoint = endpoint();
        let (store, other) = (Store::start(&endpoint, locking), Store::start(&endpoint, locking));
        assert!(!store.unlock("default", "none").is_empty(), "there is no lock");
        let (id, told) = store.lock("default");
        assert!(!id.is_empty() && told.is_empty(), "{told:?}");
        let records = Backend::new(&endpoint, KEY, locking).locks();
        assert!(records.iter().all(|record| record.id == id && record.operation == "OperationTypeApply"));
        let (none, told) = other.lock("default");
        assert_eq!(none, "");
        for word in [id.as_str(), "OperationTypeApply", &records[0].who] {
            assert!(told[0].detail.contains(word), "`{word}` in {told:?}");
        }
        let (dev, told) = other.lock("dev");
        assert!(!dev.is_empty() && told.is_empty(), "{told:?}");
        assert!(!store.unlock("default", &dev).is_empty());
        assert_eq!(Backend::new(&endpoint, KEY, locking).locks(), records, "it stays");
        assert_eq!(said(&other.unlock("default", &id)), "");
        assert_eq!(said(&store.unlock("dev", &dev)), "");
        assert_eq!(endpoint.store().items().len(), 0);
    }
}

/// Check P10: of ten at once exactly one gets the lock.
#[test]
fn of_ten_processes_one_gets_the_lock() {
    let endpoint = endpoint();
    let stores: Vec<_> = (0..10).map(|_| Store::start(&endpoint, Locking::Table)).collect();
    let winners = std::thread::scope(|scope| {
        let locks: Vec<_> = stores.iter().map(|store| scope.spawn(|| store.lock("default"))).collect();
        let answers = locks.into_iter().map(|lock| lock.join().expect("no panic"));
        answers.filter(|(id, told)| !id.is_empty() && told.is_empty()).count()
    });
    assert_eq!(winners, 1);
}

/// Check P14: states that exist, sorted, and nothing else.
/// Check P15: a deleted state is gone; the default one and an unknown one are refused.
#[test]
fn states_are_listed_and_deleted() {
    let endpoint = endpoint();
    let store = Store::start(&endpoint, Locking::Table);
    assert_eq!(store.states(), [""; 0]);
    assert_eq!(said(&store.write("dev", &state(1))), "");
    assert_eq!(store.states(), ["dev"]);
    assert_eq!(said(&store.write("default", &state(1))), "");
    endpoint.store().put("elsewhere/state", "{}");
    endpoint.store().put("env:/dev/another", "{}");
    assert_eq!(store.states(), ["default", "dev"]);
    assert_eq!(said(&store.delete_of(TYPE, "dev")), "");
    assert_eq!(store.states(), ["default"]);
    assert_eq!(store.read("dev"), None);
    assert_eq!(endpoint.store().digest(&format!("env:/dev/{KEY}")), None);
    assert!(!store.delete_of(TYPE, "dev").is_empty() && !store.delete_of(TYPE, "default").is_empty());
    assert_eq!(said(&store.write("dev", &state(1))), "", "it can be made again");
}

/// Check P16: calls for another type, or before the configuration, are told as diagnostics.
#[test]
fn calls_out_of_turn_are_told() {
    let endpoint = endpoint();
    let store = Store(Raw::start(&endpoint));
    for type_name in [TYPE, "s3tate_other"] {
        let messages = store.messages(type_name, "default");
        assert_eq!((messages.len(), messages[0].diagnostics.len()), (1, 1), "{messages:?}");
        assert_eq!(store.lock_of(type_name, "default").1.len(), 1);
        assert_eq!(store.unlock_of(type_name, "default", "x").len(), 1);
        assert_eq!(store.states_of(type_name).1.len(), 1);
        assert_eq!(store.delete_of(type_name, "default").len(), 1);
    }
    assert_eq!(store.write("default", &state(1)).len(), 1);
}

/// Check P17: a later configuration takes the place of an earlier one.
#[test]
fn a_later_configuration_counts() {
    let (first, second) = (endpoint(), endpoint());
    let store = Store::start(&first, Locking::Off);
    assert_eq!(said(&store.write("default", &state(1))), "");
    let mut elsewhere = arguments(&first, Locking::Off);
    elsewhere[1].1 = "another/key".into();
    assert_eq!(store.configure(elsewhere, Some(10)).1, 10);
    assert_eq!(store.read("default"), None);
    assert_eq!(said(&store.write("default", &state(2))), "");
    assert!(store.messages(TYPE, "default").len() > 5);
    assert_eq!(first.store().bytes("another/key"), state(2));
    assert_eq!(first.store().bytes(KEY), state(1));
    drop(second);
}

/// Check P18: what the backend `s3` wrote is read, and its locks count.
#[test]
fn states_and_locks_are_those_of_the_backend() {
    let endpoint = endpoint();
    let terraform = require!(Client::terraform(Terraform::V1_11, &endpoint));
    let backend = Backend::new(&endpoint, KEY, Locking::Table);
    let body = "output \"a\" {\n  value = 1\n}\n";
    let workdir = Workdir::with(&format!("{}{body}", backend.block(Terraform::V1_11)));
    let _initialised = terraform.run(&workdir, &["init", "-input=false"]).succeeds();
    let _applied = terraform.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let store = Store::start(&endpoint, Locking::Table);
    let stored = endpoint.store().bytes(KEY);
    assert_eq!(store.read("default"), Some(stored.clone()));
    let record = LockRecord::of_a_dead_holder(&backend.lock_path());
    backend.put_lock(&record);
    let (_, told) = store.lock("default");
    assert!(told[0].detail.contains(&record.id) && told[0].detail.contains(&record.who), "{told:?}");
    assert_eq!(said(&store.unlock("default", &record.id)), "");

    // And the other way round.
    let text = String::from_utf8(stored).expect("text");
    let next = text.replace("\"serial\": 1", "\"serial\": 2").replace("\"value\": 1", "\"value\": 2");
    assert_eq!(said(&store.write("default", next.as_bytes())), "");
    assert_eq!(endpoint.store().digest(KEY), Some(md5_hex(next.as_bytes())));
    let read = terraform.run(&workdir, &["output", "a"]).succeeds();
    assert_eq!(read.stdout_text().trim(), "2");
    let (id, _) = store.lock("default");
    let _refused = terraform.run(&workdir, &["plan"]).fails().says(&[&id]);
}

/// Check P19: a read that fails gives an error and no part of the state.
#[test]
fn a_read_that_fails_gives_no_part_of_the_state() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, "x".repeat(3000));
    let (proxied, faults) = Faults::before(&endpoint);
    let raw = Raw::start_as(&provider(&proxied).env("AWS_MAX_ATTEMPTS", "1"));
    let store = Store(raw);
    let mut few = arguments(&endpoint, Locking::Off);
    few.push(("max_retries", Value::from(1)));
    assert_eq!(said(&store.configure(few, Some(1000)).0), "");
    faults.since(None, 0, Fault::ShortAnswer);
    let messages = store.messages(TYPE, "default");
    assert_eq!(messages.len(), 1);
    assert!(messages[0].bytes.is_empty() && messages[0].diagnostics[0].severity == 1, "{messages:?}");
}

/// Check P20: without anything to lock with, there is no id and no error.
#[test]
fn without_locks_there_is_no_id() {
    let endpoint = endpoint();
    let store = Store::start(&endpoint, Locking::Off);
    assert_eq!(store.lock("default"), (String::new(), Vec::new()));
}

/// Two writers that read the same: the second one is refused, and nothing is lost.
#[test]
fn a_state_that_changed_after_it_was_read_is_not_overwritten() {
    let endpoint = endpoint();
    let (store, other) = (Store::start(&endpoint, Locking::Table), Store::start(&endpoint, Locking::Table));
    assert_eq!(said(&store.write("default", &state(1))), "");
    assert_eq!(store.read("default"), other.read("default"));
    assert_eq!(said(&other.write("default", &state(2))), "");
    let told = store.write("default", &state(3));
    assert!(said(&told).contains("changed after it was read"), "{told:?}");
    assert_eq!(endpoint.store().bytes(KEY), state(2));
    // Its own writes follow each other without a read between them.
    assert_eq!(said(&other.write("default", &state(3))), "");
    assert_eq!(said(&other.write("default", &state(4))), "");
    assert_eq!(endpoint.store().bytes(KEY), state(4));
}

/// A lock or a write that the store refuses leaves nothing behind.
#[test]
fn what_the_store_refuses_leaves_nothing_behind() {
    let endpoint = endpoint();
    let (proxied, faults) = Faults::before(&endpoint);
    let store = Store(Raw::start(&proxied));
    assert_eq!(said(&store.configure(arguments(&endpoint, Locking::Table), None).0), "");
    faults.since(Some("PutItem"), 0, Fault::Refuse(Refusal::Denied));
    let (id, told) = store.lock("default");
    assert!(id.is_empty() && told[0].severity == 1, "{told:?}");
    faults.since(
        Some(&format!("PUT /{}/{KEY}", endpoint.store().bucket())),
        0,
        Fault::Refuse(Refusal::Denied),
    );
    assert!(said(&store.write("default", &state(1))).contains("can't write"));
    faults.clear();
    assert_eq!(endpoint.store().get(KEY), None);
    assert_eq!(endpoint.store().items().len(), 0);
}
