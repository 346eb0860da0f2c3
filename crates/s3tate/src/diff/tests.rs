//! Constructed pairs of states, each with the text that tells how they differ.

#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values, and cases read better without `&`")]

use serde_json::{Value, json};

use super::{Sensitive, StateDiff};

const AWS: &str = "provider[\"registry.terraform.io/hashicorp/aws\"]";

fn state(serial: u64, outputs: &Value, resources: &Value) -> Vec<u8> {
    let state = json!({
        "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l",
        "outputs": outputs, "resources": resources, "check_results": null,
    });
    serde_json::to_vec_pretty(&state).unwrap()
}

/// `thing.a` with these instances.
fn thing(instances: &Value) -> Value {
    json!({ "mode": "managed", "type": "thing", "name": "a", "provider": AWS, "instances": instances })
}

fn with(mut value: Value, name: &str, member: Value) -> Value {
    value[name] = member;
    value
}

/// An instance with these attributes.
fn one(attributes: Value) -> Value {
    json!({ "schema_version": 0, "attributes": attributes, "sensitive_attributes": [] })
}

fn keyed(key: Value, attributes: Value) -> Value {
    with(one(attributes), "index_key", key)
}

fn mark(path: &[Value]) -> Value {
    json!(path.iter().map(|step| json!({ "type": "get_attr", "value": step })).collect::<Vec<_>>())
}

#[track_caller]
fn differs(before: &Value, after: &Value, expected: &str) {
    let (before, after) = (state(1, &json!({}), before), state(1, &json!({}), after));
    let diff = StateDiff::between(&before, &after, Sensitive::Masked).unwrap();
    assert_eq!(diff.to_text(false), expected);
    let json: Value = serde_json::from_str(&diff.to_json()).unwrap();
    assert_eq!(json["equal"], diff.is_empty());
    assert_eq!(json["resources"].as_array().unwrap().len(), diff.objects.len());
}

/// One instance of `thing.a` before and after.
#[track_caller]
fn instance_differs(before: Value, after: Value, expected: &str) {
    differs(&json!([thing(&json!([before]))]), &json!([thing(&json!([after]))]), expected);
}

/// The same with plain attributes, where only lines below `~ thing.a` are told.
#[track_caller]
fn attributes_differ(before: Value, after: Value, lines: &[&str]) {
    let lines = lines.join("\n    ");
    let expected = match lines.as_str() {
        "" => String::new(),
        lines => format!("~ thing.a\n    {lines}\nresources: 1 changed\n"),
    };
    instance_differs(one(before), one(after), &expected);
}

#[track_caller]
fn outputs_differ(before: &Value, after: &Value, expected: &str) {
    let (before, after) = (state(1, before, &json!([])), state(1, after, &json!([])));
    let diff = StateDiff::between(&before, &after, Sensitive::Masked).unwrap();
    assert_eq!(diff.to_text(false), expected);
}

#[test]
fn what_comes_and_goes_is_named() {
    let a = json!([thing(&json!([one(json!({ "id": "1" }))]))]);
    differs(&json!([]), &a, "+ thing.a\nresources: 1 added\n");
    differs(&a, &json!([]), "- thing.a\nresources: 1 removed\n");
    differs(&a, &a, "");
    let data = json!([with(thing(&json!([one(json!({}))])), "mode", json!("data"))]);
    differs(&json!([]), &data, "+ data.thing.a\nresources: 1 added\n");
    let module =
        json!([with(thing(&json!([one(json!({}))])), "module", json!("module.m[\"x\"].module.n[0]"))]);
    differs(&module, &json!([]), "- module.m[\"x\"].module.n[0].thing.a\nresources: 1 removed\n");
}

#[test]
fn attributes_are_told_leaf_by_leaf() {
    attributes_differ(json!({ "id": "1", "size": 1 }), json!({ "id": "1", "size": 2 }), &["~ size = 1 -> 2"]);
    attributes_differ(json!({}), json!({ "size": 2 }), &["+ size = 2"]);
    attributes_differ(json!({ "size": null }), json!({}), &["- size = null"]);
    attributes_differ(json!({ "a": [1, 2] }), json!({ "a": [1, 3, 4] }), &["~ a[1] = 2 -> 3", "+ a[2] = 4"]);
    attributes_differ(
        json!({ "tags": { "Name": "x", "a b": "y" } }),
        json!({ "tags": { "Name": "z", "a b": "w" } }),
        &["~ tags.Name = \"x\" -> \"z\"", "~ tags[\"a b\"] = \"y\" -> \"w\""],
    );
    attributes_differ(
        json!({ "rule": [{ "port": 80, "open": true }] }),
        json!({ "rule": [{ "port": 443, "open": true }] }),
        &["~ rule[0].port = 80 -> 443"],
    );
}

