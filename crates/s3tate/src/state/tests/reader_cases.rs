//! Small odd documents and what Terraform 1.11.4 makes of each.

use base64::Engine as _;
use serde_json::Value as Json;

use super::fixtures::text;
use crate::state::render::listing_json;
use crate::state::{Outputs, StateError, StateFile, in_format_4};

/// Reads a document as strictly as Terraform and prints its outputs as JSON.
fn read(bytes: &[u8]) -> Result<String, StateError> {
    let bytes = in_format_4(bytes)?;
    let Some(state) = StateFile::parse(&bytes)? else { return Ok(listing_json(&Outputs::default())) };
    state.check()?;
    Ok(listing_json(&state.outputs()?))
}

/// The heading under which Terraform reports an error of this kind.
fn heading(error: &StateError) -> &'static str {
    match error {
        StateError::Field { .. } => "Invalid state file format",
        StateError::TerraformVersion(_) => "Invalid Terraform version string",
        StateError::Upgrade { .. } => "State format upgrade failed",
        StateError::OutputType { .. } => "Invalid output value type in state",
        StateError::OutputValue { .. } => "Invalid output value saved in state",
        // Terraform has many headings for these.
        StateError::Resource { .. } | StateError::Check { .. } => "",
        _ => "Unsupported state file format",
    }
}

#[test]
fn every_case_reads_as_recorded() {
    let cases: Vec<Json> = serde_json::from_str(&text("reader_cases.json")).unwrap();
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let input = case["input_base64"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(input).unwrap();
        let result = read(&bytes);
        match (case["exit"].as_i64().unwrap(), result) {
            (0, result) => assert_eq!(result.as_deref(), Ok(case["stdout"].as_str().unwrap()), "{name}"),
            (_, Ok(_)) => panic!("{name} must be refused"),
            // Terraform crashes here.
            (11, Err(error)) => assert!(matches!(error, StateError::OutputValue { .. }), "{name}: {error}"),
            (_, Err(error)) => {
                let stderr = case["stderr"].as_str().unwrap();
                assert!(stderr.contains(heading(&error)), "{name}: {error}\nrecorded: {stderr}");
            }
        }
    }
}

