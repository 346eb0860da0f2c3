//! The outputs of a state.

use std::collections::{BTreeMap, btree_map};

use super::json::{Kind, Raw, found, optional, same_name};
use super::value::decode;
use super::{StateError, Type, Value};

/// The root outputs of a state, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    by_name: BTreeMap<String, Output>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Whether people should only see it when they ask for it by name. The value itself is stored in clear.
    pub sensitive: bool,
    /// The type, without a `dynamic` where the value tells better.
    pub ty: Type,
    /// The value, of that type.
    pub value: Value,
}

impl Outputs {
    /// The output `name`.
    pub fn get(&self, name: &str) -> Option<&Output> {
        self.by_name.get(name)
    }

    /// All outputs in the order of their names, bytewise.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Output)> {
        self.by_name.iter().map(|(name, output)| (name.as_str(), output))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Reads the values of all `outputs` fields of a document.
    ///
    /// Later fields add to earlier ones, entry by entry; `null` takes all earlier ones back.
    pub(super) fn parse<'a>(fields: impl Iterator<Item = Raw<'a>>) -> Result<Self, StateError> {
        let mut entries = BTreeMap::new();
        for field in fields {
            match optional(field, "outputs", Raw::members)? {
                Some(members) => {
                    for (name, raw) in members {
                        entries.insert(name.into_owned(), Entry::parse(raw)?);
                    }
                }
                None => entries.clear(),
            }
        }
        let decoded = entries.into_iter().map(|(name, entry)| {
            let output = entry.decode(&name)?;
            Ok((name, output))
        });
        Ok(Self { by_name: decoded.collect::<Result<_, StateError>>()? })
    }
}

impl IntoIterator for Outputs {
    type Item = (String, Output);
    type IntoIter = btree_map::IntoIter<String, Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_name.into_iter()
    }
}

impl FromIterator<(String, Output)> for Outputs {
    fn from_iter<T: IntoIterator<Item = (String, Output)>>(outputs: T) -> Self {
        Self { by_name: outputs.into_iter().collect() }
    }
}

/// An entry of `outputs` before its value is decoded.
#[derive(Default)]
struct Entry<'a> {
    value: Option<Raw<'a>>,
    ty: Option<Raw<'a>>,
    sensitive: bool,
}

impl<'a> Entry<'a> {
    fn parse(raw: Raw<'a>) -> Result<Self, StateError> {
        let mut entry = Self::default();
        if raw.kind() == Kind::Null {
            return Ok(entry);
        }
        let wrong = || StateError::Field { field: "outputs".to_owned(), found: found(raw) };
        for (name, raw) in raw.members().ok_or_else(wrong)? {
            match &*name {
                name if same_name(name, "value") => entry.value = Some(raw),
                name if same_name(name, "type") => entry.ty = Some(raw),
                name if same_name(name, "sensitive") => {
                    entry.sensitive =
                        optional(raw, "outputs.sensitive", Raw::bool)?.unwrap_or(entry.sensitive);
                }
                _ => {}
            }
        }
        Ok(entry)
    }

    fn decode(&self, name: &str) -> Result<Output, StateError> {
        let ty_error = |reason| StateError::OutputType { name: name.to_owned(), reason };
        let value_error = |reason| StateError::OutputValue { name: name.to_owned(), reason };
        let ty = self.ty.ok_or_else(|| ty_error("it is missing".to_owned()))?;
        let ty = Type::parse(ty).map_err(ty_error)?;
        let value = self.value.ok_or_else(|| value_error("it is missing".to_owned()))?;
        let (ty, value) = decode(&ty, value).map_err(value_error)?;
        Ok(Output { sensitive: self.sensitive, ty, value })
    }
}