#[test]
fn types_that_change_are_told() {
    attributes_differ(json!({ "a": "1" }), json!({ "a": 1 }), &["~ a = \"1\" -> 1"]);
    attributes_differ(json!({ "a": [] }), json!({ "a": {} }), &["~ a = [] -> {}"]);
    attributes_differ(json!({ "a": "x" }), json!({ "a": ["x"] }), &["- a = \"x\"", "+ a[0] = \"x\""]);
    attributes_differ(json!({ "a": null }), json!({ "a": "" }), &["~ a = null -> \"\""]);
}

#[test]
fn layout_and_spelling_are_no_difference() {
    let text = |attributes: &str| {
        let state =
            String::from_utf8(state(1, &json!({}), &json!([thing(&json!([one(json!({ "x": 0 }))]))])));
        state.unwrap().replace("\"x\": 0", attributes).into_bytes()
    };
    for (before, after) in [
        ("\"a\": 1, \"b\": 2", "\"b\": 2,\n\"a\": 1"),
        ("\"a\": 100", "\"a\": 1e2"),
        ("\"a\": 1.50", "\"a\": 1.5"),
        ("\"a\": \"\\u00fc\"", "\"a\": \"ü\""),
    ] {
        let diff = StateDiff::between(&text(before), &text(after), Sensitive::Masked).unwrap();
        assert!(diff.is_empty(), "{before} {after}: {}", diff.to_text(false));
    }
    let (big, bigger) = ("\"a\": 9007199254740993", "\"a\": 9007199254740992");
    assert!(!StateDiff::between(&text(big), &text(bigger), Sensitive::Masked).unwrap().is_empty());
}

#[test]
fn order_of_resources_instances_and_dependencies_is_no_difference() {
    let b = with(thing(&json!([one(json!({}))])), "name", json!("b"));
    let a = thing(&json!([keyed(json!(0), json!({ "n": 0 })), keyed(json!(1), json!({ "n": 1 }))]));
    let turned = thing(&json!([keyed(json!(1), json!({ "n": 1 })), keyed(json!(0), json!({ "n": 0 }))]));
    differs(&json!([a, b]), &json!([b, turned]), "");
    let depends = |names: Value| with(one(json!({})), "dependencies", names);
    instance_differs(depends(json!(["x.a", "x.b"])), depends(json!(["x.b", "x.a"])), "");
    instance_differs(
        depends(json!(["x.a"])),
        depends(json!(["x.a", "x.b"])),
        "~ thing.a\n    (dependencies) x.a -> x.a, x.b\nresources: 1 changed\n",
    );
}

#[test]
fn count_and_for_each_are_told_by_instance() {
    let count = |numbers: &[u64]| {
        let instances: Vec<_> =
            numbers.iter().map(|n| keyed(json!(n), json!({ "id": format!("i{n}") }))).collect();
        json!([thing(&json!(instances))])
    };
    differs(&count(&[0, 1]), &count(&[0, 1, 2]), "+ thing.a[2]\nresources: 1 added\n");
    differs(&count(&[0, 1, 2]), &count(&[0]), "- thing.a[1]\n- thing.a[2]\nresources: 2 removed\n");
    let each = |keys: &[&str]| {
        let instances: Vec<_> = keys.iter().map(|key| keyed(json!(key), json!({ "id": key }))).collect();
        json!([thing(&json!(instances))])
    };
    differs(
        &each(&["x", "y"]),
        &each(&["y", "z"]),
        "- thing.a[\"x\"]\n+ thing.a[\"z\"]\nresources: 1 added, 1 removed\n",
    );
}