#[test]
fn syntax_errors_tell_the_byte() {
    let offset = |bytes: &[u8]| match StateFile::parse(bytes) {
        Err(StateError::Syntax { offset }) => offset,
        other => panic!("{other:?}"),
    };
    assert_eq!(offset(br#"{"version": 4, "serial""#), 23);
    assert_eq!(offset(b"  \n"), 3);
    assert_eq!(offset(b" "), 1);
    assert_eq!(offset(b"\xef\xbb\xbf{\"version\":4}"), 1);
    assert_eq!(offset(br#"{"version":4} trailing"#), 15);
}

#[test]
fn newer_formats_are_named_with_their_writer() {
    let refused = StateFile::parse(br#"{"version":5,"terraform_version":"9.9.9"}"#).unwrap_err().to_string();
    assert!(refused.contains('5') && refused.contains("9.9.9"), "{refused}");
}

#[test]
fn encrypted_documents_are_called_so() {
    let document =
        br#"{"serial":1,"lineage":"x","meta":{},"encrypted_data":"AA==","encryption_version":"v0"}"#;
    assert!(crate::state::is_encrypted(document));
    assert_eq!(StateFile::parse(document).unwrap_err(), StateError::Encrypted);
    assert!(!crate::state::is_encrypted(br#"{"version":4,"encryption_version":"v0"}"#));
}

#[test]
fn field_names_match_in_any_case_and_the_last_one_wins() {
    let document = br#"{"Version":3,"VERSION":4,"SERIAL":7,"serial":null,"Lineage":"x","Outputs":
        {"a":{"VALUE":"1","Type":"string"},"b":{"value":"1","type":"string"}},"outputs":{"a":{"type":"bool","value":true}}}"#;
    let state = StateFile::parse(document).unwrap().unwrap();
    assert_eq!((state.header.version, state.header.serial, &*state.header.lineage), (4, 7, "x"));
    let outputs = state.outputs().unwrap();
    assert_eq!(
        outputs.iter().map(|(name, output)| (name, output.ty.to_string())).collect::<Vec<_>>(),
        [("a", "bool".to_owned()), ("b", "string".to_owned())]
    );
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    let unknown_field = format!(r#"{{"version":4,"x":{}}}"#, deep(9_000));
    assert!(StateFile::parse(unknown_field.as_bytes()).is_ok());
    let too_deep = format!(r#"{{"version":4,"x":{}}}"#, deep(10_001));
    assert!(matches!(StateFile::parse(too_deep.as_bytes()), Err(StateError::Syntax { .. })));
    let ty = format!("{}\"string\"{}", "[\"list\",".repeat(5_000), "]".repeat(5_000));
    let state = super::fixtures::one_output(&ty, &deep(5_000));
    assert!(matches!(read(&state), Err(StateError::OutputType { .. })));
}

#[test]
fn terraform_versions_are_checked_as_terraform_does() {
    let read = |version: &str| read(format!(r#"{{"version":4,"terraform_version":"{version}"}}"#).as_bytes());
    for version in ["", "v1.2", "1", "1.2.3.4", "1.2beta", "1.2-", "1.2-beta.1+b-x", "1.2-0", "1.2--", "1.02"]
    {
        assert!(read(version).is_ok(), "{version}");
    }
    for version in ["1.2+", "1.", ".1", "1.2_3", "x", "1.99999999999999999999", "1.2.-beta"] {
        assert_eq!(read(version), Err(StateError::TerraformVersion(version.to_owned())));
    }
}

/// Whether a state with this one instance of `a.b` reads, and this text behind the array of resources.
fn reads_with(instances: &str, rest: &str) -> bool {
    let resource =
        format!(r#"{{"mode":"managed","type":"a","name":"b","provider":"p","instances":[{instances}]}}"#);
    read(format!(r#"{{"version":4,"resources":[{resource}]{rest}}}"#).as_bytes()).is_ok()
}

#[test]
fn instances_are_judged_as_terraform_does() {
    for good in [
        "null",
        r#"{"index_key":1e2}"#,
        r#"{"status":"tainted"}"#,
        r#"{"deposed":""}"#,
        r#"{"deposed":"abcdefgh"},{}"#,
        r#"{"private":""}"#,
        r#"{"private":"YQ==\n"}"#,
        r#"{"attributes":5}"#,
        r#"{"sensitive_attributes":null}"#,
        r#"{"sensitive_attributes":[null]}"#,
        r#"{"sensitive_attributes":[[{"type":"index","value":{"value":true,"type":"bool"}}]]}"#,
        r#"{"dependencies":["a.b","data.a.b","resource.a.b","module.x[0].module.y[\"k\"].data.a.b"]}"#,
    ] {
        assert!(reads_with(good, ""), "{good}");
    }
    for bad in [
        "5",
        r#"{"index_key":true}"#,
        r#"{"index_key":1.5},{"index_key":1}"#,
        r#"{"index_key":null},{}"#,
        r#"{"status":"x"}"#,
        r#"{"deposed":"abc"}"#,
        r#"{"deposed":"abcdefgh"},{"deposed":"abcdefgh"}"#,
        r#"{"private":"YQ"}"#,
        r#"{"schema_version":-1}"#,
        r#"{"attributes_flat":{"a":1}}"#,
        r#"{"sensitive_attributes":{}}"#,
        r#"{"sensitive_attributes":[[{"type":"get_attr"}]]}"#,
        r#"{"sensitive_attributes":[[{"type":"index","value":5}]]}"#,
        r#"{"dependencies":[null]}"#,
        r#"{"dependencies":["module.x"]}"#,
        r#"{"dependencies":["a.b[0]"]}"#,
        r#"{"dependencies":["a.b.c"]}"#,
    ] {
        assert!(!reads_with(bad, ""), "{bad}");
    }
}

#[test]
fn check_results_are_judged_as_terraform_does() {
    let reads = |kind: &str, address: &str, objects: &str| {
        let result = format!(r#"{{"object_kind":"{kind}","config_addr":"{address}","objects":{objects}}}"#);
        reads_with("", &format!(r#","check_results":[{result}]"#))
    };
    assert!(reads("output", "module.a.output.x", r#"[{"object_addr":"module.a[0].output.x"}]"#));
    assert!(reads("resource", "data.a.b", r#"[{"object_addr":"data.a.b[\"k\"]"}]"#));
    assert!(reads("check", "check.x", "null") && reads("var", "var.x", "[]") && reads("zzz", "??", "null"));
    assert!(!reads("output", "module.a[0].output.x", "null") && !reads("output", "x.y", "null"));
    assert!(
        !reads("resource", "a.b[0]", "null") && !reads("output", "output.x", r#"[{"object_addr":"??"}]"#)
    );
    assert!(!reads("output", "output.x", "{}"));
}
