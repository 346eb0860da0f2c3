//! Decoding JSON by its type, as leniently as Terraform does.

use std::collections::BTreeMap;

use super::{Value, set};
use crate::state::json::{Kind, Raw};
use crate::state::number::Number;
use crate::state::typing::{MAX_DEPTH, Type, composed};

/// Decodes `raw` as a value of type `ty`; the type returned has no `dynamic` left where the value tells better.
///
/// The error says in a few words what doesn't fit. Source: Terraform 1.11, observed.
pub(in crate::state) fn decode(ty: &Type, raw: Raw<'_>) -> Result<(Type, Value), String> {
    if raw.depth() > MAX_DEPTH {
        return Err("the value is nested too deeply".to_owned());
    }
    open(ty, raw)
}

/// Decodes a value whose type may have dynamic parts.
fn open(ty: &Type, raw: Raw<'_>) -> Result<(Type, Value), String> {
    if !ty.has_dynamic() {
        return Ok((ty.clone(), fixed(ty, raw)?));
    }
    if raw.kind() == Kind::Null {
        return Ok((ty.clone(), Value::Null));
    }
    match ty {
        Type::Dynamic => wrapped(raw),
        Type::List(element) => {
            let (element, values) = alike(element, elements(raw)?)?;
            Ok((Type::List(Box::new(element)), Value::Sequence(values)))
        }
        Type::Set(element) => {
            let (element, values) = alike(element, elements(raw)?)?;
            let values = set::ordered(&element, values);
            Ok((Type::Set(Box::new(element)), Value::Sequence(values)))
        }
        Type::Map(element) => {
            let (names, raws): (Vec<_>, Vec<_>) = map_entries(raw)?.into_iter().unzip();
            let (element, values) = alike(element, raws.into_iter())?;
            Ok((Type::Map(Box::new(element)), Value::Mapping(names.into_iter().zip(values).collect())))
        }
        Type::Tuple(types) => {
            let decoded = tuple(types, raw, open)?;
            let (types, values) = decoded.into_iter().unzip();
            Ok((Type::Tuple(types), Value::Sequence(values)))
        }
        Type::Object(types) => {
            let mut refined = types.clone();
            let mut values = BTreeMap::new();
            for (name, (ty, value)) in object(types, raw, open)? {
                refined.insert(name.clone(), ty);
                values.insert(name, value);
            }
            Ok((Type::Object(refined), with_missing(types, values)))
        }
        Type::String | Type::Number | Type::Bool => Ok((ty.clone(), fixed(ty, raw)?)),
    }
}

/// Decodes a value whose type is fully known.
fn fixed(ty: &Type, raw: Raw<'_>) -> Result<Value, String> {
    if raw.kind() == Kind::Null {
        return Ok(Value::Null);
    }
    match ty {
        Type::String => string(raw),
        Type::Number => number(raw),
        Type::Bool => bool(raw),
        Type::Dynamic => Ok(wrapped(raw)?.1),
        Type::List(element) => {
            Ok(Value::Sequence(elements(raw)?.map(|raw| fixed(element, raw)).collect::<Result<_, _>>()?))
        }
        Type::Set(element) => {
            let values = elements(raw)?.map(|raw| fixed(element, raw)).collect::<Result<_, _>>()?;
            Ok(Value::Sequence(set::ordered(element, values)))
        }
        Type::Map(element) => {
            let entries = map_entries(raw)?.into_iter();
            let decoded = entries.map(|(name, raw)| Ok((name, fixed(element, raw)?)));
            Ok(Value::Mapping(decoded.collect::<Result<_, String>>()?))
        }
        Type::Tuple(types) => Ok(Value::Sequence(tuple(types, raw, fixed)?)),
        Type::Object(types) => Ok(with_missing(types, object(types, raw, fixed)?)),
    }
}

fn string(raw: Raw<'_>) -> Result<Value, String> {
    match raw.kind() {
        Kind::String => Ok(Value::String(composed(&raw.text().unwrap_or_default()))),
        Kind::Number | Kind::Bool => Ok(Value::String(String::from_utf8_lossy(raw.as_bytes()).into_owned())),
        _ => Err("string is required".to_owned()),
    }
}

