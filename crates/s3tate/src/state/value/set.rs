//! The order in which Terraform keeps the elements of a set.

use std::cmp::Ordering;

use super::Value;
use crate::state::quote::push_go_quoted;
use crate::state::typing::Type;

/// Orders the elements of a set as Terraform does and drops duplicates.
///
/// Primitive elements are ordered by value, nulls last, and others by their [`fingerprint`]; those that compare equal
/// stay in the order given. Source: Terraform 1.11, observed.
pub(super) fn ordered(ty: &Type, mut elements: Vec<Value>) -> Vec<Value> {
    if matches!(ty, Type::String | Type::Number | Type::Bool) {
        elements.sort_by(by_value);
        drop_duplicates(elements, |a, b| by_value(a, b) == Ordering::Equal)
    } else {
        let mut keyed: Vec<_> = elements.into_iter().map(|value| (fingerprint(ty, &value), value)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        let distinct = drop_duplicates(keyed, |a, b| a.0 == b.0);
        distinct.into_iter().map(|(_, value)| value).collect()
    }
}

/// Drops elements that equal an earlier one; only neighbours in the same `group` are looked at.
fn drop_duplicates<T: PartialEq>(sorted: Vec<T>, group: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::with_capacity(sorted.len());
    for element in sorted {
        let peers = distinct.iter().rev().take_while(|earlier| group(earlier, &element));
        if !peers.into_iter().any(|earlier| *earlier == element) {
            distinct.push(element);
        }
    }
    distinct
}

fn by_value(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.compare(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        _ => Ordering::Equal,
    }
}

/// The text by which elements that aren't primitive are ordered.
fn fingerprint(ty: &Type, value: &Value) -> String {
    let mut out = String::new();
    push_fingerprint(&mut out, ty, value);
    out
}

fn push_fingerprint(out: &mut String, ty: &Type, value: &Value) {
    match (ty, value) {
        (_, Value::Null) => out.push('~'),
        (_, Value::Bool(truth)) => out.push(if *truth { 'T' } else { 'F' }),
        (_, Value::Number(number)) => out.push_str(&number.general()),
        (_, Value::String(text)) => push_go_quoted(out, text),
        (Type::Tuple(types), Value::Sequence(elements)) => {
            push_record(out, types.iter().zip(elements));
        }
        (Type::Object(types), Value::Mapping(entries)) => {
            push_record(out, types.iter().filter_map(|(name, ty)| Some((ty, entries.get(name)?))));
        }
        (Type::List(ty) | Type::Set(ty), Value::Sequence(elements)) => {
            out.push('[');
            for element in elements {
                push_fingerprint(out, ty, element);
                out.push(';');
            }
            out.push(']');
        }
        (Type::Map(ty), Value::Mapping(entries)) => {
            out.push('{');
            for (name, value) in entries {
                push_go_quoted(out, name);
                out.push(':');
                push_fingerprint(out, ty, value);
                out.push(';');
            }
            out.push('}');
        }
        _ => {}
    }
}

fn push_record<'a>(out: &mut String, parts: impl Iterator<Item = (&'a Type, &'a Value)>) {
    out.push('<');
    for (ty, value) in parts {
        push_fingerprint(out, ty, value);
        out.push(';');
    }
    out.push('>');
}
