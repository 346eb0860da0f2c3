//! MD5 digests of state objects, as the lock table and S3's ETags record them.

use std::fmt;

use md5::{Digest as _, Md5};

/// MD5 of a state's stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateDigest([u8; 16]);

impl StateDigest {
    /// How many hex digits it is written with.
    pub(crate) const DIGITS: usize = 32;

    /// Hashes the bytes of an object.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Md5::digest(bytes).into())
    }

    /// Its 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 hex digits; anything else is `None`, as for Terraform, which ignores such a record.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != Self::DIGITS || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest that grows with the bytes fed to it.
#[derive(Clone, Default)]
pub struct StateHasher(Md5);

impl StateHasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> StateDigest {
        StateDigest(self.0.finalize().into())
    }
}

impl fmt::Debug for StateHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateHasher")
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_lower_case_md5() {
        let digest = StateDigest::of(b"hello");
        assert_eq!(digest.to_string(), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(StateDigest::from_hex("5D41402ABC4B2A76B9719D911017C592"), Some(digest));
        assert_eq!(StateDigest::from_hex("zz"), None);
        assert_eq!(StateDigest::from_hex(&"é".repeat(16)), None);
    }

    #[test]
    fn hashing_in_parts_equals_hashing_at_once() {
        let mut hasher = StateHasher::default();
        hasher.update(b"hel");
        hasher.update(b"lo");
        assert_eq!(hasher.finish(), StateDigest::of(b"hello"));
    }
}