fn number(raw: Raw<'_>) -> Result<Value, String> {
    let text = raw.text().or_else(|| raw.number().map(Into::into)).ok_or("number is required")?;
    Number::parse(&text).map(Value::Number).ok_or_else(|| "a number is required".to_owned())
}

fn bool(raw: Raw<'_>) -> Result<Value, String> {
    if let Some(truth) = raw.bool() {
        return Ok(Value::Bool(truth));
    }
    match raw.text().as_deref() {
        Some("true" | "1") => Ok(Value::Bool(true)),
        Some("false" | "0") => Ok(Value::Bool(false)),
        Some(_) => Err("a bool is required".to_owned()),
        None => Err("bool is required".to_owned()),
    }
}

/// Decodes the form `{"value": V, "type": T}` in which a value brings its own type along.
fn wrapped(raw: Raw<'_>) -> Result<(Type, Value), String> {
    let (mut ty, mut value) = (None, None);
    for (name, part) in raw.members().ok_or("missing expected {")? {
        match &*name {
            "type" => ty = Some(Type::parse(part)?),
            "value" => value = Some(part),
            _ => return Err(format!("invalid key {name:?} in dynamically-typed value")),
        }
    }
    let ty = ty.ok_or("missing type in dynamically-typed value")?;
    open(&ty, value.ok_or("missing value in dynamically-typed value")?)
}

fn elements(raw: Raw<'_>) -> Result<impl Iterator<Item = Raw<'_>>, String> {
    raw.elements().ok_or_else(|| "missing expected [".to_owned())
}

/// Decodes the elements of a collection, which must turn out to have one type.
fn alike<'a>(ty: &Type, raws: impl Iterator<Item = Raw<'a>>) -> Result<(Type, Vec<Value>), String> {
    let mut common = Type::Dynamic;
    let mut values = Vec::new();
    for raw in raws {
        let (ty, value) = open(ty, raw)?;
        if common == Type::Dynamic {
            common = ty;
        } else if ty != Type::Dynamic && ty != common {
            return Err("all elements of a collection must have the same type".to_owned());
        }
        values.push(value);
    }
    Ok((if values.is_empty() { ty.clone() } else { common }, values))
}

/// The entries of a map, the last of equal names; the order is that of the names.
fn map_entries(raw: Raw<'_>) -> Result<BTreeMap<String, Raw<'_>>, String> {
    Ok(raw.members().ok_or("missing expected {")?.map(|(name, raw)| (composed(&name), raw)).collect())
}

fn tuple<'a, T>(
    types: &[Type],
    raw: Raw<'a>,
    decode: impl Fn(&Type, Raw<'a>) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let raws: Vec<_> = elements(raw)?.collect();
    if raws.len() > types.len() {
        return Err(format!("too many tuple elements (need {})", types.len()));
    }
    if raws.len() < types.len() {
        return Err(format!("too few tuple elements (need {})", types.len()));
    }
    types.iter().zip(raws).map(|(ty, raw)| decode(ty, raw)).collect()
}

/// Decodes the attributes that are there; a name is looked up as it is spelled, not composed first.
fn object<'a, T>(
    types: &BTreeMap<String, Type>,
    raw: Raw<'a>,
    decode: impl Fn(&Type, Raw<'a>) -> Result<T, String>,
) -> Result<BTreeMap<String, T>, String> {
    let members = raw.members().ok_or("missing expected {")?;
    let decoded = members.map(|(name, raw)| {
        let ty = types.get(&*name).ok_or_else(|| format!("unsupported attribute {name:?}"))?;
        Ok((name.into_owned(), decode(ty, raw)?))
    });
    decoded.collect()
}

/// Adds the attributes that the document leaves out, as nulls.
fn with_missing(types: &BTreeMap<String, Type>, mut values: BTreeMap<String, Value>) -> Value {
    for name in types.keys() {
        if !values.contains_key(name) {
            values.insert(name.clone(), Value::Null);
        }
    }
    Value::Mapping(values)
}
