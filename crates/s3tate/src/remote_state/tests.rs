//! Blocks of a directory, and the rendering against what old releases printed.

use std::path::Path;

use super::*;
use crate::config::Variables;
use crate::config::testing::directory;

const TIME: &str = "2026-11-23T00:53:00.568693121Z";

fn samples(path: &str) -> Vec<u8> {
    let states = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../s3tate-testkit/fixtures/states"));
    std::fs::read(states.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs a future that needs no reactor.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn found(files: &[(&str, &str)]) -> Result<Vec<Block>> {
    let dir = directory(files);
    let env = Env::new([("TF_VAR_env".to_owned(), "dev".to_owned())], "u", "h");
    let variables = Variables::default();
    find(dir.path(), &Given { variables: &variables, env: &env, workspace: "blue" })
}

/// Reads a state as the data source `network` with these arguments in a `local` backend.
fn local(state: &[u8], arguments: &str, generation: Generation) -> Result<RemoteState> {
    let text = format!(
        "data \"terraform_remote_state\" \"network\" {{\n  backend = \"local\"\n  config {{\n    path = \"network.tfstate\"\n  }}\n{arguments}}}\n"
    );
    let dir = directory(&[("main.tf", &text)]);
    std::fs::write(dir.path().join("network.tfstate"), state).unwrap();
    let env = Env::new([], "u", "h");
    let variables = Variables::default();
    let mut blocks = find(dir.path(), &Given { variables: &variables, env: &env, workspace: "default" })?;
    let mut block = blocks.pop().unwrap();
    block.generation = generation;
    wait(read(block, &env))
}

fn lines(state: &RemoteState, version: &str) -> Vec<String> {
    let text =
        flat(std::slice::from_ref(state), Style::of_version(version).unwrap(), TIME.parse().unwrap(), true);
    text.trim_end_matches('\n').split('\n').map(str::to_owned).collect()
}

/// The lines of a sample with the time of our reading.
fn recorded(text: &str) -> Vec<String> {
    let line = |line: &str| if line.starts_with("  id = ") { id_line() } else { line.to_owned() };
    text.trim_end_matches('\n').split('\n').map(line).collect()
}

fn id_line() -> String {
    "  id = 2026-11-23 00:53:00.568693121 +0000 UTC".to_owned()
}

#[test]
fn every_recorded_case_is_rendered_alike() {
    let cases: serde_json::Value = serde_json::from_slice(&samples("flatten_cases.json")).unwrap();
    let mut equal = 0;
    for case in cases.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let state = serde_json::json!({ "version": 3, "terraform_version": "0.11.11", "serial": 1, "lineage": "l",
            "modules": [{ "path": ["root"], "outputs": case["outputs"], "resources": {} }] });
        let arguments = case["arguments"].as_str().unwrap();
        let read = local(state.to_string().as_bytes(), arguments, Generation::Legacy);
        let lines = lines(&read.unwrap(), "0.11.11");
        let Some(expected) = case["lines"].as_array() else {
            // Here 0.11 crashes, and s3tate shows numbers and nulls in a way of its own.
            let own: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("  out")).collect();
            let expected: &[&str] = match name {
                "fraction" => &[" = 1.5"],
                "list_of_number" => &[".# = 1", ".0 = 1"],
                "map_of_number" => &[".% = 1", ".a = 1"],
                "map_with_null" => &[".% = 1", ".a = "],
                other => panic!("{other}: {own:?}"),
            };
            assert_eq!(own, expected, "{name}");
            continue;
        };
        let expected: Vec<_> =
            expected.iter().map(|line| line.as_str().unwrap().replace("  id = <ID>", &id_line())).collect();
        assert_eq!(lines, expected, "{name}");
        equal += 1;
    }
    assert_eq!((equal, cases.as_array().unwrap().len()), (26, 30), "cases with lines, and all");
}