#[test]
fn moves_are_recognised_by_type_and_id() {
    let single = json!([thing(&json!([one(json!({ "id": "1" }))]))]);
    let indexed = json!([thing(&json!([keyed(json!(0), json!({ "id": "1" }))]))]);
    differs(&single, &indexed, "thing.a -> thing.a[0]\nresources: 1 moved\n");
    let renamed = json!([with(thing(&json!([one(json!({ "id": "1" }))])), "name", json!("b"))]);
    differs(&single, &renamed, "thing.a -> thing.b\nresources: 1 moved\n");
    let module =
        json!([with(thing(&json!([one(json!({ "id": "1", "n": 2 }))])), "module", json!("module.m"))]);
    differs(&single, &module, "thing.a -> module.m.thing.a\n    + n = 2\nresources: 1 moved\n");
    let other_type = json!([with(thing(&json!([one(json!({ "id": "1" }))])), "type", json!("other"))]);
    differs(&single, &other_type, "+ other.a\n- thing.a\nresources: 1 added, 1 removed\n");
    let no_id = json!([with(thing(&json!([one(json!({ "n": 1 }))])), "name", json!("b"))]);
    differs(&single, &no_id, "- thing.a\n+ thing.b\nresources: 1 added, 1 removed\n");
    let twice = json!([thing(&json!([
        keyed(json!(0), json!({ "id": "1" })),
        keyed(json!(1), json!({ "id": "1" }))
    ]))]);
    differs(&single, &twice, "- thing.a\n+ thing.a[0]\n+ thing.a[1]\nresources: 2 added, 1 removed\n");
}

#[test]
fn another_id_is_a_replacement() {
    instance_differs(
        one(json!({ "id": "1", "n": 1 })),
        one(json!({ "id": "2", "n": 1 })),
        "-/+ thing.a\n    ~ id = \"1\" -> \"2\"\nresources: 1 replaced\n",
    );
}

#[test]
fn tainted_and_deposed_objects_are_told() {
    let ready = one(json!({ "id": "1" }));
    let tainted = with(ready.clone(), "status", json!("tainted"));
    instance_differs(
        ready.clone(),
        tainted.clone(),
        "~ thing.a\n    (status) ready -> tainted\nresources: 1 changed\n",
    );
    instance_differs(
        tainted,
        ready.clone(),
        "~ thing.a\n    (status) tainted -> ready\nresources: 1 changed\n",
    );
    let deposed = with(one(json!({ "id": "0" })), "deposed", json!("0123abcd"));
    let alone = json!([thing(&json!([ready]))]);
    let both = json!([thing(&json!([ready, deposed]))]);
    differs(&alone, &both, "+ thing.a (deposed 0123abcd)\nresources: 1 added\n");
    differs(&both, &alone, "- thing.a (deposed 0123abcd)\nresources: 1 removed\n");
}

#[test]
fn what_stands_beside_attributes_is_told() {
    let before = one(json!({}));
    instance_differs(
        before.clone(),
        with(before.clone(), "schema_version", json!(1)),
        "~ thing.a\n    (schema version) 0 -> 1\nresources: 1 changed\n",
    );
    instance_differs(
        before.clone(),
        with(before.clone(), "create_before_destroy", json!(true)),
        "~ thing.a\n    (create before destroy) false -> true\nresources: 1 changed\n",
    );
    instance_differs(
        with(before.clone(), "private", json!("YQ==")),
        with(before.clone(), "private", json!("Yg==")),
        "~ thing.a\n    (private data) one -> another\nresources: 1 changed\n",
    );
    let west = with(thing(&json!([before])), "provider", json!(format!("{AWS}.west")));
    differs(
        &json!([thing(&json!([before]))]),
        &json!([west]),
        &format!("~ thing.a\n    (provider) {AWS} -> {AWS}.west\nresources: 1 changed\n"),
    );
}

#[test]
fn flat_attributes_of_old_formats_are_compared_too() {
    let flat = |size: &str| json!({ "schema_version": 0, "attributes_flat": { "id": "1", "tags.%": size }, "sensitive_attributes": [] });
    instance_differs(
        flat("1"),
        flat("2"),
        "~ thing.a\n    ~ [\"tags.%\"] = \"1\" -> \"2\"\nresources: 1 changed\n",
    );
}

