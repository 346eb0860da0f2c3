//! What is known of each version, and bringing one back.

use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Client, Workdir, md5_hex, require};
use serde_json::{Value, json};

use crate::stage::{Stage, authorization, document, lock_info, token_of};

/// A state with these instances of one resource, by key and id.
fn state(serial: u64, instances: &[(&str, &str)]) -> Vec<u8> {
    let instances: Vec<Value> = instances
        .iter()
        .map(|(key, id)| json!({ "index_key": key, "schema_version": 0, "attributes": { "id": id } }))
        .collect();
    let resource = json!({
        "mode": "managed", "type": "terraform_data", "name": "a", "provider": "provider[\"terraform.io/builtin/terraform\"]",
        "instances": instances,
    });
    json!({ "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l", "outputs": {}, "resources": [resource] })
        .to_string()
        .into_bytes()
}

/// `s3tate history -json` of a state, newest first.
pub(crate) fn history(stage: &Stage, key: &str) -> Vec<Value> {
    let store = stage.endpoint.store();
    let url = format!(
        "s3://{}/{key}?region=us-east-1&dynamodb_table={}&use_path_style=true",
        store.bucket(),
        store.table()
    );
    let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &stage.endpoint);
    let told =
        s3tate.run(&Workdir::new(), &["history", "-json", &format!("-state={url}")]).succeeds().stdout_text();
    told.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// Each version tells who wrote it, from where, and what it added, changed and removed.
#[test]
fn versions_tell_who_wrote_them_and_what_changed() {
    let stage = Stage::with("[limits]\ntrusted_proxies = [\"127.0.0.0/8\"]");
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _first =
        stage.ask("writer", "POST", "app/a?ID=h", state(1, &[("a", "1"), ("b", "1"), ("c", "1")])).is(200);
    let _second = stage
        .server
        .send(
            "POST",
            "/state/app/a?ID=h",
            &format!("{}X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n", authorization(token_of("writer"))),
            &state(4, &[("b", "2"), ("c", "1"), ("d", "1"), ("e", "1")]),
        )
        .is(200);
    let told = history(&stage, "app/a");
    let of = |version: &Value, names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| version[*name].clone()).collect()
    };
    let names = ["serial_before", "serial", "resources", "added", "changed", "removed", "who", "from"];
    assert_eq!(
        of(&told[0], &names),
        [
            json!(1),
            4.into(),
            4.into(),
            2.into(),
            1.into(),
            1.into(),
            "token:writer".into(),
            "203.0.113.9".into()
        ]
    );
    assert_eq!(
        of(&told[1], &names),
        [
            Value::Null,
            1.into(),
            3.into(),
            3.into(),
            0.into(),
            0.into(),
            "token:writer".into(),
            "127.0.0.1".into()
        ]
    );
}

/// Serials of the versions, newest first, as the server tells them; deletions have none.
fn serials(stage: &Stage, key: &str) -> Vec<Option<u64>> {
    let told = stage.server.ask("reader", "GET", &format!("/history/{key}"), "").is(200).json();
    let versions = told["versions"].as_array().expect("versions").clone();
    versions.iter().map(|version| version["serial"].as_u64()).collect()
}

/// Check C73: a version that is stored again has a serial above all, in the document and in the history alike, and stock goes on.
#[test]
fn a_restored_version_is_above_all_others() {
    let stage = Stage::with("[audit]\nfile = \"audit.jsonl\"\n");
    let stock = require!(stage.stock(Terraform::V1_11, "writer", "app/a"));
    let workdir = Workdir::with("terraform {\n  backend \"http\" {}\n}\n");
    let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
    let apply = |value: &str| {
        workdir.write("v.tf", format!("resource \"terraform_data\" \"v\" {{\n  input = \"{value}\"\n}}\n"));
        stock.run(&workdir, &["apply", "-auto-approve", "-input=false"]).succeeds()
    };
    for number in 1..=5 {
        let _applied = apply(&format!("v{number}"));
    }
    assert_eq!(serials(&stage, "app/a"), [5, 4, 3, 2, 1].map(Some));
    let restored = stage.server.ask("admin", "POST", "/restore/app/a?version=serial:2", "").is(200).json();
    assert_eq!(restored["serial"], 6);
    let stored = stage.endpoint.store().get("app/a").expect("a state");
    let document: Value = serde_json::from_slice(&stored.bytes).expect("JSON");
    assert_eq!((&document["serial"], stored.metadata["s3tate-serial"].as_str()), (&json!(6), "6"));
    assert!(String::from_utf8_lossy(&stored.bytes).contains("\"v2\""));
    assert_eq!(stored.metadata["s3tate-who"], "token:admin");
    stage.is_sound("app/a");
    let _applied = apply("v7");
    assert_eq!(serials(&stage, "app/a"), [7, 6, 5, 4, 3, 2, 1].map(Some));
    let old = stage.server.ask("reader", "GET", "/history/app/a?version=serial:2", "").is(200);
    assert!(String::from_utf8_lossy(&old.body).contains("\"v2\""));
    let log = String::from_utf8(stage.workdir.read("audit.jsonl").expect("a log")).expect("text");
    assert!(log.contains("\"action\":\"restore\"") && log.contains("\"serial_after\":6"), "{log}");
}