#[test]
fn samples_of_old_formats_are_rendered_as_three_releases_did() {
    let mut equal = 0;
    for folder in [
        "v1-handwritten",
        "v1-handwritten-no-path",
        "v3-0.11.11-list-of-numbers",
        "v3-0.11.11-network",
        "v3-0.11.11-no-outputs",
        "v3-0.11.11-shapes",
        "v3-handwritten-numbers",
        "v3-handwritten-resources",
    ] {
        let state = local(&samples(&format!("{folder}/terraform.tfstate")), "", Generation::Legacy).unwrap();
        for (file, version) in [
            ("remote_state.txt", "0.11.11"),
            ("remote_state.0.11.8.txt", "0.11"),
            ("remote_state.0.9.11.txt", "0.9"),
        ] {
            let text = String::from_utf8(samples(&format!("{folder}/{file}"))).unwrap();
            if !text.starts_with("FAILED") {
                assert_eq!(lines(&state, version), recorded(&text), "{folder}, {version}");
                equal += 1;
            }
        }
    }
    assert!(equal > 12, "only {equal} samples have lines");
}

#[test]
fn an_s3_configuration_has_the_recorded_hash() {
    let text = String::from_utf8(samples("v3-0.11.11-network/remote_state.s3.tf")).unwrap();
    let block = found(&[("main.tf", &text)]).unwrap().pop().unwrap();
    assert_eq!((block.backend.as_str(), block.generation), ("s3", Generation::Legacy));
    let (format, outputs) = outputs_of(&samples("v3-0.11.11-network/terraform.tfstate")).unwrap().unwrap();
    let state = RemoteState { block, url: String::new(), format: Some(format), outputs };
    for (file, version) in [("remote_state.s3.txt", "0.11.11"), ("remote_state.s3.0.11.8.txt", "0.11")] {
        let text = String::from_utf8(samples(&format!("v3-0.11.11-network/{file}"))).unwrap();
        assert_eq!(lines(&state, version), recorded(&text), "{version}");
    }
}

#[test]
fn both_syntaxes_and_static_values_are_understood() {
    let blocks = found(&[
        (
            "main.tf",
            "variable \"env\" {}\nvariable \"hush\" {\n  sensitive = true\n  default = \"h\"\n}\nlocals {\n  key = \"${var.env}/s\"\n}\n\
             data \"terraform_remote_state\" \"b\" {\n  backend = \"s3\"\n  workspace = terraform.workspace\n  lifecycle {\n  }\n  config = {\n    key = local.key\n    secret_key = var.hush\n  }\n  defaults = {\n    a = [1]\n  }\n}\n\
             data \"other\" \"c\" {}\n",
        ),
        (
            "more.tf.json",
            r#"{"data": {"terraform_remote_state": {"a": {"backend": "s3", "environment": "red", "workspace": "default",
                "config": [{"key": "${local.key}-json", "encrypt": true}]}}}}"#,
        ),
    ])
    .unwrap();
    let [a, b] = blocks.as_slice() else { panic!("{blocks:?}") };
    assert_eq!(
        (a.address().as_str(), a.workspace_name(), a.generation),
        ("data.terraform_remote_state.a", "red", Generation::Legacy)
    );
    assert_eq!((a.text("key"), a.text("encrypt")), (Some("dev/s-json"), None));
    assert_eq!((b.workspace_name(), b.generation), ("blue", Generation::Modern));
    assert_eq!((b.text("key"), b.text("secret_key")), (Some("dev/s"), Some("h")));
    assert!(b.defaults.contains_key("a"));
}

#[test]
fn what_can_not_be_worked_out_is_told_with_its_place() {
    let error = found(&[(
        "main.tf",
        "data \"terraform_remote_state\" \"b\" {\n  backend = \"s3\"\n  config = {\n    key = aws_x.y.id\n  }\n  count = 2\n}\n",
    )])
    .unwrap_err();
    let messages: Vec<_> = error.problems().iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(error.problems()[0].place, None, "the line may hold keys");
    assert!(
        messages[0].contains("`config` of data.terraform_remote_state.b in")
            && messages[1].contains("`count`")
    );
}

#[test]
fn an_override_file_replaces_single_arguments() {
    let block = "data \"terraform_remote_state\" \"a\" {\n  backend = \"s3\"\n  workspace = \"w\"\n  config = {\n    key = \"k\"\n    region = \"r\"\n  }\n}\n";
    let over = "data \"terraform_remote_state\" \"a\" {\n  config = {\n    key = \"other\"\n  }\n}\n";
    for name in ["override.tf", "a_override.tf"] {
        let [block] = &found(&[("main.tf", block), (name, over)]).unwrap()[..] else { panic!("one block") };
        assert_eq!((block.text("key"), block.text("region")), (Some("other"), None));
        assert_eq!((&*block.backend, block.workspace.as_deref()), ("s3", Some("w")));
    }
    let twice = found(&[("main.tf", block), ("more.tf", over)]).unwrap_err();
    assert!(twice.to_string().contains("stands twice"), "{twice}");
}

