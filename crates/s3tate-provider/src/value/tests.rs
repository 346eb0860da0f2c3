//! Vectors that Terraform 1.11.4 produced, and what must not leave.

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> =
        hex.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn ty(json: &str) -> Type {
    Type::from_json(json.as_bytes()).unwrap()
}

fn read(json_type: &str, hex: &str) -> Result<Value, String> {
    let encoded = DynamicValue { msgpack: bytes(hex), json: Vec::new() };
    Value::decode(&ty(json_type), Some(&encoded))
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

fn object(members: &[(&str, Value)]) -> Value {
    Value::Mapping(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn list(items: &[Value]) -> Value {
    Value::Sequence(items.to_vec())
}

const STRINGS: &str = r#"["list","string"]"#;

/// Check V1: known vectors are read, and written again to the same bytes.
#[test]
fn known_vectors_are_read_and_written_alike() {
    let pair = object(&[("a", text("x")), ("b", number("1"))]);
    let open = object(&[("a", text("x")), ("n", Value::Null)]);
    let typed = |json: &str, value: Value| Value::dynamic(ty(json), value);
    for (json, hex, value) in [
        (r#""string""#, "a2c3a9", text("é")),
        (r#""string""#, "c0", Value::Null),
        (r#""number""#, "00", number("0")),
        (r#""number""#, "ff", number("-1")),
        (r#""number""#, "ccc8", number("200")),
        (r#""number""#, "cf7fffffffffffffff", number("9223372036854775807")),
        (r#""number""#, "d38000000000000000", number("-9223372036854775808")),
        (r#""number""#, "b339323233333732303336383534373735383038", number("9223372036854775808")),
        (r#""number""#, "cb3ff8000000000000", number("1.5")),
        (r#""number""#, "a3302e31", number("0.1")),
        (r#""number""#, "a9302e30303030303031", number("1e-7")),
        (r#""number""#, "b5313030303030303030303030303030303030303030", number("1e20")),
        (r#""bool""#, "c2", Value::Bool(false)),
        (STRINGS, "92a161a162", list(&[text("a"), text("b")])),
        (STRINGS, "90", list(&[])),
        (r#"["set","number"]"#, "93010203", list(&[number("1"), number("2"), number("3")])),
        (
            r#"["map","bool"]"#,
            "82a161c2a17ac3",
            object(&[("a", Value::Bool(false)), ("z", Value::Bool(true))]),
        ),
        (r#"["object",{"a":"string","b":"number"}]"#, "82a161a178a16201", pair),
        (r#"["tuple",["string","bool"]]"#, "92a178c3", list(&[text("x"), Value::Bool(true)])),
        (r#""dynamic""#, "92c40822737472696e6722a26869", typed(r#""string""#, text("hi"))),
        (r#""dynamic""#, "92c408226e756d6265722207", typed(r#""number""#, number("7"))),
        (r#""dynamic""#, "92c40622626f6f6c22c3", typed(r#""bool""#, Value::Bool(true))),
        (r#""dynamic""#, "c0", Value::Null),
        (
            r#""dynamic""#,
            "92c4275b226f626a656374222c7b2261223a22737472696e67222c226e223a2264796e616d6963227d5d82a161a178a16ec0",
            typed(r#"["object",{"a":"string","n":"dynamic"}]"#, open),
        ),
        (
            r#""dynamic""#,
            "92c41d5b227475706c65222c5b22737472696e67222c226e756d626572225d5d92a17801",
            typed(r#"["tuple",["string","number"]]"#, list(&[text("x"), number("1")])),
        ),
        (
            r#""dynamic""#,
            "92c4115b226c697374222c22737472696e67225d91a178",
            typed(STRINGS, list(&[text("x")])),
        ),
    ] {
        assert!(read(json, hex).as_ref() == Ok(&value), "{json} {hex}");
        let written = value.encode(&ty(json)).unwrap();
        assert_eq!(written.msgpack, bytes(hex), "{json} {hex}");
    }
}

/// Check V1: unknown ones, refined or not.
/// Check V2: whatever the extension and the refinements.
#[test]
fn every_extension_is_an_unknown_value() {
    let dynamic = r#""dynamic""#;
    for (json, hex) in [
        (r#""string""#, "d40000"),
        (r#""string""#, "c7030c8101c2"),
        (r#""string""#, "c7090c8201c202a461726e3a"),
        (r#""string""#, "c7070c8201c24dcd1234"),
        (r#""string""#, "d46300"),
        (dynamic, "d40000"),
    ] {
        assert!(read(json, hex) == Ok(Value::Unknown), "{hex}");
    }
    assert!(read(STRINGS, "91c7030c8101c2") == Ok(list(&[Value::Unknown])));
    let typed = read(dynamic, "92c40822737472696e6722d40000").unwrap();
    assert!(typed.has_unknown() && *typed.inner() == Value::Unknown);
}

/// Check V3: whole numbers that fit are integers, exact fractions are floats, all else is digits.
#[test]
fn numbers_keep_every_digit() {
    let digits = format!("1{}", "0".repeat(400));
    for (given, first, written) in [
        ("-9223372036854775808", 0xd3, None),
        ("9223372036854775807", 0xcf, None),
        ("9223372036854775808", 0xb3, Some("9223372036854775808")),
        ("-9223372036854775809", 0xb4, Some("-9223372036854775809")),
        ("1.5", 0xcb, None),
        ("0.1", 0xa3, Some("0.1")),
        ("1e-7", 0xa9, Some("0.0000001")),
        ("1e400", 0xda, Some(&*digits)),
        ("123456789012345678901234567890.5", 0xd9, Some("123456789012345678901234567890.5")),
    ] {
        let encoded = number(given).encode(&Type::Number).unwrap().msgpack;
        assert_eq!(encoded[0], first, "{given}");
        if let Some(written) = written {
            assert!(encoded.ends_with(written.as_bytes()), "{given}");
        }
        let again = DynamicValue { msgpack: encoded, json: Vec::new() };
        assert!(Value::decode(&Type::Number, Some(&again)) == Ok(number(given)), "{given}");
    }
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut msgpack = Vec::new();
        rmp::encode::write_f64(&mut msgpack, float).unwrap();
        let encoded = DynamicValue { msgpack, json: Vec::new() };
        assert!(
            Value::decode(&Type::Number, Some(&encoded)).is_err(),
            "so that none can be sent on: {float}"
        );
    }
}

/// Check V4: an object has all attributes and no others.
#[test]
fn objects_have_every_attribute_and_no_other() {
    let pair = ty(r#"["object",{"a":"string","b":"number"}]"#);
    let encoded = object(&[("a", text("x"))]).encode(&pair).unwrap();
    assert_eq!(encoded.msgpack, bytes("82a161a178a162c0"));
    assert!(object(&[("c", text("x"))]).encode(&pair).is_err());
    assert!(read(r#"["object",{"a":"string"}]"#, "82a161a178a16201").is_err());
}

/// Check V5: elements without a declared type have one type.
#[test]
fn mixed_elements_are_refused() {
    let open = ty(r#"["list","dynamic"]"#);
    let (one, two) = (Value::dynamic(Type::String, text("x")), Value::dynamic(Type::Number, number("1")));
    assert!(list(&[one.clone(), two]).encode(&open).is_err());
    assert!(list(&[one.clone(), Value::Null, one]).encode(&open).is_ok());
}

/// Check V6: nulls are nil wherever they stand, and an open type within an open type is wrapped again.
#[test]
fn nulls_are_nil_and_open_types_are_wrapped_each_time() {
    assert_eq!(Value::dynamic(Type::String, Value::Null).encode(&Type::Dynamic).unwrap().msgpack, [0xc0]);
    let inner = Value::dynamic(Type::String, text("x"));
    let outer = Value::dynamic(ty(r#"["tuple",["dynamic"]]"#), list(&[inner]));
    let encoded = outer.encode(&Type::Dynamic).unwrap();
    assert_eq!(encoded.msgpack.split(|byte| *byte == 0xc4).count(), 3, "two types");
    assert!(Value::decode(&Type::Dynamic, Some(&encoded)) == Ok(outer));
    assert!(Value::dynamic(Type::Dynamic, text("x")).encode(&Type::Dynamic).is_err(), "no type at all");
}

/// Check V7: JSON alone is read alike, and neither is null.
#[test]
fn json_alone_is_read_alike() {
    let json = |text: &str| DynamicValue { msgpack: Vec::new(), json: text.as_bytes().to_vec() };
    let schema = ty(r#"["object",{"a":"string","d":"dynamic"}]"#);
    let encoded = json(r#"{"a":"x","d":{"type":["list","number"],"value":[1,0.1]}}"#);
    let numbers = list(&[number("1"), number("0.1")]);
    let expected = object(&[("a", text("x")), ("d", Value::dynamic(ty(r#"["list","number"]"#), numbers))]);
    assert!(Value::decode(&schema, Some(&encoded)) == Ok(expected));
    for nothing in [None, Some(DynamicValue::default())] {
        assert!(Value::decode(&schema, nothing.as_ref()) == Ok(Value::Null));
    }
}

/// Check V8: the names of optional attributes are read over.
#[test]
fn optional_attributes_are_attributes() {
    assert_eq!(ty(r#"["object",{"a":"string"},["a"]]"#), ty(r#"["object",{"a":"string"}]"#));
}

#[test]
fn texts_may_come_as_bytes() {
    assert!(read(r#""string""#, "c40161") == Ok(text("a")));
    assert!(read(r#""string""#, "01").is_err() && read(r#""bool""#, "01").is_err());
    assert!(read(r#""string""#, "a161a1").is_err() && read(r#""string""#, "a2").is_err());
}
