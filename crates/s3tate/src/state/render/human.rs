//! Values in the form people read, a subset of Terraform's expression language.

use std::collections::BTreeMap;

use crate::state::quote::push_go_quoted;
use crate::state::{Type, Value};

/// Appends `value`; `indent` is that of the line on which it begins.
pub(super) fn push(out: &mut String, ty: &Type, value: &Value, indent: usize) {
    match (ty, value) {
        (_, Value::Null) => push_null(out, ty),
        (_, Value::Bool(truth)) => out.push_str(if *truth { "true" } else { "false" }),
        (_, Value::Number(number)) => out.push_str(&number.to_string()),
        (_, Value::String(text)) => push_string(out, text, indent),
        (Type::List(ty), Value::Sequence(elements)) => {
            let elements = elements.iter().map(|element| (&**ty, element));
            push_sequence(out, ["tolist([", "])"], elements, indent);
        }
        (Type::Set(ty), Value::Sequence(elements)) => {
            let elements = elements.iter().map(|element| (&**ty, element));
            push_sequence(out, ["toset([", "])"], elements, indent);
        }
        (Type::Tuple(types), Value::Sequence(elements)) => {
            push_sequence(out, ["[", "]"], types.iter().zip(elements), indent);
        }
        (Type::Map(ty), Value::Mapping(entries)) => {
            push_mapping(out, ["tomap({", "})"], entries, |_| ty, indent);
        }
        (Type::Object(types), Value::Mapping(entries)) => {
            push_mapping(out, ["{", "}"], entries, |name| types.get(name).unwrap_or(&Type::Dynamic), indent);
        }
        // A value always has the shape of its type.
        _ => {}
    }
}

fn push_null(out: &mut String, ty: &Type) {
    let text = match ty {
        Type::String => "tostring(null)".to_owned(),
        Type::Number => "tonumber(null)".to_owned(),
        Type::Bool => "tobool(null)".to_owned(),
        Type::List(element) => format!("tolist(null) /* of {element} */"),
        Type::Set(element) => format!("toset(null) /* of {element} */"),
        Type::Map(element) => format!("tomap(null) /* of {element} */"),
        Type::Object(_) | Type::Tuple(_) => format!("null /* {ty} */"),
        Type::Dynamic => "null".to_owned(),
    };
    out.push_str(&text);
}

fn push_sequence<'a>(
    out: &mut String,
    [open, close]: [&str; 2],
    elements: impl ExactSizeIterator<Item = (&'a Type, &'a Value)>,
    indent: usize,
) {
    out.push_str(open);
    if elements.len() > 0 {
        for (ty, element) in elements {
            new_line(out, indent + 2);
            push(out, ty, element, indent + 2);
            out.push(',');
        }
        new_line(out, indent);
    }
    out.push_str(close);
}

fn push_mapping<'a>(
    out: &mut String,
    [open, close]: [&str; 2],
    entries: &'a BTreeMap<String, Value>,
    type_of: impl Fn(&str) -> &'a Type,
    indent: usize,
) {
    out.push_str(open);
    if !entries.is_empty() {
        for (name, value) in entries {
            new_line(out, indent + 2);
            push_string(out, name, indent + 2);
            out.push_str(" = ");
            push(out, type_of(name), value, indent + 2);
        }
        new_line(out, indent);
    }
    out.push_str(close);
}

/// Appends text in quotes, or over several lines if it has any newline.
fn push_string(out: &mut String, text: &str, indent: usize) {
    if !text.contains('\n') {
        return push_go_quoted(out, text);
    }
    let mut delimiter = String::from("EOT");
    while text.split('\n').any(|line| line.trim() == delimiter) {
        delimiter.push('_');
    }
    out.push_str(if indent == 0 { "<<" } else { "<<-" });
    out.push_str(&delimiter);
    for line in text.split('\n').chain([delimiter.as_str()]) {
        new_line(out, indent);
        out.push_str(line);
    }
}

fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}
