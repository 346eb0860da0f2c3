//! What is handed to a browser and must come back as it was: encrypted and authenticated, so that any server with the same
//! key reads it, and nobody else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use s3tate::{Error, ErrorKind, Result};
use sha2::Digest as _;

use crate::auth::token::random;

/// A key file with fewer bytes can be guessed.
const LEAST_KEY_BYTES: usize = 32;

/// Seals and opens. The key is not printed.
pub(crate) struct Seal(LessSafeKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With the bytes of a key file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: there are too few of them.
    pub(crate) fn of_file(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < LEAST_KEY_BYTES {
            return Err(Error::invalid(format!("the session key has fewer than {LEAST_KEY_BYTES} bytes")));
        }
        let digest = sha2::Sha256::digest([b"s3tate session key\0", bytes].concat());
        Self::new(&digest)
    }

    /// With a key that nobody else has.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`]: no randomness.
    pub(crate) fn random() -> Result<Self> {
        Self::new(&random::<32>()?)
    }

    fn new(key: &[u8]) -> Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| failed("the session key"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals bytes for one purpose; each time to another text.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`]: no randomness.
    pub(crate) fn close(&self, purpose: &'static str, bytes: &[u8]) -> Result<String> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = bytes.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let closed = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        closed.map_err(|_| failed("sealing"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// What was sealed for this purpose; `None` for anything else.
    pub(crate) fn open(&self, purpose: &'static str, text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut sealed).ok()?;
        Some(opened.to_vec())
    }
}

fn failed(what: &str) -> Error {
    Error::new(ErrorKind::Bug, format!("{what} failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_for_the_purpose_opens() {
        let seal = Seal::of_file(&[7; 32]).unwrap();
        let text = seal.close("a", b"hello").unwrap();
        assert_ne!(text, seal.close("a", b"hello").unwrap(), "never twice the same");
        assert_eq!(Seal::of_file(&[7; 32]).unwrap().open("a", &text).as_deref(), Some(b"hello".as_slice()));
        assert_eq!(seal.open("b", &text), None);
        assert_eq!(Seal::random().unwrap().open("a", &text), None);
        let mut other = text.clone().into_bytes();
        other[20] ^= 1;
        assert_eq!(seal.open("a", &String::from_utf8(other).unwrap()), None);
        for text in ["", "a", "!!", &text[..10]] {
            assert_eq!(seal.open("a", text), None);
        }
        assert!(Seal::of_file(b"short").is_err());
    }
}
