//! Walking JSON text whose syntax is already checked.

use std::borrow::Cow;
use std::fmt;

use super::text;
use crate::state::StateError;

/// One JSON value as it stands in the document, borrowed and without the white space around it.
///
/// Printing it with [`fmt::Debug`] shows only its size, since states hold secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

/// The kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl<'a> Raw<'a> {
    /// Takes over the text of one checked value.
    pub(in crate::state) fn checked(text: &'a [u8]) -> Self {
        Self(text.trim_ascii())
    }

    /// The text of the value; valid JSON except that strings may hold invalid UTF-8.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// What kind of value it is.
    pub fn kind(self) -> Kind {
        match self.0.first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// How deep arrays and objects are nested in it; 0 for a plain value.
    pub(in crate::state) fn depth(self) -> usize {
        let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
        while let Some(byte) = self.0.get(at) {
            match byte {
                b'"' => at += string_length(&self.0[at..]) - 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
            at += 1;
        }
        deepest
    }

    /// The decoded text, if it is a string.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix(b"\"")?;
        Some(text::decode(inner.strip_suffix(b"\"").unwrap_or(inner)))
    }

    /// The truth value, if it is one.
    pub fn bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.0 == b"true")
    }

    /// The number as spelled, if it is one.
    pub fn number(self) -> Option<&'a str> {
        if self.kind() == Kind::Number { std::str::from_utf8(self.0).ok() } else { None }
    }

    /// The elements, if it is an array.
    pub fn elements(self) -> Option<impl Iterator<Item = Raw<'a>>> {
        let mut cursor = Cursor { rest: self.0.strip_prefix(b"[")? };
        Some(std::iter::from_fn(move || cursor.value()))
    }

    /// The members in the order of the text, if it is an object; keys are decoded and may repeat.
    pub fn members(self) -> Option<impl Iterator<Item = (Cow<'a, str>, Raw<'a>)>> {
        let mut cursor = Cursor { rest: self.0.strip_prefix(b"{")? };
        Some(std::iter::from_fn(move || Some((cursor.value()?.text()?, cursor.value()?))))
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({:?}, {} bytes)", self.kind(), self.0.len())
    }
}

/// The rest of a container's text.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The next value or key, `None` at the end of the container.
    fn value(&mut self) -> Option<Raw<'a>> {
        let start =
            self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':'))?;
        let text = &self.rest[start..];
        let length = match text[0] {
            b'"' => string_length(text),
            b'{' | b'[' => container_length(text),
            b'}' | b']' => return None,
            _ => text.iter().position(|byte| b" \t\n\r,:]}".contains(byte)).unwrap_or(text.len()),
        };
        self.rest = &text[length..];
        Some(Raw(&text[..length]))
    }
}

/// Length of the string at the start of `text`, quotes included.
pub(super) fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) =
        text.get(at..).and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\')))
    {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Length of the array or object at the start of `text`, brackets included.
fn container_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(skipped) = text[at..].iter().position(|byte| STRUCTURE[usize::from(*byte)]) {
        at += skipped;
        match text[at] {
            b'"' => {
                at += string_length(&text[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            _ => depth = depth.saturating_sub(1),
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The bytes that begin or end something.
const STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    let bytes = b"\"{}[]";
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether a key of a document names the field `name`: letter case doesn't matter.
///
/// Two letters outside ASCII fold to ASCII ones; Go's decoder accepts them, so they count too.
pub(in crate::state) fn same_name(key: &str, name: &str) -> bool {
    key.eq_ignore_ascii_case(name)
        || (!key.is_ascii()
            && key.replace('\u{17f}', "s").replace('\u{212a}', "k").eq_ignore_ascii_case(name))
}

/// Describes a value that has the wrong type: its JSON kind, for numbers followed by the number.
pub(in crate::state) fn found(raw: Raw<'_>) -> String {
    match raw.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::Number => format!("number {}", raw.number().unwrap_or_default()),
        Kind::String => "string".to_owned(),
        Kind::Array => "array".to_owned(),
        Kind::Object => "object".to_owned(),
    }
}

/// Reads a value with `read`; `null` reads as `None`.
///
/// # Errors
/// [`StateError::Field`] naming `field` if `read` doesn't know what to do with the value.
pub(in crate::state) fn optional<'a, T>(
    raw: Raw<'a>,
    field: impl fmt::Display,
    read: impl FnOnce(Raw<'a>) -> Option<T>,
) -> Result<Option<T>, StateError> {
    if raw.kind() == Kind::Null {
        return Ok(None);
    }
    match read(raw) {
        Some(value) => Ok(Some(value)),
        None => Err(StateError::Field { field: field.to_string(), found: found(raw) }),
    }
}
