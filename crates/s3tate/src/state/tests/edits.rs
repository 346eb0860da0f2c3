//! Edits of odd documents; those of usual ones are compared with stock elsewhere.

use super::fixtures::state;
use crate::state::{EditError, StateError, Target, empty_state, relocate, remove, transplant};

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

const OTHER: &str = concat!(
    r#"{"version":4,"serial":3,"lineage":"o","outputs":{},"resources":["#,
    r#"{"mode":"managed","type":"t","name":"m","provider":"q","instances":[{"index_key":0,"private":"eA=="}]},"#,
    r#"{"module":"module.x","mode":"managed","type":"t","name":"z","provider":"q","instances":[{"private":"eQ=="}]}"#,
    "]}\n"
);

fn between(from: &str, to: &str) -> Result<(String, String), EditError> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let done = transplant(ONE_LINE.as_bytes(), OTHER.as_bytes(), &target(from), &target(to))?;
    Ok((text(done.source), text(done.destination)))
}

#[test]
fn what_moves_to_another_state_is_there_and_no_longer_here() {
    let (source, destination) = between("t.a", "t.c").unwrap();
    let left = concat!(
        r#"{"version":4,"new":{"a":[ 1 ]},"serial":8,"outputs":{"o":{"value":"\b","type":"string"}},"resources":["#,
        r#"{"mode":"managed","type":"t","name":"b","instances":[{"private":"eA=="}]}"#,
        "]}\n"
    );
    assert_eq!(source, left);
    let moved = r#"{"mode":"managed","type":"t","name":"c","future":1.0,"provider":"p","instances":[{"schema_version":0,"later":{"x":1e3}}]},"#;
    let there = OTHER.replace(r#""serial":3"#, r#""serial":4"#).replace(
        r#"{"mode":"managed","type":"t","name":"m""#,
        &format!("{moved}{}", r#"{"mode":"managed","type":"t","name":"m""#),
    );
    assert_eq!(destination, there);
}

#[test]
fn an_instance_joins_those_that_are_there() {
    let (_, destination) = between("t.a", "t.m[1]").unwrap();
    let both = r#""provider":"q","instances":[{"index_key":0,"private":"eA=="},{"index_key":1,"schema_version":0,"later":{"x":1e3}}]"#;
    assert!(destination.contains(both), "{destination}");
}

#[test]
fn dependencies_move_along_with_what_they_name_and_not_without() {
    let module = ONE_LINE
        .replace(r#"{"mode""#, r#"{"module":"module.m","mode""#)
        .replace(r#"["t.a"]"#, r#"["module.m.t.a"]"#);
    let moved = |from: &str, to: &str| {
        let empty = empty_state("1.11.4", 0, "new");
        let done = transplant(module.as_bytes(), &empty, &target(from), &target(to)).unwrap();
        String::from_utf8(done.destination).unwrap().contains("dependencies")
    };
    assert!(moved("module.m", "module.m"));
    assert!(!moved("module.m", "module.n"));
    assert!(!moved("module.m.t.b", "module.m.t.b"));
}

#[test]
fn nothing_moves_onto_what_is_there_or_from_where_nothing_is() {
    let taken = |what, to: &str| EditError::Taken { what, target: to.into() };
    assert_eq!(between("t.a", "t.m[0]").unwrap_err(), taken("resource instance", "t.m[0]"));
    assert_eq!(between("t.z", "t.y"), Err(EditError::NothingThere("t.z".into())));
    assert_eq!(between("t.a[0]", "t.y"), Err(EditError::NothingThere("t.a[0]".into())));
    assert!(matches!(between("t.a", "u.a"), Err(EditError::OtherType { .. })));
    assert!(matches!(between("t.a", "module.q"), Err(EditError::NotAResource { .. })));
    let inside = ONE_LINE.replace(r#"{"mode""#, r#"{"module":"module.x","mode""#);
    let module = transplant(inside.as_bytes(), OTHER.as_bytes(), &target("module.x"), &target("module.x"));
    assert_eq!(module.unwrap_err(), taken("module", "module.x"));
    let keyed = ONE_LINE.replace(r#"{"schema_version""#, r#"{"index_key":"k","schema_version""#);
    let whole = |to| transplant(keyed.as_bytes(), OTHER.as_bytes(), &target("t.a"), &target(to)).map(drop);
    assert_eq!(whole("t.m").unwrap_err(), taken("resource", "t.m"));
    assert!(matches!(whole("t.m[1]"), Err(EditError::WholeResource { .. })));
}
