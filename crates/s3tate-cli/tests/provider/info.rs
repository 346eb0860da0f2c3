//! What a state says of itself, and who holds its lock.

use rmpv::Value;
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Backend, Endpoint, Kind, LockRecord, Locking, large_state, require};

use crate::raw::{Raw, config, member, object, remote_state};
use crate::stage::{KEY, Stage, data, workdir};

const TYPE: &str = "s3tate_state_info";

#[test]
fn a_state_is_described_by_its_beginning_alone() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    let bytes = large_state(5_000, 7);
    endpoint.store().put(KEY, bytes.clone());
    let (piped, pipe) = endpoint.piped();
    let raw = Raw::start(&piped);
    let (state, told) = raw.read(TYPE, &remote_state(&endpoint, KEY));
    let state = state.unwrap_or_else(|| panic!("{told:?}"));
    let stored: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(member(&state, "exists"), &Value::from(true));
    assert_eq!(member(&state, "serial").as_u64(), stored["serial"].as_u64());
    assert_eq!(member(&state, "lineage").as_str(), stored["lineage"].as_str());
    assert_eq!(member(&state, "terraform_version").as_str(), stored["terraform_version"].as_str());
    assert!(member(&state, "version_id").as_str().is_some());
    assert!(member(&state, "last_modified").as_str().is_some_and(|time| time.ends_with('Z')));
    assert!(bytes.len() > 1 << 20 && pipe.take_received_bytes() < 80 << 10, "it was read too far");
}

#[test]
fn what_is_not_there_is_no_error_and_not_created() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    let before = endpoint.store().snapshot();
    let raw = Raw::start(&endpoint);
    let (state, told) = raw.read(TYPE, &remote_state(&endpoint, KEY));
    let state = state.unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(member(&state, "exists"), &Value::from(false));
    for name in ["serial", "lineage", "version_id", "last_modified", "locked", "locked_by"] {
        assert_eq!(member(&state, name), &Value::Nil, "{name}");
    }
    endpoint.store().put(KEY, "");
    let (state, _) = raw.read(TYPE, &remote_state(&endpoint, KEY));
    assert_eq!(member(&state.expect("a state"), "exists"), &Value::from(false), "an object without a byte");
    endpoint.store().delete(KEY);
    assert_eq!(endpoint.store().snapshot().objects, before.objects);
}

#[test]
fn who_holds_the_lock_is_told() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("it is part of this project");
    endpoint.store().put(KEY, large_state(1, 7));
    let backend = Backend::new(&endpoint, KEY, Locking::Table);
    let record = LockRecord::of_a_dead_holder(&backend.lock_path());
    backend.put_lock(&record);
    let raw = Raw::start(&endpoint);
    let table = [("dynamodb_table", endpoint.store().table())];
    let source = object([("config", config(&endpoint, KEY, &table))]);
    let state = raw.read(TYPE, &source).0.expect("a state");
    assert_eq!(member(&state, "locked"), &Value::from(true));
    assert_eq!(member(&state, "locked_by").as_str(), Some("dana@build-07"));
    assert_eq!(member(&state, "lock_id").as_str(), Some(record.id.as_str()));
}

#[test]
fn stock_takes_it() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Both));
    stage.endpoint.store().put(KEY, large_state(1, 7));
    let output = "output \"serial\" {\n  value = data.s3tate_state_info.n.serial\n}\n";
    let workdir = workdir(&(data("s3tate_state_info", "n", &stage.config(KEY), "") + output));
    let _applied = stage.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let serial = stage.run(&workdir, &["output", "serial"]).succeeds().stdout_text();
    assert!(serial.trim().parse::<u64>().is_ok(), "{serial}");
}