/// `thing.a` as Terraform 0.11 kept it, in format 3.
fn format_3(attributes: Value) -> Vec<u8> {
    let primary = json!({ "id": "1", "attributes": attributes, "meta": {}, "tainted": false });
    let resource = json!({ "type": "thing", "depends_on": [], "primary": primary, "deposed": [], "provider": "provider.aws" });
    let module =
        json!({ "path": ["root"], "outputs": {}, "resources": { "thing.a": resource }, "depends_on": [] });
    let state = json!({ "version": 3, "terraform_version": "0.11.11", "serial": 1, "lineage": "l", "modules": [module] });
    serde_json::to_vec(&state).unwrap()
}

#[track_caller]
fn formats_differ(flat: Value, typed: Value, lines: &[&str]) {
    let after = with(thing(&json!([typed])), "provider", json!("provider[\"registry.terraform.io/-/aws\"]"));
    let after = state(1, &json!({}), &json!([after]));
    let diff = StateDiff::between(&format_3(flat), &after, Sensitive::Masked).unwrap();
    let expected = match lines {
        [] => String::new(),
        lines => format!("~ thing.a\n    {}\nresources: 1 changed\n", lines.join("\n    ")),
    };
    assert_eq!(diff.to_text(false), expected);
}

#[test]
fn format_3_is_compared_with_format_4() {
    let flat = json!({
        "id": "1", "size": "3", "on": "true", "tags.%": "1", "tags.a.b": "x",
        "list.#": "2", "list.0": "a", "list.1": "b", "rule.#": "2", "rule.88.port": "80", "rule.7.port": "443",
    });
    let typed = |size: Value, port: u64| {
        one(json!({
            "id": "1", "size": size, "on": true, "tags": { "a.b": "x" }, "list": ["a", "b"], "none": null, "empty": [],
            "rule": [{ "port": port, "note": "" }, { "port": 443, "note": null }],
        }))
    };
    formats_differ(flat.clone(), typed(json!(3), 80), &[]);
    formats_differ(flat.clone(), typed(json!(4), 80), &["~ size = \"3\" -> \"4\""]);
    formats_differ(flat, typed(json!(3), 81), &["~ rule[1].port = \"80\" -> \"81\""]);
    formats_differ(json!({ "id": "1" }), one(json!({ "id": "1", "new": 1 })), &["+ new = \"1\""]);
    formats_differ(json!({ "id": "1", "old": "x" }), one(json!({ "id": "1" })), &["- old = \"x\""]);
}

#[test]
fn what_the_newer_format_marks_is_masked_in_the_older_one() {
    let marked =
        |path: Value, attributes: Value| with(one(attributes), "sensitive_attributes", json!([path]));
    let password = marked(mark(&[json!("p")]), json!({ "id": "1", "p": "s3cr3t-2" }));
    formats_differ(json!({ "id": "1", "p": "s3cr3t-1" }), password, &["~ p = <sensitive> -> <sensitive>"]);
    let first = json!([
        { "type": "get_attr", "value": "s" }, { "type": "index", "value": { "value": 1, "type": "number" } },
    ]);
    let set = marked(first, json!({ "id": "1", "s": ["zzz", "aaa"] }));
    let flat = json!({ "id": "1", "s.#": "2", "s.99": "bbb", "s.7": "yyy" });
    formats_differ(
        flat,
        set,
        &["~ s[0] = <sensitive> -> <sensitive>", "~ s[1] = <sensitive> -> <sensitive>"],
    );
}

#[test]
fn what_either_state_marks_is_masked() {
    let marked =
        |value: &str| with(one(json!({ "p": value })), "sensitive_attributes", json!([mark(&[json!("p")])]));
    let masked = "~ thing.a\n    ~ p = <sensitive> -> <sensitive>\nresources: 1 changed\n";
    instance_differs(marked("s3cr3t"), marked("other"), masked);
    instance_differs(one(json!({ "p": "s3cr3t" })), marked("other"), masked);
    instance_differs(marked("s3cr3t"), one(json!({ "p": "other" })), masked);
    let below = |value: Value| {
        let path = json!([mark(&[json!("input"), json!("password")])]);
        let wrapped =
            json!({ "value": value, "type": ["object", { "password": "string", "open": "string" }] });
        with(one(json!({ "input": wrapped })), "sensitive_attributes", path)
    };
    instance_differs(
        below(json!({ "password": "s3cr3t", "open": "a" })),
        below(json!({ "password": "other", "open": "b" })),
        "~ thing.a\n    ~ input.value.open = \"a\" -> \"b\"\n    ~ input.value.password = <sensitive> -> <sensitive>\n\
         resources: 1 changed\n",
    );
}

