//! What reading gives, and how what goes wrong is told.

use rmpv::Value;
use s3tate_provider::proto::tfplugin6::stop_provider;
use s3tate_testkit::{Endpoint, Gate, Kind, Spoil, md5_hex};

use crate::raw::{
    Raw, config, dynamic, member, object, outputs, place, provider, read, remote_state, said, texts, unknown,
};
use crate::stage::{KEY, fixture};

const TYPE: &str = "s3tate_remote_state";

fn endpoint() -> Endpoint {
    Endpoint::start(Kind::Embedded).expect("it is part of this project")
}

fn state_of(outputs: &str) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":3,"lineage":"l","outputs":{{{outputs}}},"resources":[]}}"#
    )
}

/// What reading the state at the usual key tells, with these further arguments; nothing is read.
fn refused(endpoint: &Endpoint, more: &[(&'static str, Value)]) -> (String, Vec<String>) {
    let raw = Raw::start(endpoint);
    let before = endpoint.store().snapshot();
    let source = object([("config", config(endpoint, KEY, &[]))].into_iter().chain(more.iter().cloned()));
    let (state, told) = raw.read(TYPE, &source);
    assert!(state.is_none(), "{state:?}");
    assert!(told.iter().all(|told| told.severity == 1 && !told.summary.contains('\n')), "{told:?}");
    assert_eq!(endpoint.store().snapshot(), before, "reading must not write");
    (said(&told), told.iter().map(place).collect())
}

/// Check D3: what was configured comes back as it was.
#[test]
fn the_configuration_comes_back_as_it_was() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, state_of(r#""a":{"value":"x","type":"string"}"#));
    let raw = Raw::start(&endpoint);
    let inner = object([("deep", Value::from(1.5)), ("n", Value::Nil)]);
    let defaults = object([
        ("big", Value::from("123456789012345678901234567890.5")),
        ("inner", inner),
        ("nothing", Value::Nil),
        ("tuple", Value::Array(vec![Value::from(1), Value::from("é")])),
    ]);
    let ty = r#"["object",{"big":"number","inner":["object",{"deep":"number","n":"dynamic"}],"nothing":"dynamic","tuple":["tuple",["number","string"]]}]"#;
    let source = object([
        ("backend", Value::from("s3")),
        ("config", config(&endpoint, KEY, &[])),
        ("defaults", dynamic(ty, defaults)),
        ("only", Value::Array(vec![Value::from("a"), Value::from("big")])),
        ("workspace", Value::from("default")),
    ]);
    let (state, told) = raw.read(TYPE, &source);
    let state = state.unwrap_or_else(|| panic!("{told:?}"));
    for name in ["backend", "config", "defaults", "only", "workspace"] {
        let sorted = |value: &Value| sorted(value.clone());
        assert_eq!(sorted(member(&state, name)), sorted(member(&source, name)), "{name}");
    }
    for name in ["version_id", "allow_missing", "separate_sensitive"] {
        assert_eq!(member(&state, name), &Value::Nil);
    }
    let expected =
        object([("a", Value::from("x")), ("big", Value::from("123456789012345678901234567890.5"))]);
    assert_eq!(outputs(&state), expected);
}

/// The same with the members of objects in the order of their names, and types as text.
fn sorted(value: Value) -> Value {
    match value {
        Value::Map(mut members) => {
            members.sort_by_key(|(name, _)| name.as_str().map(str::to_owned));
            Value::Map(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Binary(ty) => Value::from(s3tate::state::Type::from_json(&ty).expect("a type").to_json()),
        value => value,
    }
}

/// Check D4: what isn't known yet, refined or not, is no error.
#[test]
fn unknown_arguments_are_no_error_before_they_are_needed() {
    let raw = Raw::start(&endpoint());
    let refined = Value::Ext(12, vec![0x81, 0x01, 0xc2]);
    let parts = object([("bucket", unknown()), ("key", refined.clone())]);
    let known = dynamic(r#"["object",{"bucket":"string","key":"string"}]"#, parts);
    for config in [known, unknown(), refined] {
        let source = object([("config", config), ("workspace", unknown()), ("defaults", unknown())]);
        assert_eq!(said(&raw.validate(TYPE, &source)), "");
    }
}

/// Wrong arguments are found before anything is sent, and shown where they stand.
#[test]
fn wrong_arguments_are_told_where_they_stand() {
    let raw = Raw::start(&endpoint());
    let check = |members: Vec<(&'static str, Value)>| {
        let told = raw.validate(TYPE, &object(members));
        told.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(check(vec![("config", texts(&[("buckt", "b"), ("key", "/k")]))]), ["config", "config"]);
    assert_eq!(check(vec![("config", texts(&[("key", "/k")]))]), ["config"]);
    assert_eq!(check(vec![("config", dynamic(r#""string""#, Value::from("x")))]), ["config"]);
    assert_eq!(check(vec![("backend", Value::from("gcs"))]), ["backend"]);
    assert_eq!(check(vec![("workspace", Value::from(""))]), ["workspace"]);
    assert_eq!(check(vec![("defaults", dynamic(r#""number""#, Value::from(1)))]), ["defaults"]);
    let versions_of_files = vec![("backend", Value::from("local")), ("version_id", Value::from("v"))];
    assert_eq!(check(versions_of_files), ["version_id"]);
    assert!(said(&raw.validate("s3tate_other", &object([]))).contains("s3tate_other"));
}

/// Check D5: a state that isn't there is one error that names it; it is not created.
#[test]
fn a_missing_state_is_told_and_not_created() {
    let endpoint = endpoint();
    let (said, places) = refused(&endpoint, &[]);
    assert!(said.contains(endpoint.store().bucket()) && said.contains(KEY), "{said}");
    assert_eq!(places.len(), 1);
    let defaults = ("defaults", texts(&[("a", "x")]));
    let (said, _) = refused(&endpoint, &[("workspace", Value::from("dev")), defaults.clone()]);
    assert!(said.contains(&format!("env:/dev/{KEY}")), "{said}");

    let raw = Raw::start(&endpoint);
    let source =
        object([("config", config(&endpoint, KEY, &[])), ("allow_missing", Value::from(true)), defaults]);
    let (state, told) = raw.read(TYPE, &source);
    assert_eq!(outputs(&state.unwrap_or_else(|| panic!("{told:?}"))), object([("a", Value::from("x"))]));
    assert_eq!(endpoint.store().get(KEY), None);
}

/// Check D7: no outputs are an empty object.
#[test]
fn a_state_without_outputs_has_an_empty_object() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, state_of(""));
    let (state, _) = Raw::start(&endpoint).read(TYPE, &remote_state(&endpoint, KEY));
    assert_eq!(outputs(&state.expect("a state")), object([]));
}

/// Check D8: what is no state is told, and the provider goes on.
#[test]
fn what_is_no_state_is_told() {
    let endpoint = endpoint();
    for (bytes, word) in [("no JSON", "state"), (r#"{"version":5}"#, "5"), ("[]", "state")] {
        endpoint.store().put(KEY, bytes);
        let (said, _) = refused(&endpoint, &[]);
        assert!(said.contains(word), "{said}");
    }
}

/// Check D9: a client that wants to stop doesn't wait for the store.
#[test]
fn a_read_that_hangs_ends_when_the_client_wants_to_stop() {
    let endpoint = endpoint();
    let (proxied, gate) = Gate::before(&endpoint);
    gate.spoil(&format!("GET /{}/{KEY}", endpoint.store().bucket()), Spoil::Hold, 1);
    let raw = Raw::start(&proxied);
    let reading = raw.runtime.spawn(read(raw.provider(), TYPE, remote_state(&endpoint, KEY)));
    gate.wait();
    let stopped = raw.runtime.block_on(raw.provider().stop_provider(stop_provider::Request {}));
    assert_eq!(stopped.expect("an answer").into_inner().error, "");
    let (state, told) = raw.runtime.block_on(reading).expect("no panic");
    assert!(gate.is_holding() || state.is_none());
    assert!(state.is_none() && said(&told).contains("interrupted"), "{told:?}");
    // A provider to attach to goes on.
    gate.open();
    endpoint.store().put(KEY, state_of(""));
    assert!(raw.read(TYPE, &remote_state(&endpoint, KEY)).0.is_some());
}

/// Check D12: on request, secrets are seen through the attribute that is declared sensitive alone.
#[test]
fn secrets_can_be_kept_apart() {
    let endpoint = endpoint();
    let both =
        r#""open":{"value":1,"type":"number"},"hush":{"value":"s3cr3t","type":"string","sensitive":true}"#;
    endpoint.store().put(KEY, state_of(both));
    let raw = Raw::start(&endpoint);
    let source = |apart: bool| {
        object([("config", config(&endpoint, KEY, &[])), ("separate_sensitive", Value::from(apart))])
    };
    let (hush, open) = (("hush", Value::from("s3cr3t")), ("open", Value::from(1)));
    for (apart, shown) in [(true, object([open.clone()])), (false, object([hush.clone(), open]))] {
        let (state, told) = raw.read(TYPE, &source(apart));
        let state = state.unwrap_or_else(|| panic!("{told:?}"));
        assert_eq!(outputs(&state), shown);
        let secrets = member(&state, "sensitive_outputs").as_array().expect("a typed value");
        assert_eq!(secrets[1], object([hush.clone()]));
    }
}

/// Check D13: refusals of the store are told with its code, and without secrets.
#[test]
fn refusals_are_told_without_secrets() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, state_of(""));
    let stranger = provider(&endpoint).env("AWS_SECRET_ACCESS_KEY", "another-secret");
    let raw = Raw::start_as(&stranger);
    let (state, told) = raw.read(TYPE, &remote_state(&endpoint, KEY));
    assert!(state.is_none() && said(&told).contains("SignatureDoesNotMatch"), "{told:?}");
    assert!(!said(&told).contains("another-secret"));
}

#[test]
fn names_that_nobody_has_are_told_at_their_place() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, state_of(r#""a":{"value":"x","type":"string"}"#));
    let only = Value::Array(vec![Value::from("a"), Value::from("b")]);
    let (said, places) = refused(&endpoint, &[("only", only)]);
    assert_eq!(places, ["only[1]"]);
    assert!(said.contains("`b`"), "{said}");
}

#[test]
fn earlier_versions_are_read_by_id_and_by_serial() {
    let endpoint = endpoint();
    let store = endpoint.store();
    store.put(KEY, state_of(r#""a":{"value":"old","type":"string"}"#));
    store
        .put(KEY, state_of(r#""a":{"value":"new","type":"string"}"#).replace("\"serial\":3", "\"serial\":4"));
    let raw = Raw::start(&endpoint);
    let read = |version: &str| {
        let source = object([("config", config(&endpoint, KEY, &[])), ("version_id", Value::from(version))]);
        raw.read(TYPE, &source)
    };
    let old = object([("a", Value::from("old"))]);
    assert_eq!(outputs(&read("serial:3").0.expect("a state")), old);
    let history = raw.read("s3tate_state_info", &remote_state(&endpoint, KEY)).0.expect("a state");
    let latest = member(&history, "version_id").as_str().expect("a versioned bucket").to_owned();
    assert_eq!(outputs(&read(&latest).0.expect("a state")), object([("a", Value::from("new"))]));
    let (state, told) = read("serial:9");
    assert!(state.is_none());
    assert_eq!(told.iter().map(place).collect::<Vec<_>>(), ["version_id"], "{told:?}");
}

#[test]
fn a_digest_that_disagrees_is_an_error() {
    let endpoint = endpoint();
    endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    endpoint.store().put_digest(KEY, &md5_hex(b"other"));
    let raw = Raw::start_as(&provider(&endpoint).env("S3TATE_DIGEST_TIMEOUT", "0s"));
    let table = [("dynamodb_table", endpoint.store().table())];
    let (state, told) = raw.read(TYPE, &object([("config", config(&endpoint, KEY, &table))]));
    assert!(state.is_none() && said(&told).contains("does not match its recorded digest"), "{told:?}");
}

#[test]
fn states_in_files_are_read() {
    let endpoint = endpoint();
    let raw = Raw::start(&endpoint);
    raw.workdir.write("other/terraform.tfstate", state_of(r#""a":{"value":"x","type":"string"}"#));
    let source =
        |path: &str| object([("backend", Value::from("local")), ("config", texts(&[("path", path)]))]);
    let (state, told) = raw.read(TYPE, &source("other/terraform.tfstate"));
    assert_eq!(outputs(&state.unwrap_or_else(|| panic!("{told:?}"))), object([("a", Value::from("x"))]));
    assert!(raw.read(TYPE, &source("none.tfstate")).0.is_none());
}
