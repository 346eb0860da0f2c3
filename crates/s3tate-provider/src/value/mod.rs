//! Values as they cross the protocol: msgpack by a schema's types.
//!
//! Source: the value encoding of Terraform's plugin protocol, observed with 1.11.4.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use s3tate::state::{Number, Output, Type, Value as Stored};

use crate::proto::tfplugin6::DynamicValue;

/// A value; unlike one of a state it may be unknown, and what has no declared type brings its own along.
///
/// Printing it with [`fmt::Debug`] shows only its shape, since values may be secrets.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    /// Null, of any type.
    Null,
    /// To be known later, whatever is known of it already.
    Unknown,
    Bool(bool),
    Number(Number),
    String(String),
    /// A list, set or tuple.
    Sequence(Vec<Value>),
    /// A map or object.
    Mapping(BTreeMap<String, Value>),
    /// What stands where any type may: its type, and a value that is not null.
    Dynamic(Box<(Type, Value)>),
}

impl Value {
    /// The value with its type, where any type may stand.
    pub(crate) fn dynamic(ty: Type, value: Self) -> Self {
        match value {
            Self::Null => Self::Null,
            value => Self::Dynamic(Box::new((ty, value))),
        }
    }

    /// A text, or null where there is none.
    pub(crate) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Null, |text| Self::String(text.into()))
    }

    /// Without the type that it brings along.
    pub(crate) fn inner(&self) -> &Self {
        match self {
            Self::Dynamic(typed) => typed.1.inner(),
            value => value,
        }
    }

    /// Whether it, or anything in it, is to be known later.
    pub(crate) fn has_unknown(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => false,
            Self::Sequence(elements) => elements.iter().any(Self::has_unknown),
            Self::Mapping(members) => members.values().any(Self::has_unknown),
            Self::Dynamic(typed) => typed.1.has_unknown(),
        }
    }

    /// Reads a value of this type. One that is encoded in neither way is null.
    ///
    /// # Errors
    /// In a few words, what doesn't fit.
    pub(crate) fn decode(ty: &Type, encoded: Option<&DynamicValue>) -> Result<Self, String> {
        match encoded {
            Some(encoded) if !encoded.msgpack.is_empty() => decode::msgpack(ty, &encoded.msgpack),
            Some(encoded) if !encoded.json.is_empty() => decode::json(ty, &encoded.json),
            _ => Ok(Self::Null),
        }
    }

    /// Encodes it as a value of this type.
    ///
    /// # Errors
    /// In a few words, what doesn't fit; the client would crash or reject it.
    pub(crate) fn encode(&self, ty: &Type) -> Result<DynamicValue, String> {
        let mut msgpack = Vec::new();
        encode::push(&mut msgpack, ty, self)?;
        Ok(DynamicValue { msgpack, json: Vec::new() })
    }
}

impl From<Stored> for Value {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Null => Self::Null,
            Stored::Bool(truth) => Self::Bool(truth),
            Stored::Number(number) => Self::Number(number),
            Stored::String(text) => Self::String(text),
            Stored::Sequence(elements) => Self::Sequence(elements.into_iter().map(Self::from).collect()),
            Stored::Mapping(members) => {
                Self::Mapping(members.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

/// An object of these outputs, each with its type, where any type may stand.
pub(crate) fn object_of(outputs: impl IntoIterator<Item = (String, (Type, Value))>) -> Value {
    let (mut types, mut members) = (BTreeMap::new(), BTreeMap::new());
    for (name, (ty, value)) in outputs {
        types.insert(name.clone(), ty);
        members.insert(name, value);
    }
    Value::dynamic(Type::Object(types), Value::Mapping(members))
}

/// The type and value of an output.
pub(crate) fn typed(output: Output) -> (Type, Value) {
    (output.ty, output.value.into())
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Unknown => f.write_str("Unknown"),
            Self::Bool(_) => f.write_str("Bool(..)"),
            Self::Number(_) => f.write_str("Number(..)"),
            Self::String(_) => f.write_str("String(..)"),
            Self::Sequence(elements) => write!(f, "Sequence({} elements)", elements.len()),
            Self::Mapping(members) => write!(f, "Mapping({} members)", members.len()),
            Self::Dynamic(typed) => write!(f, "Dynamic({}, {:?})", typed.0, typed.1),
        }
    }
}