/// Check C74: a deleted state is 404, and says when it was deleted and by whom; undeleted, it is there byte for byte.
#[test]
fn a_deleted_state_comes_back_as_it_was() {
    let stage = Stage::new();
    let sent = document(3, "l", "x");
    let _written = stage.ask("writer", "POST", "app/a", &sent).is(200);
    for _ in 0..2 {
        let _deleted = stage.ask("admin", "DELETE", "app/a", "").is(200);
    }
    let gone = stage.ask("reader", "GET", "app/a", "").is(404);
    assert!(gone.header("x-state-deleted").is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()));
    let told = gone.json();
    assert_eq!((&told["deleted"]["who"], &told["status"]), (&json!("token:admin"), &json!(404)));
    let id = gone.header("x-request-id").expect("an ID").to_owned();
    assert_eq!(
        stage.server.ask("admin", "GET", &format!("/why/{id}"), "").is(200).json()["reason"],
        "deleted"
    );
    let _outputs = stage.server.ask("reader", "GET", "/outputs/app/a", "").is(404);
    let never = stage.ask("reader", "GET", "app/never", "").is(404);
    assert!(never.body.is_empty() && never.header("x-state-deleted").is_none());
    let newest = history(&stage, "app/a").remove(0);
    assert_eq!((&newest["deleted"], &newest["who"]), (&json!(true), &json!("token:admin")));
    let _denied = stage.server.ask("writer", "POST", "/undelete/app/a", "").is(403);
    let undeleted = stage.server.ask("admin", "POST", "/undelete/app/a", "").is(200).json();
    assert_eq!(undeleted["serial"], 3);
    assert_eq!(stage.ask("reader", "GET", "app/a", "").is(200).body, sent);
    assert_eq!(stage.endpoint.store().digest("app/a"), Some(md5_hex(&sent)));
    stage.is_sound("app/a");
    let _there = stage.server.ask("admin", "POST", "/undelete/app/a", "").is(409);
    // Within one second, whether the first version or its deletion came first can't be told.
    let told = serials(&stage, "app/a");
    assert_eq!((told.len(), told[0], told.iter().flatten().count()), (3, Some(3), 2));
    let _written = stage.ask("writer", "POST", "app/a", document(4, "l", "y")).is(200);
}

/// Where it is configured so, a deleted state is no empty one, and only administrators begin anew.
#[test]
fn a_deleted_state_may_be_refused() {
    let stage = Stage::with("deleted_states = \"refuse\"");
    let _written = stage.ask("writer", "POST", "app/a", document(3, "l", "x")).is(200);
    let _deleted = stage.ask("admin", "DELETE", "app/a", "").is(200);
    let gone = stage.ask("reader", "GET", "app/a", "").is(410);
    assert!(gone.json()["detail"].as_str().is_some_and(|detail| detail.contains("token:admin")));
    let _refused = stage.ask("writer", "POST", "app/a", document(1, "m", "x")).is(410);
    let _missing = stage.ask("reader", "GET", "app/never", "").is(404);
    let _first = stage.ask("writer", "POST", "app/never", document(1, "n", "x")).is(200);
    let _anew = stage.ask("admin", "POST", "app/a", document(1, "m", "x")).is(200);
    let _read = stage.ask("reader", "GET", "app/a", "").is(200);
}

/// Neither a lock nor a missing version loses anything, and none of these paths is ever 404.
#[test]
fn what_cant_be_restored_changes_nothing() {
    let stage = Stage::new();
    let ask = |who: &str, method: &str, path: &str| stage.server.ask(who, method, path, "");
    let sent = document(3, "l", "x");
    let _nothing = ask("admin", "POST", "/undelete/app/a").is(410);
    assert_eq!(serials(&stage, "app/a"), []);
    let _written = stage.ask("writer", "POST", "app/a", &sent).is(200);
    let _needless = ask("admin", "POST", "/restore/app/a?version=serial:3").is(200);
    let _missing = ask("admin", "POST", "/restore/app/a?version=serial:9").is(410);
    let _missing = ask("reader", "GET", "/history/app/a?version=nonsense").is(410);
    let _unnamed = ask("admin", "POST", "/restore/app/a").is(400);
    let _denied = ask("writer", "POST", "/restore/app/a?version=serial:3").is(403);
    let _hidden = ask("onlooker", "GET", "/history/app/a").is(403);
    let _unknown = ask("nobody", "GET", "/history/app/a").is(401);
    let _method = ask("admin", "GET", "/restore/app/a?version=serial:3").is(405);
    let _second = stage.ask("writer", "POST", "app/a", document(4, "l", "y")).is(200);
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _locked = ask("admin", "POST", "/restore/app/a?version=serial:3").names_holder(423, "h");
    let _locked = ask("admin", "POST", "/undelete/app/a").names_holder(423, "h");
    assert_eq!(serials(&stage, "app/a"), [Some(4), Some(3)]);
}
