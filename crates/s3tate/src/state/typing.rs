//! Types of output values and their JSON form.

use std::collections::BTreeMap;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::json::{Kind, Raw, push_quoted, top_level};

/// Deepest nesting of types and values that is read, so that hostile documents can't exhaust the stack.
pub(super) const MAX_DEPTH: usize = 256;

/// The type of an output value.
///
/// JSON form: `"string"`, `["list", T]`, `["tuple", [T, …]]`, `["object", {"name": T, …}]` and so on.
/// [`fmt::Display`] names it in words, such as `list of string`. Source: format 4 of Terraform's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A decimal number.
    Number,
    /// True or false.
    Bool,
    /// Not known: nulls without a type and the elements of empty collections.
    Dynamic,
    /// A sequence of one element type.
    List(Box<Type>),
    /// Distinct elements of one type, in Terraform's order.
    Set(Box<Type>),
    /// Values of one type by name.
    Map(Box<Type>),
    /// A sequence with a type for each element.
    Tuple(Vec<Type>),
    /// Values by name with a type for each.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// In a few words, what is wrong with it.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        // The document's syntax is checked before it is walked.
        top_level(text).map_err(|error| error.to_string())?;
        Self::parse(Raw::checked(text))
    }

    /// The compact JSON form.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// Reads the JSON form; the error says in a few words what is wrong with it.
    pub(super) fn parse(raw: Raw<'_>) -> Result<Self, String> {
        if raw.depth() > MAX_DEPTH {
            return Err("the type is nested too deeply".to_owned());
        }
        Self::parse_nested(raw)
    }

    fn parse_nested(raw: Raw<'_>) -> Result<Self, String> {
        match raw.kind() {
            Kind::String => Self::primitive(&raw.text().unwrap_or_default()),
            Kind::Array => Self::complex(raw),
            Kind::Object => Err("invalid complex type description".to_owned()),
            _ => Err("invalid type description".to_owned()),
        }
    }

    fn primitive(name: &str) -> Result<Self, String> {
        match name {
            "string" => Ok(Self::String),
            "number" => Ok(Self::Number),
            "bool" => Ok(Self::Bool),
            "dynamic" => Ok(Self::Dynamic),
            _ => Err(format!("invalid primitive type name {name:?}")),
        }
    }

    fn complex(raw: Raw<'_>) -> Result<Self, String> {
        let mut parts = raw.elements().into_iter().flatten();
        let kind = parts.next().and_then(Raw::text).unwrap_or_default();
        let mut argument = || parts.next().ok_or_else(|| "expected comma after array element".to_owned());
        let ty = match &*kind {
            "list" => Self::List(Box::new(Self::parse_nested(argument()?)?)),
            "set" => Self::Set(Box::new(Self::parse_nested(argument()?)?)),
            "map" => Self::Map(Box::new(Self::parse_nested(argument()?)?)),
            "tuple" => Self::Tuple(tuple_types(argument()?)?),
            "object" => Self::Object(attribute_types(argument()?)?),
            _ => return Err("invalid complex type kind name".to_owned()),
        };
        if let (Self::Object(attributes), Some(optional)) = (&ty, parts.next()) {
            check_optional(attributes, optional)?;
        }
        match parts.next() {
            Some(_) => Err("unexpected extra data in type description".to_owned()),
            None => Ok(ty),
        }
    }

    /// Whether a value of this type brings a part of its type along.
    pub(super) fn has_dynamic(&self) -> bool {
        match self {
            Self::String | Self::Number | Self::Bool => false,
            Self::Dynamic => true,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(attributes) => attributes.values().any(Self::has_dynamic),
        }
    }

    /// Appends the compact JSON form.
    pub(super) fn push_json(&self, out: &mut String) {
        match self {
            Self::String => out.push_str("\"string\""),
            Self::Number => out.push_str("\"number\""),
            Self::Bool => out.push_str("\"bool\""),
            Self::Dynamic => out.push_str("\"dynamic\""),
            Self::List(element) => push_collection(out, "list", element),
            Self::Set(element) => push_collection(out, "set", element),
            Self::Map(element) => push_collection(out, "map", element),
            Self::Tuple(elements) => {
                out.push_str("[\"tuple\",[");
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    element.push_json(out);
                }
                out.push_str("]]");
            }
            Self::Object(attributes) => {
                out.push_str("[\"object\",{");
                for (at, (name, ty)) in attributes.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    push_quoted(out, name);
                    out.push(':');
                    ty.push_json(out);
                }
                out.push_str("}]");
            }
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("number"),
            Self::Bool => f.write_str("bool"),
            Self::Dynamic => f.write_str("dynamic"),
            Self::List(element) => write!(f, "list of {element}"),
            Self::Set(element) => write!(f, "set of {element}"),
            Self::Map(element) => write!(f, "map of {element}"),
            Self::Tuple(_) => f.write_str("tuple"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}

/// Composes text as Terraform does with every string value, map key and attribute name.
pub fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.chars().stream_safe().nfc().collect() }
}

fn tuple_types(raw: Raw<'_>) -> Result<Vec<Type>, String> {
    match (raw.kind(), raw.elements()) {
        (Kind::Null, _) => Ok(Vec::new()),
        (_, Some(elements)) => elements.map(Type::parse_nested).collect(),
        _ => Err("the element types of a tuple must be an array".to_owned()),
    }
}

fn attribute_types(raw: Raw<'_>) -> Result<BTreeMap<String, Type>, String> {
    match (raw.kind(), raw.members()) {
        (Kind::Null, _) => Ok(BTreeMap::new()),
        (_, Some(members)) => {
            members.map(|(name, ty)| Ok((composed(&name), Type::parse_nested(ty)?))).collect()
        }
        _ => Err("the attribute types of an object must be an object".to_owned()),
    }
}

/// Checks the list of optional attributes, which says nothing about values and isn't kept.
fn check_optional(attributes: &BTreeMap<String, Type>, raw: Raw<'_>) -> Result<(), String> {
    let names = match (raw.kind(), raw.elements()) {
        (Kind::Null, _) => return Ok(()),
        (_, Some(names)) => names,
        _ => return Err("the optional attributes of an object must be an array".to_owned()),
    };
    for name in names {
        let name = name.text().ok_or("the name of an optional attribute must be a string")?;
        if !attributes.contains_key(&composed(&name)) {
            return Err(format!("the optional attribute {name:?} does not exist"));
        }
    }
    Ok(())
}

fn push_collection(out: &mut String, kind: &str, element: &Type) {
    out.push_str("[\"");
    out.push_str(kind);
    out.push_str("\",");
    element.push_json(out);
    out.push(']');
}