#[test]
fn a_block_without_backend_or_with_an_empty_workspace_is_refused() {
    let env = Env::new([], "u", "h");
    for (arguments, message) in [
        ("", "names no backend"),
        (
            "  backend = \"s3\"\n  workspace = \"\"\n  config = {\n    bucket = \"b\"\n    key = \"k\"\n  }\n",
            "is empty",
        ),
    ] {
        let text = format!("data \"terraform_remote_state\" \"a\" {{\n{arguments}}}\n");
        let error = wait(read_all(found(&[("main.tf", &text)]).unwrap(), &env)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn other_backends_and_missing_states_are_told() {
    let block =
        found(&[("main.tf", "data \"terraform_remote_state\" \"g\" {\n  backend = \"gcs\"\n}\n")]).unwrap();
    let env = Env::new([], "u", "h");
    let error = wait(read_all(block, &env)).unwrap_err();
    assert!(error.to_string().contains("\"gcs\""), "{error}");

    let missing = local(b"", "", Generation::Modern).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let state = local(b"", "  defaults {\n    a = true\n  }\n", Generation::Legacy).unwrap();
    assert_eq!(state.format, None);
    assert!(listing(&[state]).contains("(no state)\na = \"1\"\n"));
    assert!(local(b" ", "", Generation::Legacy).is_err());
}

#[test]
fn a_stored_null_wins_by_later_rules_only() {
    let state = br#"{"version":4,"outputs":{"b":{"value":null,"type":"string"}}}"#;
    let defaults = "  defaults {\n    a = 1\n    b = 2\n  }\n";
    let legacy = local(state, defaults, Generation::Legacy).unwrap().outputs;
    assert_eq!(legacy.get("b").map(|output| output.value.to_json()), Some("\"2\"".to_owned()));
    let modern = local(state, defaults, Generation::Modern).unwrap().outputs;
    assert_eq!(modern.get("b").map(|output| output.value.to_json()), Some("null".to_owned()));
    assert_eq!(modern.get("a").map(|output| output.value.to_json()), Some("1".to_owned()));
}

#[test]
fn sensitive_values_are_hidden_unless_asked_for() {
    let state = br#"{"version":4,"outputs":{"s":{"value":"hush","type":"string","sensitive":true}}}"#;
    let states = [local(state, "", Generation::Modern).unwrap()];
    let hidden = flat(&states, Style::default(), TIME.parse().unwrap(), false);
    assert!(hidden.contains("  s = <sensitive>\n"), "{hidden}");
    assert!(flat(&states, Style::default(), TIME.parse().unwrap(), true).contains("  s = hush\n"));
    assert!(!listing(&states).contains("hush"));
    let json: serde_json::Value = serde_json::from_str(&json(&states)).unwrap();
    assert_eq!(
        json["remote_states"]["data.terraform_remote_state.network"]["outputs"]["s"]["sensitive"],
        true
    );
}

#[test]
fn old_formats_give_the_types_that_later_releases_see() {
    for folder in ["v1-handwritten", "v3-0.11.11-network", "v3-0.11.11-shapes", "v3-handwritten-numbers"] {
        let (_, outputs) = outputs_of(&samples(&format!("{folder}/terraform.tfstate"))).unwrap().unwrap();
        let expected = String::from_utf8(samples(&format!("{folder}/output.1.11.4.json"))).unwrap();
        assert_eq!(crate::state::render::listing_json(&outputs), expected, "{folder}");
    }
}

#[test]
fn only_versions_that_rendered_so_are_accepted() {
    for version in ["0.6", "0.12", "1.0", "0", "x", ""] {
        assert!(Style::of_version(version).is_err(), "{version}");
    }
    assert_ne!(Style::of_version("0.11.9").unwrap(), Style::of_version("0.11.11").unwrap());
    assert_eq!(Style::of_version("0.11").unwrap(), Style::default());
}
