//! Laying out JSON text anew, without decoding it.

use super::raw::string_length;
use super::text::push_escaped;

/// Takes all white space between the tokens of `raw` away and appends the rest to `out`.
///
/// Inside strings `<`, `>`, `&`, U+2028 and U+2029 are replaced by their escapes, nothing else is touched; invalid UTF-8
/// becomes U+FFFD. This is how Terraform rewrites attributes, which it keeps as text.
pub(in crate::state) fn compact(out: &mut String, raw: &[u8]) {
    let mut in_string = false;
    let mut escaped = false;
    for c in String::from_utf8_lossy(raw).chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' if !in_string => {}
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => push_escaped(out, c),
            _ => out.push(c),
        }
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else {
            in_string = c == '"';
        }
    }
}

/// Lays compact JSON out over lines, two spaces per level; empty containers stay `{}` and `[]`.
pub(in crate::state) fn indented(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let mut level = 0_usize;
    let mut rest = compact;
    while let Some(c) = rest.chars().next() {
        let length = if c == '"' { string_length(rest.as_bytes()) } else { c.len_utf8() };
        let (token, after) = rest.split_at(length);
        match c {
            '{' | '[' if after.starts_with(['}', ']']) => {
                out.push(c);
                out.extend(after.chars().next());
                rest = &after[1..];
                continue;
            }
            '{' | '[' => {
                level += 1;
                out.push(c);
                new_line(&mut out, level);
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                new_line(&mut out, level);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, level);
            }
            ':' => out.push_str(": "),
            _ => out.push_str(token),
        }
        rest = after;
    }
    out
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
}
