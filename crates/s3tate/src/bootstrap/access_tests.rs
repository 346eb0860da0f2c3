use serde_json::Value;

use super::*;
use crate::testing::config;

/// Each action with the resources it is allowed on, one line each, sorted.
fn allowed(options: &[&str], role: Role) -> Vec<String> {
    let document: Value = serde_json::from_str(&access_policy(&config(options), role)).unwrap();
    assert_eq!(document["Version"], "2012-10-17");
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut lines = Vec::new();
    for statement in document["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            lines.extend(texts(&statement["Resource"]).iter().map(|on| format!("{action} {on}")));
        }
    }
    lines.sort();
    lines
}

const STATE: &str = "arn:aws:s3:::b/p/s";
const OTHERS: &str = "arn:aws:s3:::b/env:/*/p/s";

#[test]
fn a_reader_reads_and_nothing_else() {
    let with_table = allowed(&["region=eu-west-1", "dynamodb_table=t", "use_lockfile=true"], Role::Reader);
    let table = "dynamodb:GetItem arn:aws:dynamodb:eu-west-1:*:table/t".to_owned();
    let expected = [
        table,
        format!("s3:GetObject {OTHERS}"),
        format!("s3:GetObject {STATE}"),
        "s3:ListBucket arn:aws:s3:::b".into(),
    ];
    assert_eq!(with_table, expected);
    assert_eq!(allowed(&["dynamodb_table="], Role::Reader), expected[1..]);
}

#[test]
fn a_planner_writes_locks_and_no_states() {
    let lines = allowed(&["use_lockfile=true", "dynamodb_table=t"], Role::Planner);
    let writes: Vec<_> =
        lines.iter().filter(|line| line.contains("Put") || line.contains("Delete")).collect();
    assert_eq!(writes.len(), 6, "{writes:?}");
    for line in writes {
        assert!(line.ends_with(".tflock") || line.ends_with("table/t"), "{line}");
    }
    let none = ["dynamodb_table="];
    assert_eq!(allowed(&none, Role::Planner), allowed(&none, Role::Reader), "nothing to lock with");
}

#[test]
fn a_writer_deletes_workspaces_but_not_the_default_one() {
    let lines = allowed(&["dynamodb_table=t"], Role::Writer);
    assert!(lines.contains(&format!("s3:PutObject {STATE}")));
    assert!(lines.contains(&format!("s3:DeleteObject {OTHERS}")));
    assert!(!lines.contains(&format!("s3:DeleteObject {STATE}")));
    assert!(
        !lines.iter().any(|line| line.contains("kms:") || line.contains("Acl") || line.contains("tflock"))
    );
}

#[test]
fn keys_of_kms_and_lists_of_access_are_used_by_those_who_write() {
    let key = ["encrypt=true", "kms_key_id=alias/tf", "acl=private", "use_lockfile=true"];
    let kms =
        |role| allowed(&key, role).into_iter().filter(|line| line.starts_with("kms:")).collect::<Vec<_>>();
    assert_eq!(kms(Role::Reader).len(), 1);
    assert_eq!(kms(Role::Planner).len(), 2, "lock objects are encrypted too");
    assert_eq!(kms(Role::Writer).len(), 2);
    assert!(allowed(&key, Role::Writer).contains(&format!("s3:PutObjectAcl {STATE}")));
    let document: Value = serde_json::from_str(&access_policy(&config(&key), Role::Reader)).unwrap();
    let condition = &document["Statement"][3]["Condition"]["ForAnyValue:StringEquals"];
    assert_eq!(condition["kms:ResourceAliases"], "alias/tf");
}

#[test]
fn other_partitions_have_other_names() {
    for line in allowed(&["region=us-gov-west-1", "dynamodb_table=t"], Role::Writer) {
        assert!(line.contains(" arn:aws-us-gov:"), "{line}");
    }
}
