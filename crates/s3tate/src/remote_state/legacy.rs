//! Root outputs of the formats before 4, which Terraform up to 0.11 wrote.
//!
//! The declared type of an output is ignored, its value decides: equal elements make a list, equal entries a map.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::state::{Number, Output, Outputs, StateError, Type, Value};

/// Reads the outputs of the root module of a format 1 to 3 document.
///
/// # Errors
/// [`StateError::Syntax`], [`StateError::Field`], [`StateError::OutputValue`].
pub(super) fn outputs(bytes: &[u8]) -> Result<Outputs, StateError> {
    let document: Json =
        serde_json::from_slice(bytes).map_err(|_| StateError::Syntax { offset: bytes.len() as u64 })?;
    let is_first_format = document["version"] == 1;
    let mut found = BTreeMap::new();
    for module in document["modules"].as_array().into_iter().flatten() {
        let is_root = match module["path"].as_array() {
            Some(path) => path.len() == 1 && path[0] == "root",
            None => is_first_format,
        };
        for (name, entry) in module["outputs"].as_object().into_iter().flatten().filter(|_| is_root) {
            found.insert(name.clone(), output(name, entry, is_first_format)?);
        }
    }
    Ok(found.into_iter().collect())
}

fn output(name: &str, entry: &Json, is_first_format: bool) -> Result<Output, StateError> {
    let wrong = |reason: &str| StateError::OutputValue { name: name.to_owned(), reason: reason.to_owned() };
    if is_first_format {
        let text = entry.as_str().ok_or_else(|| wrong("a string is required"))?;
        return Ok(Output { sensitive: false, ty: Type::String, value: Value::String(text.to_owned()) });
    }
    let members = entry.as_object().ok_or_else(|| wrong("an object is required"))?;
    let (ty, value) = implied(members.get("value").unwrap_or(&Json::Null));
    let sensitive = members.get("sensitive").and_then(Json::as_bool).unwrap_or_default();
    Ok(Output { sensitive, ty: simplified(ty), value })
}

/// The value with its own type: arrays are tuples, objects are objects.
fn implied(json: &Json) -> (Type, Value) {
    match json {
        Json::Null => (Type::Dynamic, Value::Null),
        Json::Bool(truth) => (Type::Bool, Value::Bool(*truth)),
        Json::Number(number) => (Type::Number, rounded(number)),
        Json::String(text) => (Type::String, Value::String(text.clone())),
        Json::Array(elements) => {
            let (types, values) = elements.iter().map(implied).unzip();
            (Type::Tuple(types), Value::Sequence(values))
        }
        Json::Object(members) => {
            let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
            for (name, json) in members {
                let (ty, value) = implied(json);
                types.insert(name.clone(), ty);
                values.insert(name.clone(), value);
            }
            (Type::Object(types), Value::Mapping(values))
        }
    }
}

/// Numbers go through 64-bit floats, as they did in those versions.
fn rounded(number: &serde_json::Number) -> Value {
    let text = number.as_f64().map_or_else(|| number.to_string(), |float| float.to_string());
    Number::parse(&text).map_or(Value::Null, Value::Number)
}

/// Tuples of equal types become lists, objects of equal types maps; nothing changes inside one that stays.
fn simplified(ty: Type) -> Type {
    match ty {
        Type::Tuple(types) if are_equal(types.iter()) => types
            .into_iter()
            .next()
            .map_or_else(|| Type::Tuple(Vec::new()), |ty| Type::List(Box::new(simplified(ty)))),
        Type::Object(types) if are_equal(types.values()) => types
            .into_values()
            .next()
            .map_or_else(|| Type::Object(BTreeMap::new()), |ty| Type::Map(Box::new(simplified(ty)))),
        other => other,
    }
}

fn are_equal<'t>(mut types: impl Iterator<Item = &'t Type>) -> bool {
    types.next().is_none_or(|first| types.all(|ty| ty == first))
}
