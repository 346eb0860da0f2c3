//! What is known of each version, and bringing one back.

use s3tate_testkit::Client;
use s3tate_testkit::Workdir;
use serde_json::{Value, json};

use crate::stage::{Stage, authorization, lock_info, token_of};

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
