//! Outputs printed as Terraform prints them.

use serde_json::Value as Json;

use super::fixtures::{WITH_OUTPUTS, one_output, state, text};
use crate::state::render::{self, Answer, RenderError};
use crate::state::{Outputs, StateFile, in_format_4};

pub(super) fn outputs(bytes: &[u8]) -> Outputs {
    StateFile::parse(&in_format_4(bytes).unwrap()).unwrap().unwrap().outputs().unwrap()
}

fn text_of(answer: Answer) -> String {
    match answer {
        Answer::Text(text) => text,
        Answer::NoOutputs => panic!("there are outputs"),
    }
}

/// The human form of one value.
fn human(ty: &str, value: &str) -> String {
    text_of(render::single(&outputs(&one_output(ty, value)), "a").unwrap())
}

#[test]
fn listings_equal_the_recorded_ones() {
    for folder in WITH_OUTPUTS {
        let outputs = outputs(&state(folder));
        assert_eq!(text_of(render::listing(&outputs)), text(&format!("{folder}/output.txt")), "{folder}");
        assert_eq!(render::listing_json(&outputs), text(&format!("{folder}/output.json")), "{folder}");
    }
}

#[test]
fn single_values_equal_the_recorded_ones() {
    for folder in WITH_OUTPUTS {
        let outputs = outputs(&state(folder));
        let recorded: Json = serde_json::from_str(&text(&format!("{folder}/single.json"))).unwrap();
        for (name, expected) in recorded.as_object().unwrap() {
            assert_eq!(
                text_of(render::single(&outputs, name).unwrap()),
                expected["plain"],
                "{folder} {name}"
            );
            assert_eq!(render::single_json(&outputs, name).unwrap(), expected["json"], "{folder} {name}");
            match render::raw(&outputs, name) {
                Ok(answer) => assert_eq!(text_of(answer), expected["raw"], "{folder} {name}"),
                Err(_) => assert_eq!(expected["raw_exit"], 1, "{folder} {name}"),
            }
        }
    }
}

#[test]
fn no_outputs_is_an_answer_of_its_own() {
    let outputs = outputs(&state("v4-1.11.4-no-outputs"));
    assert_eq!(render::listing(&outputs), Answer::NoOutputs);
    assert_eq!(render::single(&outputs, "a"), Ok(Answer::NoOutputs));
    assert_eq!(render::raw(&outputs, "a"), Ok(Answer::NoOutputs));
    assert_eq!(render::listing_json(&outputs), "{}\n");
    assert_eq!(render::single_json(&outputs, "a"), Err(RenderError::NotFound("a".to_owned())));
}

#[test]
fn sensitive_outputs_are_masked_in_the_listing_only() {
    let state =
        br#"{"version":4,"outputs":{"secret":{"type":"string","value":"s3cr<e>t","sensitive":true}}}"#;
    let outputs = outputs(state);
    assert_eq!(text_of(render::listing(&outputs)), "secret = <sensitive>\n");
    assert_eq!(text_of(render::single(&outputs, "secret").unwrap()), "\"s3cr<e>t\"\n");
    assert_eq!(render::single_json(&outputs, "secret").unwrap(), "\"s3cr\\u003ce\\u003et\"\n");
    assert_eq!(text_of(render::raw(&outputs, "secret").unwrap()), "s3cr<e>t");
    assert!(render::listing_json(&outputs).contains("\"sensitive\": true"));
}

