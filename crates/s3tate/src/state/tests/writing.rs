//! Writing and comparing.

use super::fixtures::{bytes, state};
use crate::state::{Header, StateError, content_equal, empty_state, normalize, with_header};

#[test]
fn the_empty_state_equals_terraforms() {
    let written = bytes("created-by-read/v4-1.11.4.tfstate");
    let header = Header::parse(&written).unwrap().unwrap();
    assert_eq!(written.len(), 181);
    assert_eq!(empty_state("1.11.4", header.serial, &header.lineage), written);
}

#[test]
fn samples_are_normal_already() {
    for (folder, writer) in [
        ("v4-0.15.0-shapes", "0.15.0"),
        ("v4-1.0.3-modules", "1.0.3"),
        ("v4-1.0.3-shapes", "1.0.3"),
        ("v4-1.11.4-no-outputs", "1.11.4"),
        ("v4-1.11.4-nulls", "1.11.4"),
        ("v4-1.11.4-optional-attributes", "1.11.4"),
        ("v4-1.11.4-resources", "1.11.4"),
        ("v4-1.11.4-shapes", "1.11.4"),
        ("v4-1.11.4-text", "1.11.4"),
    ] {
        let state = state(folder);
        let normal = normalize(&state, writer).unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&normal), String::from_utf8_lossy(&state), "{folder}");
    }
}

#[track_caller]
fn edited(document: &str, expected: &str) {
    let edited = with_header(document.as_bytes(), 8, Some("new")).unwrap();
    assert_eq!(String::from_utf8(edited).unwrap(), expected);
}

#[test]
fn a_new_header_leaves_every_other_byte() {
    let state = state("v4-1.11.4-resources");
    let header = Header::parse(&state).unwrap().unwrap();
    let edited = with_header(&state, header.serial + 1, None).unwrap();
    let expected = String::from_utf8(state.clone()).unwrap().replacen(
        &format!("\"serial\": {}", header.serial),
        &format!("\"serial\": {}", header.serial + 1),
        1,
    );
    assert_eq!(String::from_utf8(edited).unwrap(), expected);
    let same = with_header(&state, header.serial, Some(&header.lineage)).unwrap();
    assert_eq!(same, state);
}

#[test]
fn a_new_header_fits_any_layout() {
    edited(
        r#"{"lineage" : "old" ,"x":{"serial":1},"version":4, "SERIAL":null,"serial":3 }"#,
        r#"{"lineage" : "new" ,"x":{"serial":1},"version":4, "SERIAL":null,"serial":8 }"#,
    );
    edited(r#"{"version":4}"#, r#"{"version":4,"serial":8,"lineage":"new"}"#);
    edited(
        "{\n  \"version\": 4,\n  \"lineage\": \"old\",\n  \"outputs\": {}\n}\n",
        "{\n  \"version\": 4,\n  \"serial\": 8,\n  \"lineage\": \"new\",\n  \"outputs\": {}\n}\n",
    );
    edited(
        "{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": 1,\n  \"outputs\": {}\n}\n",
        "{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": 8,\n  \"lineage\": \"new\",\n  \"outputs\": {}\n}\n",
    );
    assert_eq!(with_header(b"", 1, None), Err(StateError::NoVersion));
}

#[test]
fn content_is_compared_without_header_and_layout() {
    let state = state("v4-1.11.4-resources");
    let other_header = with_header(&state, 99, Some("other")).unwrap();
    assert!(content_equal(&state, &other_header).unwrap());
    let compact = serde_json::to_vec(&serde_json::from_slice::<serde_json::Value>(&state).unwrap()).unwrap();
    assert_ne!(compact, state);
    let text = String::from_utf8(state.clone()).unwrap();
    let changed = text.replacen("\"schema_version\": 0", "\"schema_version\": 1", 1);
    assert!(!content_equal(&state, changed.as_bytes()).unwrap());
    let unknown_field = text.replacen("\"outputs\"", "\"unknown\": 1,\"outputs\"", 1);
    assert!(content_equal(&state, unknown_field.as_bytes()).unwrap());
}

#[test]
fn the_order_of_check_results_does_not_count() {
    let checks = |order: [&str; 2]| {
        let [a, b] = order.map(|name| {
            format!(
                r#"{{"object_kind":"output","config_addr":"output.{name}","status":"pass","objects":null}}"#
            )
        });
        format!(r#"{{"version":4,"check_results":[{a},{b}]}}"#).into_bytes()
    };
    assert!(content_equal(&checks(["a", "b"]), &checks(["b", "a"])).unwrap());
    assert!(!content_equal(&checks(["a", "b"]), &checks(["a", "a"])).unwrap());
}

#[test]
fn outputs_compare_by_value() {
    let state = |value: &str| super::fixtures::one_output("\"number\"", value);
    assert!(content_equal(&state("1.0"), &state("10e-1")).unwrap());
    assert!(!content_equal(&state("9007199254740993"), &state("9007199254740992")).unwrap());
    assert!(content_equal(b"", &empty_state("1.11.4", 0, "")).unwrap());
    assert!(content_equal(b"{", b"").is_err());
}
