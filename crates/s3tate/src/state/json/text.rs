//! JSON strings: decoding them as Go does, and writing them with Terraform's escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Decodes the bytes between the quotes of a checked JSON string.
///
/// Every invalid UTF-8 byte and every lone surrogate becomes U+FFFD. Source: Go, package `encoding/json`.
pub(super) fn decode(inner: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', inner).is_none()
        && let Ok(text) = std::str::from_utf8(inner)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        push_lossy(&mut text, &rest[..plain]);
        rest = escape(&mut text, &rest[plain..]);
    }
    Cow::Owned(text)
}

/// Appends `bytes`, each invalid byte on its own as U+FFFD.
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// Decodes the escape at the start of `bytes`; returns what follows it.
fn escape<'a>(text: &mut String, bytes: &'a [u8]) -> &'a [u8] {
    let Some((&kind, rest)) = bytes.get(1..).and_then(<[u8]>::split_first) else { return &[] };
    let plain = match kind {
        b'u' => return unicode_escape(text, bytes),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => char::from(other),
    };
    text.push(plain);
    rest
}

/// Decodes `\uXXXX`, or two of them that form a surrogate pair.
fn unicode_escape<'a>(text: &mut String, bytes: &'a [u8]) -> &'a [u8] {
    let Some((first, rest)) = code_unit(bytes) else { return &[] };
    if let Some(plain) = char::from_u32(first) {
        text.push(plain);
        return rest;
    }
    if let (0xd800..0xdc00, Some((second @ 0xdc00..0xe000, after))) = (first, code_unit(rest)) {
        let pair = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        text.push(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
        return after;
    }
    text.push(char::REPLACEMENT_CHARACTER);
    rest
}

fn code_unit(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let digits = std::str::from_utf8(bytes.strip_prefix(b"\\u")?.get(..4)?).ok()?;
    Some((u32::from_str_radix(digits, 16).ok()?, &bytes[6..]))
}

/// Appends `text` as a JSON string with the escapes of Terraform 1.8 and later.
///
/// `<`, `>`, `&`, U+2028 and U+2029 are escaped; all else from U+0020 on stands raw, U+007F included.
pub(in crate::state) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..' ' => push_escaped(out, c),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a character of the basic plane as `\uXXXX`.
pub(super) fn push_escaped(out: &mut String, c: char) {
    // Writing to a `String` can't fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}
