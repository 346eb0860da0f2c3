//! Reads `application/x-www-form-urlencoded`, as STS is sent.

use std::collections::BTreeMap;

/// The members of a form; empty where the headers announce something else.
pub(crate) fn of(headers: &BTreeMap<String, String>, body: &[u8]) -> BTreeMap<String, String> {
    let kind = headers.get("content-type").map(String::as_str).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return BTreeMap::new();
    }
    let body = String::from_utf8_lossy(body);
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (hex, rest) = piece.split_at(piece.len().min(2));
        bytes.extend(u8::from_str_radix(hex, 16));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
