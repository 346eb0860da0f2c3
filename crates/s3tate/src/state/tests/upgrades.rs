//! Formats 1 to 3, and what Terraform 1.11.4 makes of them.

use super::fixtures::{bytes, state, text};
use super::outputs::outputs;
use crate::state::render::{self, Answer};
use crate::state::{StateError, in_format_4};

/// The samples in formats 1 to 3, by folder.
const LEGACY: [&str; 8] = [
    "v1-handwritten",
    "v1-handwritten-no-path",
    "v3-0.11.11-list-of-numbers",
    "v3-0.11.11-network",
    "v3-0.11.11-no-outputs",
    "v3-0.11.11-shapes",
    "v3-handwritten-numbers",
    "v3-handwritten-resources",
];

fn upgraded(document: &str) -> Result<String, StateError> {
    in_format_4(document.as_bytes())
        .map(|bytes| String::from_utf8(bytes.into_owned()).expect("JSON is UTF-8"))
}

/// A document of format 3 with these resources in a module.
fn with_resources(path: &str, resources: &str) -> Result<String, StateError> {
    upgraded(&format!(r#"{{"version":3,"modules":[{{"path":{path},"resources":{resources}}}]}}"#))
}

#[test]
fn upgrades_equal_the_recorded_ones() {
    for folder in LEGACY {
        let recorded = text(&format!("{folder}/upgraded.1.11.4.tfstate"));
        assert_eq!(
            upgraded(&text(&format!("{folder}/terraform.tfstate"))).as_ref(),
            Ok(&recorded),
            "{folder}"
        );
    }
}

#[test]
fn outputs_of_old_formats_equal_the_recorded_ones() {
    for folder in LEGACY {
        let outputs = outputs(&state(folder));
        assert_eq!(render::listing_json(&outputs), text(&format!("{folder}/output.1.11.4.json")), "{folder}");
        match render::listing(&outputs) {
            Answer::Text(listing) => {
                assert_eq!(listing, text(&format!("{folder}/output.1.11.4.txt")), "{folder}");
            }
            Answer::NoOutputs => assert_eq!(folder, "v3-0.11.11-no-outputs"),
        }
    }
}

/// Odd documents of formats 1 to 3, each with what Terraform 1.11.4 made of it, or its error.
#[test]
fn odd_documents_are_upgraded_or_refused_as_recorded() {
    let cases: serde_json::Value = serde_json::from_str(&text("upgrade_cases.json")).unwrap();
    let mut differing = Vec::new();
    for case in cases.as_array().unwrap() {
        let own = upgraded(case["input"].as_str().unwrap());
        let same = match (case["exit"].as_i64(), &own) {
            (Some(0), Ok(own)) => case["upgraded"] == *own,
            // Exit code 11 is a crash of Terraform's.
            (Some(1), Err(_)) | (Some(11), _) => true,
            _ => false,
        };
        if !same {
            differing
                .push(format!("{}: {own:?}\nrecorded: {}{}", case["name"], case["upgraded"], case["error"]));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_is_of_format_4_stays_as_it_is() {
    for document in [bytes("v4-1.11.4-shapes/terraform.tfstate"), Vec::new()] {
        assert_eq!(in_format_4(&document).as_deref(), Ok(&*document));
    }
}

#[test]
fn format_2_counts_maps_like_lists() {
    let document = r#"{"version":2,"modules":[{"path":["root"],"resources":{"a_b.c":{"type":"a_b","primary":{
        "id":"1","attributes":{"id":"1","tags.#":"1","tags.x":"y","list.#":"1","list.0":"z","none.#":"0"}}}}}]}"#;
    let upgraded = upgraded(document).unwrap();
    for kept in ["\"tags.%\": \"1\"", "\"list.#\": \"1\""] {
        assert!(upgraded.contains(kept), "{kept}: {upgraded}");
    }
    assert!(!upgraded.contains("none."), "{upgraded}");
}

