//! Root outputs of the formats before 4.
//!
//! The declared type of an output is ignored, its value decides: equal elements make a list, equal entries a map.

use std::collections::BTreeMap;

use super::document::Document;
use crate::state::json::{Kind, Raw};
use crate::state::{Number, Output, Outputs, StateError, Type, Value};

/// The outputs of the root module; of two with the same name the later.
///
/// # Errors
/// [`StateError::OutputValue`]: a number is none.
pub(super) fn root(document: &Document<'_>) -> Result<Outputs, StateError> {
    let mut found = Vec::new();
    for module in document.modules.iter().filter(|module| module.path.is_empty()) {
        for (name, output) in &module.outputs {
            let implied = output.value.map_or(Some((Type::Dynamic, Value::Null)), implied);
            let (ty, value) = implied.ok_or_else(|| StateError::OutputValue {
                name: name.to_string(),
                reason: "a number is out of range".to_owned(),
            })?;
            let output = Output { sensitive: output.sensitive, ty: simplified(ty), value };
            found.push((name.to_string(), output));
        }
    }
    Ok(found.into_iter().collect())
}

/// The value with its own type: arrays are tuples, objects are objects.
fn implied(raw: Raw<'_>) -> Option<(Type, Value)> {
    Some(match raw.kind() {
        Kind::Null => (Type::Dynamic, Value::Null),
        Kind::Bool => (Type::Bool, Value::Bool(raw.bool()?)),
        Kind::Number => (Type::Number, Value::Number(rounded(raw.number()?)?)),
        Kind::String => (Type::String, Value::String(raw.text()?.into_owned())),
        Kind::Array => {
            let elements: Option<Vec<_>> = raw.elements()?.map(implied).collect();
            let (types, values) = elements?.into_iter().unzip();
            (Type::Tuple(types), Value::Sequence(values))
        }
        Kind::Object => {
            let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
            for (name, raw) in raw.members()? {
                let (ty, value) = implied(raw)?;
                types.insert(name.to_string(), ty);
                values.insert(name.into_owned(), value);
            }
            (Type::Object(types), Value::Mapping(values))
        }
    })
}

/// Numbers go through 64-bit floats, as they did in those versions.
fn rounded(text: &str) -> Option<Number> {
    let float: f64 = text.parse().ok().filter(|float: &f64| float.is_finite())?;
    Number::parse(&float.to_string())
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
