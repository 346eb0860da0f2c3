//! Literal values of backend attributes, and their conversion to the attribute's type.

use std::collections::BTreeMap;

use super::attributes::{Attribute, Kind, nearest};

/// A literal value as it stands in a block, an option or the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Unset.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, in its shortest decimal form.
    Number(String),
    /// A text.
    String(String),
    /// A list or set.
    List(Vec<Value>),
    /// An object or map, sorted by name.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Whether nothing is set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, where the value is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The member `name`, where the value is an object that has it.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => members.get(name).filter(|value| !value.is_null()),
            _ => None,
        }
    }

    fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

/// Converts a value to the type of its attribute, as Terraform does: texts, numbers and bools into each other
/// where they can be read so, lists into sets.
///
/// # Errors
/// What is needed and what was given, as text for a message.
pub fn convert(value: Value, kind: Kind) -> Result<Value, String> {
    match (kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (Kind::String, value) => convert_text(value),
        (Kind::Bool, value) => convert_bool(value),
        (Kind::Number, value) => convert_number(value),
        (Kind::StringSet, Value::List(items)) => convert_set(items),
        (Kind::StringMap, Value::Map(members)) => convert_map(members),
        (Kind::Object(schema), Value::Map(members)) => convert_object(members, schema),
        (Kind::StringSet, other) => Err(format!("set of string required, {} given", other.describe())),
        (Kind::StringMap, other) => Err(format!("map of string required, {} given", other.describe())),
        (Kind::Object(_), other) => Err(format!("object required, {} given", other.describe())),
    }
}

fn convert_text(value: Value) -> Result<Value, String> {
    match value {
        Value::String(text) | Value::Number(text) => Ok(Value::String(text)),
        Value::Bool(flag) => Ok(Value::String(flag.to_string())),
        other => Err(format!("string required, {} given", other.describe())),
    }
}

fn convert_bool(value: Value) -> Result<Value, String> {
    match value {
        Value::Bool(flag) => Ok(Value::Bool(flag)),
        Value::String(text) if text == "true" || text == "1" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" || text == "0" => Ok(Value::Bool(false)),
        other => Err(format!("bool required, {} given", other.describe())),
    }
}

fn convert_number(value: Value) -> Result<Value, String> {
    match value {
        Value::Number(number) => Ok(Value::Number(number)),
        Value::String(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(Value::Number(text)),
        other => Err(format!("number required, {} given", other.describe())),
    }
}

fn convert_set(items: Vec<Value>) -> Result<Value, String> {
    let mut texts = items.into_iter().map(convert_text).collect::<Result<Vec<_>, _>>()?;
    texts.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    texts.dedup();
    Ok(Value::List(texts))
}

fn convert_map(members: BTreeMap<String, Value>) -> Result<Value, String> {
    let converted = members.into_iter().map(|(name, value)| Ok((name, convert(value, Kind::String)?)));
    converted.collect::<Result<_, String>>().map(Value::Map)
}

fn convert_object(members: BTreeMap<String, Value>, schema: &'static [Attribute]) -> Result<Value, String> {
    let mut converted: BTreeMap<_, _> =
        schema.iter().map(|member| (member.name.to_owned(), Value::Null)).collect();
    for (name, value) in members {
        let Some(member) = schema.iter().find(|member| member.name == name) else {
            return Err(unknown_member(&name, schema));
        };
        let value = convert(value, member.kind).map_err(|why| format!("member `{name}`: {why}"))?;
        converted.insert(name, value);
    }
    Ok(Value::Map(converted))
}

fn unknown_member(name: &str, schema: &'static [Attribute]) -> String {
    match nearest(name, schema) {
        Some(near) => format!("unknown member `{name}`, did you mean `{near}`?"),
        None => format!("unknown member `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::attributes::attribute;

    #[test]
    fn texts_become_bools_and_numbers() {
        assert_eq!(convert(Value::String("true".into()), Kind::Bool), Ok(Value::Bool(true)));
        assert_eq!(convert(Value::String("7".into()), Kind::Number), Ok(Value::Number("7".into())));
        assert!(convert(Value::String("yes".into()), Kind::Bool).is_err());
        assert!(convert(Value::String("nan".into()), Kind::Number).is_err());
    }

    #[test]
    fn objects_get_all_members_and_refuse_unknown_ones() {
        let endpoints = attribute("endpoints").unwrap().kind;
        let given = BTreeMap::from([("s3".to_owned(), Value::String("http://h".into()))]);
        let Ok(Value::Map(members)) = convert(Value::Map(given), endpoints) else { panic!("not an object") };
        assert_eq!(members.len(), 5);
        let wrong = BTreeMap::from([("s33".to_owned(), Value::Null)]);
        let message = convert(Value::Map(wrong), endpoints).unwrap_err();
        assert!(message.contains("did you mean `s3`"), "{message}");
    }
}
