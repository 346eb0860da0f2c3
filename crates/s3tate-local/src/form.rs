//! Percent-encoding, as in query strings and forms.

use std::string::FromUtf8Error;

/// Decodes `%XX` and `+`.
///
/// # Errors
/// The decoded bytes are not UTF-8.
pub(crate) fn decode(text: &str) -> Result<String, FromUtf8Error> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = text.get(at + 1..at + 3).and_then(crate::env::unhex);
        match (bytes[at], escaped) {
            (b'%', Some(byte)) => {
                decoded.extend(byte);
                at += 3;
                continue;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded)
}

/// Encodes everything but letters, digits, `-`, `_`, `.`, `~` and the bytes in `keep`.
pub(crate) fn encode(text: &str, keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&crate::env::hex(&[byte]).to_ascii_uppercase());
        }
    }
    encoded
}

/// The decoded pairs of a query string or form; pairs that are not UTF-8 are left out.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name).ok()?, decode(value).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, pairs};

    #[test]
    fn encoding_round_trips() {
        assert_eq!(encode("a b/ü~", b"/"), "a%20b/%C3%BC~");
        assert_eq!(decode("a%20b%2f%C3%BC+%zz").as_deref(), Ok("a b/ü %zz"));
        let read: Vec<_> = pairs("Action=X&b").collect();
        assert_eq!(read, [("Action".to_owned(), "X".to_owned()), ("b".to_owned(), String::new())]);
    }
}