#[test]
fn a_mark_reaches_what_looks_like_two_wrappers_in_each_other() {
    let attributes = |secret: &str| {
        let inner = json!({ "value": { "p": secret }, "type": "x" });
        json!({ "input": { "value": inner, "type": "dynamic" } })
    };
    for path in [
        &["input", "p"][..],
        &["input", "value", "p"],
        &["input", "value", "value", "p"],
        &["input"],
        &["input", "value"],
    ] {
        let mark = mark(&path.iter().map(|step| json!(step)).collect::<Vec<_>>());
        let of = |secret| with(one(attributes(secret)), "sensitive_attributes", json!([mark]));
        instance_differs(
            of("s3cr3t"),
            of("other"),
            "~ thing.a\n    ~ input.value.value.p = <sensitive> -> <sensitive>\nresources: 1 changed\n",
        );
    }
}

#[test]
fn marks_of_elements_and_keys_are_understood() {
    let index = json!([
        { "type": "get_attr", "value": "list" },
        { "type": "index", "value": { "value": 1, "type": "number" } },
    ]);
    let key = json!([
        { "type": "get_attr", "value": "map" },
        { "type": "index", "value": { "value": "k", "type": "string" } },
    ]);
    let of = |text: &str| {
        let attributes = json!({ "list": [text, text], "map": { "k": text, "l": text } });
        with(one(attributes), "sensitive_attributes", json!([index, key]))
    };
    instance_differs(
        of("a"),
        of("b"),
        "~ thing.a\n    ~ list[0] = \"a\" -> \"b\"\n    ~ list[1] = <sensitive> -> <sensitive>\n    \
         ~ map.k = <sensitive> -> <sensitive>\n    ~ map.l = \"a\" -> \"b\"\nresources: 1 changed\n",
    );
}

#[test]
fn sensitive_values_are_shown_to_those_who_ask() {
    let marked =
        |value: &str| with(one(json!({ "p": value })), "sensitive_attributes", json!([mark(&[json!("p")])]));
    let of = |value: &str| state(1, &json!({}), &json!([thing(&json!([marked(value)]))]));
    let diff = StateDiff::between(&of("one"), &of("two"), Sensitive::Shown).unwrap();
    assert_eq!(diff.to_text(false), "~ thing.a\n    ~ p = \"one\" -> \"two\"\nresources: 1 changed\n");
    let masked = StateDiff::between(&of("one"), &of("two"), Sensitive::Masked).unwrap();
    assert!(!masked.to_json().contains("two") && masked.to_json().contains("\"sensitive\":true"));
    assert!(!format!("{masked:?}").contains("two"));
}

#[test]
fn outputs_are_told_by_name() {
    let text = |value: &str| json!({ "o": { "value": value, "type": "string" } });
    outputs_differ(&json!({}), &text("a"), "outputs:\n  + o = \"a\"\noutputs: 1 added\n");
    outputs_differ(&text("a"), &json!({}), "outputs:\n  - o = \"a\"\noutputs: 1 removed\n");
    outputs_differ(&text("a"), &text("b"), "outputs:\n  ~ o = \"a\" -> \"b\"\noutputs: 1 changed\n");
    outputs_differ(&text("a"), &text("a"), "");
    let secret = |value: &str| json!({ "o": { "value": value, "type": "string", "sensitive": true } });
    let masked = "outputs:\n  ~ o = <sensitive> -> <sensitive>\noutputs: 1 changed\n";
    outputs_differ(&secret("a"), &secret("b"), masked);
    outputs_differ(&text("a"), &secret("b"), masked);
    outputs_differ(&secret("a"), &text("b"), masked);
    let only_mark = "outputs:\n  ~ o = <sensitive> (type or mark changed)\noutputs: 1 changed\n";
    outputs_differ(&text("a"), &secret("a"), only_mark);
    let set = |value: Value| json!({ "o": { "value": value, "type": ["set", "string"] } });
    outputs_differ(&set(json!(["a", "b"])), &set(json!(["b", "a"])), "");
    let list = json!({ "o": { "value": ["a", "b"], "type": ["list", "string"] } });
    outputs_differ(
        &set(json!(["a", "b"])),
        &list,
        "outputs:\n  ~ o = [\"a\",\"b\"] (type or mark changed)\noutputs: 1 changed\n",
    );
    let number = |text: &str| {
        let state =
            String::from_utf8(state(1, &json!({ "o": { "value": 0, "type": "number" } }), &json!([])));
        state.unwrap().replace("\"value\": 0", &format!("\"value\": {text}")).into_bytes()
    };
    assert!(StateDiff::between(&number("1e2"), &number("100"), Sensitive::Masked).unwrap().is_empty());
}

