//! Texts, and how they are spelt in JSON.

use std::fmt::Write as _;

use fastrand::Rng;

/// What texts are put together from.
const PIECES: &[&str] = &[
    "a",
    "Word",
    " ",
    "  ",
    "0",
    "42",
    "true",
    "null",
    "\"",
    "\\",
    "/",
    "'",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "line\n",
    "\nEOT\n",
    "EOT",
    "EOT_",
    "<<-EOT",
    "${",
    "$${",
    "%{",
    "%%{ if }",
    "}",
    "<&>",
    "{\"a\": [1]}",
    "[\n]",
    "# //",
    "é",
    "e\u{301}",
    "\u{301}",
    "\u{1100}\u{1161}\u{11a8}",
    "\u{212b}",
    "ﬁ",
    "日本",
    "😀",
    "👩\u{200d}👩\u{200d}👧",
    "🇩🇪",
    "שלום",
    "\u{202e}",
    "\u{a0}",
    "\u{ad}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{e000}",
    "\u{3000}",
    "\u{0}",
    "\u{1}",
    "\u{7}",
    "\u{8}",
    "\u{b}",
    "\u{c}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{10ffff}",
    "\u{1d15e}",
    "\u{0344}",
    "\u{0f73}",
];

/// A text of up to a few pieces, seldom a long one.
pub(super) fn any(rng: &mut Rng) -> String {
    let pieces = match rng.u8(0..20) {
        0 => 0,
        1 => rng.usize(20..80),
        _ => rng.usize(1..6),
    };
    (0..pieces).map(|_| piece(rng)).collect()
}

fn piece(rng: &mut Rng) -> String {
    match rng.u8(0..5) {
        0 => rng.char(..).to_string(),
        1 => (0..rng.usize(1..8)).map(|_| rng.alphanumeric()).collect(),
        _ => PIECES[rng.usize(..PIECES.len())].to_owned(),
    }
}

/// The name of an output; the number keeps names apart, and letters in front from looking like an option.
pub(super) fn name(rng: &mut Rng, number: usize) -> String {
    match rng.u8(0..10) {
        0 => format!("o{number}{}", any(rng)),
        1 => format!("é-{number}"),
        2 => format!("O{number}"),
        _ => format!("out_{number}"),
    }
}

/// The name of an attribute, such that none is made of another by composing.
pub(super) fn attribute(rng: &mut Rng) -> String {
    const NAMES: [&str; 14] =
        ["a", "b", "B", "a-b", "a_b", "10", "9", "", "é", "日本", "a b", "\"", "for", "new\nline"];
    NAMES[rng.usize(..NAMES.len())].to_owned()
}

/// The text as a JSON string, each character raw or escaped.
pub(super) fn quoted(rng: &mut Rng, text: &str) -> String {
    let escapes = rng.u8(0..4);
    let mut json = String::from("\"");
    for char in text.chars() {
        let must = matches!(char, '"' | '\\' | '\0'..='\u{1f}');
        if must || (escapes == 0 && rng.bool()) {
            push_escaped(&mut json, rng, char);
        } else {
            json.push(char);
        }
    }
    if rng.u8(0..40) == 0 {
        json.push_str(["\\ud83d", "\\ude00", "\\ud83d\\ud83d\\ude00", "\\udc00x"][rng.usize(..4)]);
    }
    json + "\""
}

fn push_escaped(json: &mut String, rng: &mut Rng, char: char) {
    let short = match char {
        '"' => "\\\"",
        '\\' => "\\\\",
        '/' => "\\/",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        _ => "",
    };
    if !short.is_empty() && rng.bool() {
        json.push_str(short);
        return;
    }
    for unit in char.encode_utf16(&mut [0; 2]) {
        let written = if rng.bool() { write!(json, "\\u{unit:04x}") } else { write!(json, "\\u{unit:04X}") };
        written.expect("text grows");
    }
}

/// The text as a JSON string, always the same.
pub(super) fn quoted_plainly(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
