//! Resources from a stream, and instances shown.

use super::fixtures::{state, text};
use crate::state::{Instances, ListedResource, ResourcesReader, Showing, StateError, Target, Unknown, show};

fn read(bytes: &[u8], size: usize) -> Result<Vec<ListedResource>, StateError> {
    let mut reader = ResourcesReader::new(|resource, _| Some(ListedResource::new(resource, None)));
    for chunk in bytes.chunks(size.max(1)) {
        reader.feed(chunk);
    }
    reader.finish()
}

fn listed(bytes: &[u8], size: usize) -> String {
    let instances = Instances::new(read(bytes, size).unwrap()).unwrap();
    instances.addresses().map(|address| address + "\n").collect()
}

#[test]
fn samples_list_as_stock_lists_them_however_they_are_cut() {
    for folder in ["v4-1.0.3-modules", "v4-1.11.4-no-outputs", "v4-1.11.4-resources"] {
        let expected = text(&format!("{folder}/state_list.1.11.4.txt"));
        let state = state(folder);
        for size in [1, 2, 7, 4096, state.len()] {
            assert_eq!(listed(&state, size), expected, "{folder} in pieces of {size}");
        }
    }
}

#[test]
fn only_the_last_resources_of_a_document_count() {
    let element =
        |name: &str| format!(r#"{{"mode":"managed","type":"a","name":"{name}","instances":[{{}}]}}"#);
    let (first, second) = (element("x"), element("y [{\\\"]"));
    let document = format!(
        r#"{{"Resources":[{first}],"more":["]",{{}}],"version":4,"resources":[ {second} , {} ],"lineage":"l"}}"#,
        element("z")
    );
    assert_eq!(listed(document.as_bytes(), 3), "a.y [{\"]\na.z\n");
    assert_eq!(listed(br#"{"version":4,"resources":null}"#, 1), "");
}

#[test]
fn what_is_no_list_of_resources_is_refused() {
    for document in [
        "",
        "[]",
        "{}",
        r#"{"version":3,"resources":[]}"#,
        r#"{"version":4,"resources":[1]}"#,
        r#"{"version":4,"resources":["a"]}"#,
        r#"{"version":4,"resources":[null]}"#,
        r#"{"version":4,"resources":[[]]}"#,
        r#"{"version":4,"resources":{}}"#,
        r#"{"version":4,"resources":"a"}"#,
        r#"{"version":4,"resources":7}"#,
        r#"{"version":4,"resources":["#,
        r#"{"version":4,"resources":[{"mode":"other"}]}"#,
        r#"{"version":4,"resources":[],"outputs":{"a":null}}"#,
    ] {
        assert!(read(document.as_bytes(), 5).is_err(), "{document}");
    }
}

#[test]
fn an_object_that_stands_twice_is_no_state() {
    let document =
        br#"{"version":4,"resources":[{"mode":"managed","type":"a","name":"b","instances":[{},{}]}]}"#;
    assert!(Instances::new(read(document, 9).unwrap()).is_none());
}

#[test]
fn targets_select_by_the_keys_they_name() {
    let instances = Instances::new(read(&state("v4-1.11.4-resources"), 4096).unwrap()).unwrap();
    let select = |text: &str| instances.select(&Target::parse(text).unwrap());
    assert_eq!(select("module.keyed").map(|found| found.len()), Ok(6));
    assert_eq!(select("module.counted[10]").map(|found| found.len()), Ok(3));
    let grand = "module.counted.module.grand";
    assert_eq!(select(grand), Err(Unknown::Module(grand.to_owned())));
    assert_eq!(
        select("terraform_data.counted[12]"),
        Err(Unknown::Instance("terraform_data.counted[12]".to_owned()))
    );
}

/// A state whose data source holds the outputs of a sample.
fn with_data_source(folder: &str) -> Vec<u8> {
    let sample: serde_json::Value = serde_json::from_slice(&state(folder)).unwrap();
    let outputs = sample["outputs"].as_object().unwrap();
    let part = |name: &str| -> serde_json::Map<_, _> {
        outputs.iter().map(|(output, entry)| (output.clone(), entry[name].clone())).collect()
    };
    serde_json::json!({
        "mode": "data", "type": "terraform_remote_state", "name": "network",
        "instances": [{ "attributes": {
            "backend": "local",
            "config": { "value": { "path": "network.tfstate" }, "type": ["object", { "path": "string" }] },
            "defaults": null,
            "outputs": { "value": part("value"), "type": ["object", part("type")] },
            "workspace": null,
        } }],
    })
    .to_string()
    .into_bytes()
}

#[test]
fn outputs_of_samples_are_shown_as_stock_shows_them() {
    let target = Target::parse("data.terraform_remote_state.network").unwrap();
    for folder in [
        "v4-0.15.0-shapes",
        "v4-1.0.3-shapes",
        "v4-1.11.4-nulls",
        "v4-1.11.4-optional-attributes",
        "v4-1.11.4-resources",
        "v4-1.11.4-shapes",
        "v4-1.11.4-text",
    ] {
        let Ok(Showing::Text(shown)) = show(&[with_data_source(folder)], &target) else { panic!("{folder}") };
        assert_eq!(shown, text(&format!("{folder}/remote_state.1.11.4.txt")), "{folder}");
    }
}
