//! Edits of odd documents; those of usual ones are compared with stock elsewhere.

use super::fixtures::state;
use crate::state::{EditError, StateError, Target, relocate, remove};

fn target(text: &str) -> Target {
    Target::parse(text).unwrap()
}

fn moved(document: &str, from: &str, to: &str) -> Result<String, EditError> {
    relocate(document.as_bytes(), &target(from), &target(to))
        .map(|done| String::from_utf8(done.bytes).unwrap())
}

const ONE_LINE: &str = concat!(
    r#"{"version":4,"new":{"a":[ 1 ]},"serial":7,"outputs":{"o":{"value":"\b","type":"string"}},"resources":["#,
    r#"{"mode":"managed","type":"t","name":"a","future":1.0,"provider":"p","instances":[{"schema_version":0,"later":{"x":1e3}}]},"#,
    r#"{"mode":"managed","type":"t","name":"b","instances":[{"dependencies":["t.a"],"private":"eA=="}]}"#,
    "]}\n"
);

#[test]
fn one_line_stays_one_line_and_unknown_fields_stay() {
    let expected = concat!(
        r#"{"version":4,"new":{"a":[ 1 ]},"serial":8,"outputs":{"o":{"value":"\b","type":"string"}},"resources":["#,
        r#"{"mode":"managed","type":"t","name":"b","instances":[{"private":"eA=="}]},"#,
        r#"{"mode":"managed","type":"t","name":"c","future":1.0,"provider":"p","instances":[{"index_key":"k","schema_version":0,"later":{"x":1e3}}]}"#,
        "]}\n"
    );
    assert_eq!(moved(ONE_LINE, "t.a", "t.c[\"k\"]").unwrap(), expected);
}

#[test]
fn what_is_not_edited_keeps_its_bytes() {
    let before = String::from_utf8(state("v4-1.0.3-modules")).unwrap();
    let removal = remove(before.as_bytes(), &[target("module.counted[0]")]).unwrap();
    let after = String::from_utf8(removal.bytes).unwrap();
    let kept: Vec<_> = before.lines().filter(|line| !line.contains("\"serial\"")).collect();
    assert!(!removal.removed.is_empty());
    let mut rest = kept.iter();
    for line in after.lines().filter(|line| !line.contains("\"serial\"")) {
        let bare = line.trim_end_matches(',');
        assert!(rest.any(|kept| kept.trim_end_matches(',') == bare), "{line} is new or stands elsewhere");
    }
}

#[test]
fn only_current_objects_forget_their_dependencies() {
    let document = ONE_LINE.replace(r#""private":"eA==""#, r#""deposed":"00000001""#);
    let after = moved(&document, "t.a", "t.c").unwrap();
    assert!(after.contains(r#"[{"dependencies":["t.a"],"deposed":"00000001"}]"#), "{after}");
    let after = moved(&ONE_LINE.replace(r#"["t.a"]"#, r#"["t.a","data.t.a"]"#), "t.b", "t.c").unwrap();
    assert!(after.contains(r#""dependencies":["t.a","data.t.a"]"#), "{after}");
}

#[test]
fn what_can_not_be_edited_is_told() {
    let last = ONE_LINE.replace("\"serial\":7", &format!("\"serial\":{}", u64::MAX));
    assert_eq!(moved(&last, "t.a", "t.c"), Err(EditError::LastSerial));
    assert_eq!(moved("", "t.a", "t.c"), Err(EditError::State(StateError::NoVersion)));
    let broken = ONE_LINE.replace("eA==", "?");
    assert!(matches!(moved(&broken, "t.a", "t.c"), Err(EditError::State(StateError::Resource { .. }))));
    assert_eq!(
        moved(ONE_LINE, "t.a", "t.b"),
        Err(EditError::Taken { what: "resource instance", target: "t.b".into() })
    );
}

#[test]
fn a_resource_without_instances_is_left_alone() {
    let document = ONE_LINE.replace(r#"[{"dependencies":["t.a"],"private":"eA=="}]"#, "[]");
    let removal = remove(document.as_bytes(), &[target("t.b"), target("t.a")]).unwrap();
    assert_eq!((removal.removed, removal.unmatched), (vec!["t.a".to_owned()], vec!["t.b".to_owned()]));
    assert!(String::from_utf8(removal.bytes).unwrap().contains(r#""name":"b","instances":[]"#));
    assert!(moved(&document, "t.b", "t.c").unwrap().contains(r#""name":"c","instances":[]"#));
}