#[test]
fn raw_names_the_type_it_refuses() {
    let outputs = outputs(&one_output(r#"["list","string"]"#, r#"["x"]"#));
    let refused = RenderError::UnsupportedForRaw { name: "a".to_owned(), ty: "list of string".to_owned() };
    assert_eq!(render::raw(&outputs, "a"), Err(refused));
    assert_eq!(render::raw(&outputs, "b"), Err(RenderError::NotFound("b".to_owned())));
    let null = self::outputs(&one_output("\"string\"", "null"));
    assert_eq!(render::raw(&null, "a"), Err(RenderError::NullForRaw("a".to_owned())));
}

#[test]
fn optional_attributes_are_filled_with_nulls() {
    let state = one_output(r#"["object",{"x":"string","z":"number"},["z"]]"#, r#"{"x":"1"}"#);
    assert_eq!(
        text_of(render::listing(&outputs(&state))),
        "a = {\n  \"x\" = \"1\"\n  \"z\" = tonumber(null)\n}\n"
    );
}

// What Terraform 1.11.4 prints for each of the following was observed.

#[test]
fn dynamic_values_bring_their_type() {
    assert_eq!(human("\"dynamic\"", r#"{"value":null,"type":"string"}"#), "tostring(null)\n");
    assert_eq!(
        human("\"dynamic\"", r#"{"type":"dynamic","value":{"value":"q","type":"string"}}"#),
        "\"q\"\n"
    );
    let list = r#"[null,{"value":"x","type":"string"}]"#;
    assert_eq!(human(r#"["list","dynamic"]"#, list), "tolist([\n  tostring(null),\n  \"x\",\n])\n");
    let set = r#"[{"value":1,"type":"number"},null]"#;
    assert_eq!(human(r#"["set","dynamic"]"#, set), "toset([\n  1,\n  tonumber(null),\n])\n");
}

#[test]
fn primitive_sets_are_ordered_by_value() {
    let numbers = human(r#"["set","number"]"#, "[10,9,null,1e1,0,-0,null,1.5]");
    assert_eq!(numbers, "toset([\n  -0,\n  0,\n  1.5,\n  9,\n  10,\n  tonumber(null),\n])\n");
    let bools = human(r#"["set","bool"]"#, "[true,null,false]");
    assert_eq!(bools, "toset([\n  false,\n  true,\n  tobool(null),\n])\n");
}

#[test]
fn other_sets_are_ordered_by_fingerprint() {
    let json = |ty: &str, value: &str| render::single_json(&outputs(&one_output(ty, value)), "a").unwrap();
    let given = "[[10],[9],null,[100000000000],[12345678901],[1234567890],[0.00001],[0.0001],[1.5,2],[],[null],[-3],[12345678901.5]]";
    let ordered = "[[-3],[0.0001],[12345678901],[12345678901.5],[1.5,2],[10],[1234567890],[100000000000],[0.00001],[9],[],[null],null]\n";
    assert_eq!(json(r#"["set",["list","number"]]"#, given), ordered);
    let maps = r#"[{"b":"1"},{"a":"2","c":"3"},{},{"a":null},null]"#;
    let ordered = "[{\"a\":\"2\",\"c\":\"3\"},{\"a\":null},{\"b\":\"1\"},{},null]\n";
    assert_eq!(json(r#"["set",["map","string"]]"#, maps), ordered);
    let tuples = r#"[["b",true],["\u00a0",true],["a",null],["a\"b",true],["a",false],null]"#;
    let ordered = "[[\"\u{a0}\",true],[\"a\",false],[\"a\",null],[\"a\\\"b\",true],[\"b\",true],null]\n";
    assert_eq!(json(r#"["set",["tuple",["string","bool"]]]"#, tuples), ordered);
    let sets = r#"[["b","a"],["c"],["a","b"]]"#;
    assert_eq!(json(r#"["set",["set","string"]]"#, sets), "[[\"a\",\"b\"],[\"c\"]]\n");
}

#[test]
fn text_with_newlines_becomes_a_heredoc() {
    assert_eq!(human("\"string\"", r#""\n""#), "<<EOT\n\n\nEOT\n");
    assert_eq!(human("\"string\"", r#"" \n EOT\u00a0\n""#), "<<EOT_\n \n EOT\u{a0}\n\nEOT_\n");
    let map = human(r#"["map","string"]"#, r#"{"a\nb":"c\nd","x":"\r\n"}"#);
    let expected = "tomap({\n  <<-EOT\n  a\n  b\n  EOT = <<-EOT\n  c\n  d\n  EOT\n  \"x\" = <<-EOT\n  \r\n  \n  EOT\n})\n";
    assert_eq!(map, expected);
}

#[test]
fn broken_and_decomposed_text_reads_as_in_go() {
    let text = r#""a\u0301\ud83d x \ud83d\ude00 \udc00\ud800\u0041""#;
    assert_eq!(human("\"string\"", text), "\"\u{e1}\u{fffd} x \u{1f600} \u{fffd}\u{fffd}A\"\n");
    let keys = human(r#"["map","string"]"#, "{\"e\u{301}\":\"x\",\"\u{e9}\":\"y\"}");
    assert_eq!(keys, "tomap({\n  \"\u{e9}\" = \"y\"\n})\n");
}

#[test]
fn only_what_terraform_takes_for_printable_stands_raw() {
    let text = "\u{a0}\u{301}\u{378}\u{200b}\u{2028}\u{e000}\u{feff}\u{fffd}\u{1f600}\u{1fae9}\u{e0001}";
    let expected =
        "\"\\u00a0\u{301}\\u0378\\u200b\\u2028\\ue000\\ufeff\u{fffd}\u{1f600}\\U0001fae9\\U000e0001\"\n";
    assert_eq!(human("\"string\"", &format!("\"{text}\"")), expected);
    assert_eq!(
        human("\"string\"", r#""\u0001\u007f\b\f\u0000\u0007\u000b${x}""#),
        "\"\\x01\\x7f\\b\\f\\x00\\a\\v${x}\"\n"
    );
}