#[test]
fn keys_of_resources_are_taken_apart() {
    let address = |key: &str| {
        let resources = format!(r#"{{"{key}":{{"type":"t","primary":{{"id":"1"}}}}}}"#);
        with_resources(r#"["root"]"#, &resources).map(|text| {
            let state = text.replace([' ', '\n'], "");
            let index = state
                .split_once("\"index_key\":")
                .map(|(_, rest)| rest.split(',').next().unwrap().to_owned());
            (state.contains("\"mode\":\"data\""), index)
        })
    };
    assert_eq!(address("a_b.c"), Ok((false, None)));
    assert_eq!(address("a_b.c.7"), Ok((false, Some("7".to_owned()))));
    assert_eq!(address("a_b.c.0x10"), Ok((false, Some("16".to_owned()))));
    assert_eq!(address("data.a_b.c"), Ok((true, None)));
    assert_eq!(address("data.a_b.c.0"), Ok((true, Some("0".to_owned()))));
    for wrong in ["a", "a_b.c.d", "a_b.c.0.1", "data.a_b.c.d", "data.a_b.c.0.1", ""] {
        assert!(matches!(address(wrong), Err(StateError::Upgrade { version: 3, .. })), "{wrong}");
    }
}

#[test]
fn providers_are_taken_from_their_text_or_the_type() {
    let provider = |path: &str, provider: &str| {
        let resources = format!(r#"{{"a_b.c":{{"provider":"{provider}","primary":{{"id":"1"}}}}}}"#);
        with_resources(path, &resources).map(|text| {
            let line = text.lines().find(|line| line.contains("\"provider\":")).expect("a provider").trim();
            line.trim_start_matches("\"provider\": \"").trim_end_matches("\",").replace('\\', "")
        })
    };
    let (root, child) = (r#"["root"]"#, r#"["root","m"]"#);
    let of = |text: &str| Ok(text.to_owned());
    assert_eq!(provider(root, ""), of(r#"provider["registry.terraform.io/-/a"]"#));
    assert_eq!(provider(child, ""), of(r#"module.m.provider["registry.terraform.io/-/a"]"#));
    assert_eq!(provider(child, "x.west"), of(r#"module.m.provider["registry.terraform.io/-/x"].west"#));
    assert_eq!(provider(child, "provider.x"), of(r#"provider["registry.terraform.io/-/x"]"#));
    assert_eq!(provider(root, "terraform"), of(r#"provider["terraform.io/builtin/terraform"]"#));
    assert!(matches!(provider(root, "x.${y}"), Err(StateError::Upgrade { .. })));
}

#[test]
fn what_can_not_be_upgraded_is_refused() {
    for path in [r#"["x"]"#, r#"["root","1x"]"#, "[]"] {
        assert!(matches!(with_resources(path, "{}"), Err(StateError::Upgrade { .. })), "{path}");
    }
    for (field, resources) in [
        ("attributes", r#"{"a_b.c":{"primary":{"attributes":{"x":1}}}}"#),
        ("type", r#"{"a_b.c":{"type":1}}"#),
    ] {
        match with_resources(r#"["root"]"#, resources) {
            Err(StateError::Field { field: found, .. }) => assert!(found.ends_with(field), "{found}"),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn private_data_is_written_as_go_writes_it() {
    use base64::Engine as _;
    let meta = r#"{"schema_version":"x","b":{"z":[1e30,1.50,-0.0000001],"a":"<"},"n":null}"#;
    let resources = format!(r#"{{"a_b.c":{{"primary":{{"id":"1","meta":{meta}}}}}}}"#);
    let text = with_resources(r#"["root"]"#, &resources).unwrap();
    let private = text.split_once("\"private\": \"").unwrap().1.split('"').next().unwrap();
    let decoded = base64::engine::general_purpose::STANDARD.decode(private).unwrap();
    let expected = r#"{"b":{"a":"\u003c","z":[1e+30,1.5,-1e-7]},"n":null,"schema_version":"x"}"#;
    assert_eq!(String::from_utf8(decoded).unwrap(), expected);
}

#[test]
fn outputs_that_are_read_alone_are_those_of_the_upgraded_document() {
    let cases: serde_json::Value = serde_json::from_str(&text("upgrade_cases.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let document = case["input"].as_str().unwrap();
        if upgraded(document).is_ok() {
            let alone = crate::state::read_outputs(document.as_bytes()).unwrap().unwrap().outputs;
            assert_eq!(alone, outputs(document.as_bytes()), "{}", case["name"]);
        }
    }
}
