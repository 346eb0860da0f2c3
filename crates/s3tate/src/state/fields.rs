//! Reading the fields of JSON objects, with Terraform's leniency and errors.

use std::borrow::Cow;
use std::fmt;

use super::StateError;
use super::json::{Kind, Raw, optional, same_name};

/// The name among `names` that a key of the document means, or the empty text.
pub(super) fn known<'n>(key: &str, names: &[&'n str]) -> &'n str {
    names.iter().find(|name| same_name(key, name)).copied().unwrap_or("")
}

/// Reads a field with `read` into `target`; `null` leaves it as it was.
pub(super) fn set<'a, T>(
    target: &mut T,
    raw: Raw<'a>,
    field: impl fmt::Display,
    read: impl FnOnce(Raw<'a>) -> Option<T>,
) -> Result<(), StateError> {
    if let Some(value) = optional(raw, field, read)? {
        *target = value;
    }
    Ok(())
}

/// The elements of an array; none for `null`.
pub(super) fn elements<'a>(raw: Raw<'a>, field: &str) -> Result<Vec<Raw<'a>>, StateError> {
    Ok(optional(raw, field, |raw| Some(raw.elements()?.collect()))?.unwrap_or_default())
}

/// The members of an object; none for `null`.
pub(super) fn members<'a>(raw: Raw<'a>, field: &str) -> Result<Vec<(Cow<'a, str>, Raw<'a>)>, StateError> {
    Ok(optional(raw, field, |raw| Some(raw.members()?.collect()))?.unwrap_or_default())
}

/// The elements of an array of strings.
pub(super) fn texts(raw: Raw<'_>) -> Option<Vec<Cow<'_, str>>> {
    raw.elements()?.map(text_or_empty).collect()
}

/// The text of a string; empty for `null`.
pub(super) fn text_or_empty(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    if raw.kind() == Kind::Null { Some(Cow::Borrowed("")) } else { raw.text() }
}
