//! Static tokens: `s3t_NAME_SECRET`, stored as hashes alone.

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3tate::{Error, ErrorKind, Result};

use crate::config::is_name;

/// What tokens begin with, so that scanners find those that leaked.
const PREFIX: &str = "s3t_";

/// A token that was made just now: its text is kept nowhere.
#[derive(Clone)]
pub struct NewToken {
    /// The token.
    pub text: String,
    /// Its hash, for the configuration.
    pub hash: String,
}

/// The text is a secret.
impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewToken")
    }
}

/// Makes a token of 256 random bits.
///
/// # Errors
/// [`ErrorKind::Invalid`]: the name has other characters than a-z, 0-9 and -. [`ErrorKind::Bug`]: no randomness.
pub fn make(name: &str) -> Result<NewToken> {
    if !is_name(name) {
        return Err(Error::invalid(format!("`{name}` can't name a token: names have a-z, 0-9 and -")));
    }
    let text = format!("{PREFIX}{name}_{}", URL_SAFE_NO_PAD.encode(random::<32>()?));
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(failed)?;
    let hash = Argon2::default().hash_password(text.as_bytes(), &salt).map_err(failed)?.to_string();
    Ok(NewToken { text, hash })
}

/// Bytes that nobody can guess.
///
/// # Errors
/// [`ErrorKind::Bug`]: the system gives none.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|cause| Error::new(ErrorKind::Bug, format!("the system gives no random bytes: {cause}")))?;
    Ok(bytes)
}

fn failed(cause: argon2::password_hash::Error) -> Error {
    Error::new(ErrorKind::Bug, format!("the token can't be hashed: {cause}"))
}

/// The name in a token's text; `None` where it is no static token.
pub(crate) fn name_in(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix(PREFIX)?.split_once('_')?;
    is_name(name).then_some(name)
}

/// Whether a hash is this token's. Takes tens of milliseconds, on purpose.
pub(crate) fn verify(text: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(text.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_alone() {
        let token = make("ci-2").unwrap();
        assert_eq!(name_in(&token.text), Some("ci-2"));
        assert!(verify(&token.text, &token.hash) && !token.hash.contains(&token.text));
        assert!(!verify(&format!("{}x", token.text), &token.hash) && !verify(&token.text, "nonsense"));
        assert_eq!(format!("{token:?}"), "NewToken");
        assert!(make("CI").is_err() && make("").is_err());
    }
}
