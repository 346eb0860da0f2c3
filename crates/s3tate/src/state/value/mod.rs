//! Output values.

mod decode;
mod set;

use std::collections::BTreeMap;
use std::fmt;

use super::json::{Raw, push_quoted, top_level};
use super::number::Number;
use super::typing::Type;

pub(super) use decode::decode;

/// A value; its [`Type`](super::Type) says which of the types with this shape is meant.
///
/// Printing it with [`fmt::Debug`] shows only its shape, since values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Null, of any type.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text in Unicode normal form C.
    String(String),
    /// A list or tuple, or a set in Terraform's order without duplicates.
    Sequence(Vec<Value>),
    /// A map or object; an object has all attributes of its type.
    Mapping(BTreeMap<String, Value>),
}

impl Value {
    /// Reads the JSON form of a value of a type; the type returned has no `dynamic` left where the value tells better.
    ///
    /// # Errors
    /// In a few words, what doesn't fit.
    pub fn from_json(ty: &Type, text: &[u8]) -> Result<(Type, Self), String> {
        // The document's syntax is checked before it is walked.
        top_level(text).map_err(|error| error.to_string())?;
        decode(ty, Raw::checked(text))
    }

    /// The value as compact JSON, numbers and escapes as Terraform writes them.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// Appends the compact JSON form.
    pub(super) fn push_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::String(text) => push_quoted(out, text),
            Self::Sequence(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    element.push_json(out);
                }
                out.push(']');
            }
            Self::Mapping(entries) => {
                out.push('{');
                for (at, (name, value)) in entries.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    push_quoted(out, name);
                    out.push(':');
                    value.push_json(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool(..)"),
            Self::Number(_) => f.write_str("Number(..)"),
            Self::String(_) => f.write_str("String(..)"),
            Self::Sequence(elements) => write!(f, "Sequence({} elements)", elements.len()),
            Self::Mapping(entries) => write!(f, "Mapping({} entries)", entries.len()),
        }
    }
}