#[test]
fn headers_tell_where_the_states_stand() {
    let of = |serial| state(serial, &json!({}), &json!([]));
    let text = |before: &[u8], after: &[u8]| {
        StateDiff::between(before, after, Sensitive::Masked).unwrap().to_text(false)
    };
    assert_eq!(text(&of(4), &of(6)), "serial 4 -> 6\n");
    assert_eq!(text(b"", &of(6)), "no state -> serial 6\n");
    assert_eq!(text(&of(4), b""), "serial 4 -> no state\n");
    assert_eq!(text(b"", b""), "");
    let foreign = String::from_utf8(of(4)).unwrap().replace("\"l\"", "\"other\"");
    assert_eq!(text(&of(4), foreign.as_bytes()), "lineage l -> other: these are unrelated states\n");
}

#[test]
fn long_values_are_cut_and_colours_are_asked_for() {
    let of = |text: String| state(1, &json!({}), &json!([thing(&json!([one(json!({ "a": text }))]))]));
    let diff = StateDiff::between(&of("x".repeat(200)), &of("y".into()), Sensitive::Masked).unwrap();
    let plain = diff.to_text(false);
    assert!(plain.contains("… (202 characters) -> \"y\"") && !plain.contains('\u{1b}'), "{plain}");
    assert!(diff.to_text(true).contains("\u{1b}[33m"));
    assert!(diff.to_json().contains(&"x".repeat(200)));
}

/// A property of generated states: no secret of either ever appears, in whatever shape it is marked.
#[test]
fn secrets_of_generated_states_never_appear() {
    for seed in 0..400_u64 {
        let (before, after) = (generated(seed, "s3cr3t-one"), generated(seed, "s3cr3t-two"));
        let diff = StateDiff::between(&before, &after, Sensitive::Masked).unwrap();
        assert!(!diff.is_empty(), "seed {seed}");
        for said in [diff.to_text(true), diff.to_json(), format!("{diff:?}")] {
            assert!(!said.contains("s3cr3t"), "seed {seed}: {said}");
        }
    }
}

/// A state whose secret stands at a random depth below wrappers, lists and maps, and is marked at or above it.
fn generated(seed: u64, secret: &str) -> Vec<u8> {
    let mut seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut pick = |choices: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % choices
    };
    let (mut value, mut path) = (json!(secret), Vec::new());
    for level in 0..=pick(5) {
        match pick(4) {
            0 => {
                value = json!([0, value]);
                path.insert(0, json!({ "type": "index", "value": { "value": 1, "type": "number" } }));
            }
            1 => value = json!({ "value": value, "type": "dynamic" }),
            2 => {
                let key = format!("k {level}");
                value = json!({ key.clone(): value, "other": level });
                path.insert(0, json!({ "type": "index", "value": { "value": key, "type": "string" } }));
            }
            _ => {
                value = json!({ "member": value, "value": 1 });
                path.insert(0, json!({ "type": "get_attr", "value": "member" }));
            }
        }
    }
    path.insert(0, json!({ "type": "get_attr", "value": "top" }));
    path.truncate(1 + usize::try_from(pick(6)).unwrap());
    let marked = with(one(json!({ "top": value, "id": "1" })), "sensitive_attributes", json!([path]));
    let output = json!({ "o": { "value": secret, "type": "string", "sensitive": true } });
    state(seed % 7, &output, &json!([thing(&json!([marked]))]))
}
