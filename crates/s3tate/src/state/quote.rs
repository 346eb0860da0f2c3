//! Quoting text for people: as Go does in values, as HCL does in addresses.

use std::fmt::Write as _;

use super::printable::is_printable;

/// Gives `text` in Go's quoted form.
pub fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_go_quoted(&mut quoted, text);
    quoted
}

/// Appends `text` in Go's quoted form, in which Terraform prints strings.
///
/// Source: Go, package `strconv`, function `Quote`.
pub(super) fn push_go_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\0'..' ' | '\u{7f}' => push(out, format_args!("\\x{:02x}", u32::from(c))),
            _ => push_printable(out, c),
        }
    }
    out.push('"');
}

/// Appends `text` as an instance key in an address: quoted, with `${` and `%{` doubled in front.
pub(super) fn push_hcl_quoted(out: &mut String, text: &str) {
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => out.extend([c, c]),
            _ => push_printable(out, c),
        }
    }
    out.push('"');
}

/// Appends `c`, escaped by its number unless it is printable.
fn push_printable(out: &mut String, c: char) {
    match u32::from(c) {
        _ if is_printable(c) => out.push(c),
        code @ 0..0x1_0000 => push(out, format_args!("\\u{code:04x}")),
        code => push(out, format_args!("\\U{code:08x}")),
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` can't fail.
    let _ = out.write_fmt(arguments);
}
