//! Comparing two states by what they mean: outputs, resources and their attributes, whatever their layout.
//!
//! An instance whose attributes are flat, as until Terraform 0.11, is compared with a typed one as far as flat ones tell:
//! without types, nulls, empty values and the order of sets.
//!
//! Ignored are the order of members, of `dependencies` and of marks, the spelling of numbers, check results and the
//! Terraform version. Values that either state marks as sensitive are told as changed and never shown, unless the caller
//! asks for them.

mod attributes;
mod flat;
mod json;
mod objects;
mod outputs;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;

pub use attributes::AttributeChange;
pub(crate) use attributes::plain_attributes;
pub use objects::ObjectChange;
pub use outputs::OutputChange;

use crate::state::{Header, StateError, StateFile, in_format_4};

/// Whether values that a state marks as sensitive are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sensitive {
    /// They are told as changed and not shown.
    #[default]
    Masked,
    /// They are shown as all others.
    Shown,
}

/// What became of an object or an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Only the second state has it.
    Added,
    /// Only the first state has it.
    Removed,
    /// Both have it, with another `id`: it was made anew.
    Replaced,
    /// Both have it, and it differs.
    Changed,
    /// The first state has it under another address.
    Moved,
}

impl Action {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }

    /// The sign at the beginning of a line.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "-",
            Self::Replaced => "-/+",
            Self::Changed => "~",
            Self::Moved => "->",
        }
    }
}

/// How a state's history relates to another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Both continue the same lineage.
    Same,
    /// They have nothing to do with each other.
    Unrelated,
    /// At least one has no lineage, or is no state at all.
    Unknown,
}

/// A value as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// Its compact JSON.
    Json(String),
    /// It is sensitive.
    Masked,
}

/// A changed value may be a secret that no state marks, so it isn't printed by accident.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(text) => write!(f, "Json({} bytes)", text.len()),
            Self::Masked => f.write_str("Masked"),
        }
    }
}

/// What differs from a first state to a second one.
#[derive(Debug, Clone)]
pub struct StateDiff {
    /// Header of the first state; `None` where there is none.
    pub before: Option<Header>,
    /// Header of the second state; `None` where there is none.
    pub after: Option<Header>,
    /// Outputs that differ, by name.
    pub outputs: Vec<OutputChange>,
    /// Resource objects that differ, by address.
    pub objects: Vec<ObjectChange>,
}

impl StateDiff {
    /// Compares two documents of any format; no bytes are no state, which holds nothing.
    ///
    /// # Errors
    /// Those of reading either document.
    pub fn between(before: &[u8], after: &[u8], sensitive: Sensitive) -> Result<Self, StateError> {
        let (before, after) = (in_format_4(before)?, in_format_4(after)?);
        let (before, after) = (StateFile::parse(&before)?, StateFile::parse(&after)?);
        Ok(Self {
            outputs: outputs::compare(before.as_ref(), after.as_ref(), sensitive)?,
            objects: objects::compare(before.as_ref(), after.as_ref(), sensitive)?,
            before: before.map(|state| state.header),
            after: after.map(|state| state.header),
        })
    }

    /// Whether nothing differs but headers.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty() && self.objects.is_empty()
    }

    /// How the two lineages relate.
    pub fn relation(&self) -> Relation {
        let lineage = |header: &Option<Header>| header.as_ref().map(|header| header.lineage.clone());
        match (lineage(&self.before), lineage(&self.after)) {
            (Some(before), Some(after)) if before.is_empty() || after.is_empty() => Relation::Unknown,
            (Some(before), Some(after)) if before == after => Relation::Same,
            (Some(_), Some(_)) => Relation::Unrelated,
            _ => Relation::Unknown,
        }
    }

    /// The differences as text for people, one object a paragraph, with a line that counts them; empty where nothing
    /// differs.
    pub fn to_text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    /// The differences as one JSON document with `format_version`.
    pub fn to_json(&self) -> String {
        json::render(self)
    }
}

/// Pairs two sorted lists by key: what only the first has, what only the second has, what both have.
fn pair<K: Ord, A, B>(
    before: impl IntoIterator<Item = (K, A)>,
    after: impl IntoIterator<Item = (K, B)>,
) -> std::collections::BTreeMap<K, (Option<A>, Option<B>)> {
    let mut pairs = std::collections::BTreeMap::new();
    for (key, value) in before {
        pairs.insert(key, (Some(value), None));
    }
    for (key, value) in after {
        pairs.entry(key).or_insert((None, None)).1 = Some(value);
    }
    pairs
}
