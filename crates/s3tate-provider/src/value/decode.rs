//! Reading what the client sends.

use std::collections::BTreeMap;

use rmpv::ValueRef;
use s3tate::state::{Number, Type, Value as Stored};

use super::Value;

/// Reads msgpack.
pub(super) fn msgpack(ty: &Type, mut bytes: &[u8]) -> Result<Value, String> {
    let raw = rmpv::decode::read_value_ref(&mut bytes).map_err(|error| format!("no msgpack: {error}"))?;
    if bytes.is_empty() { value(ty, &raw) } else { Err("there are bytes behind the value".to_owned()) }
}

/// Reads JSON, which clients are free to send instead.
pub(super) fn json(ty: &Type, bytes: &[u8]) -> Result<Value, String> {
    let (found, stored) = Stored::from_json(ty, bytes)?;
    Ok(with_types(ty, &found, stored))
}

fn value(ty: &Type, raw: &ValueRef<'_>) -> Result<Value, String> {
    match (ty, raw) {
        // Whatever is told of it, refined or not: it is unknown.
        (_, ValueRef::Ext(..)) => Ok(Value::Unknown),
        (_, ValueRef::Nil) => Ok(Value::Null),
        (Type::Dynamic, ValueRef::Array(parts)) => dynamic(parts),
        (Type::Bool, ValueRef::Boolean(truth)) => Ok(Value::Bool(*truth)),
        (Type::String, raw) => text(raw).map(|text| Value::String(text.to_owned())),
        (Type::Number, raw) => number(raw),
        (Type::List(element) | Type::Set(element), ValueRef::Array(items)) => {
            items.iter().map(|item| value(element, item)).collect::<Result<_, _>>().map(Value::Sequence)
        }
        (Type::Tuple(types), ValueRef::Array(items)) if types.len() == items.len() => {
            let elements = types.iter().zip(items).map(|(ty, item)| value(ty, item));
            elements.collect::<Result<_, _>>().map(Value::Sequence)
        }
        (Type::Map(element), ValueRef::Map(entries)) => {
            let members =
                entries.iter().map(|(name, item)| Ok((text(name)?.to_owned(), value(element, item)?)));
            members.collect::<Result<_, String>>().map(Value::Mapping)
        }
        (Type::Object(types), ValueRef::Map(entries)) => object(types, entries),
        (ty, _) => Err(format!("{ty} is required")),
    }
}

fn dynamic(parts: &[ValueRef<'_>]) -> Result<Value, String> {
    let [ty, raw] = parts else { return Err("a type and a value are required".to_owned()) };
    let ty = match ty {
        ValueRef::Binary(json) => Type::from_json(json)?,
        ty => Type::from_json(text(ty)?.as_bytes())?,
    };
    Ok(Value::dynamic(ty.clone(), value(&ty, raw)?))
}

fn object(types: &BTreeMap<String, Type>, entries: &[(ValueRef<'_>, ValueRef<'_>)]) -> Result<Value, String> {
    let mut members: BTreeMap<_, _> = types.keys().map(|name| (name.clone(), Value::Null)).collect();
    for (name, item) in entries {
        let name = text(name)?;
        let ty = types.get(name).ok_or_else(|| format!("unsupported attribute `{name}`"))?;
        members.insert(name.to_owned(), value(ty, item).map_err(|why| format!("`{name}`: {why}"))?);
    }
    Ok(Value::Mapping(members))
}

fn text<'a>(raw: &'a ValueRef<'_>) -> Result<&'a str, String> {
    let text = match raw {
        ValueRef::String(text) => text.as_str(),
        ValueRef::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    text.ok_or_else(|| "string is required".to_owned())
}

fn number(raw: &ValueRef<'_>) -> Result<Value, String> {
    let text = match raw {
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::F32(float) => decimal(f64::from(*float)),
        ValueRef::F64(float) => decimal(*float),
        raw => text(raw).map_err(|_| "number is required")?.to_owned(),
    };
    Number::parse(&text).map(Value::Number).ok_or_else(|| "number is required".to_owned())
}

/// All the digits that a binary fraction has.
fn decimal(float: f64) -> String {
    /// No fraction of a double has more.
    const PLACES: usize = 1074;
    format!("{float:.PLACES$}")
}

/// Puts the type of a value beside it wherever the declared one leaves it open.
fn with_types(declared: &Type, found: &Type, stored: Stored) -> Value {
    match (declared, found, stored) {
        (_, _, Stored::Null) => Value::Null,
        (Type::Dynamic, found, stored) => Value::dynamic(found.clone(), with_types(found, found, stored)),
        (
            Type::List(declared) | Type::Set(declared),
            Type::List(found) | Type::Set(found),
            Stored::Sequence(items),
        ) => Value::Sequence(items.into_iter().map(|item| with_types(declared, found, item)).collect()),
        (Type::Tuple(declared), Type::Tuple(found), Stored::Sequence(items)) => {
            let types = declared.iter().zip(found);
            let elements = items.into_iter().zip(types);
            Value::Sequence(
                elements.map(|(item, (declared, found))| with_types(declared, found, item)).collect(),
            )
        }
        (Type::Map(declared), Type::Map(found), Stored::Mapping(members)) => {
            let member = |(name, item)| (name, with_types(declared, found, item));
            Value::Mapping(members.into_iter().map(member).collect())
        }
        (Type::Object(declared), Type::Object(found), Stored::Mapping(members)) => {
            let ty = |types: &'_ std::collections::BTreeMap<String, Type>, name: &str| {
                types.get(name).cloned().unwrap_or(Type::Dynamic)
            };
            let member = |(name, item): (String, Stored)| {
                let value = with_types(&ty(declared, &name), &ty(found, &name), item);
                (name, value)
            };
            Value::Mapping(members.into_iter().map(member).collect())
        }
        (_, _, stored) => stored.into(),
    }
}
