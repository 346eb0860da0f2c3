//! The access key that clients sign with: made once, kept in the data directory.
//!
//! File `access-key.json`, mode 0600: `{"id": "AKIA…", "secret": "…"}`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::LocalError;
use crate::{directory, env};

const FILE: &str = "access-key.json";
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An access key id with its secret. `Debug` shows the id alone.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// Twenty characters, for `AWS_ACCESS_KEY_ID`.
    pub id: String,
    secret: String,
}

impl AccessKey {
    /// The secret, for `AWS_SECRET_ACCESS_KEY`.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// A fresh key whose id starts with `prefix` (`AKIA` for long-lived keys, `ASIA` for temporary ones).
    pub(crate) fn generate(prefix: &str) -> Result<Self, getrandom::Error> {
        let id = format!("{prefix}{}", env::random_text::<16>(ID_ALPHABET)?);
        Ok(Self { id, secret: env::random_text::<40>(SECRET_ALPHABET)? })
    }

    /// Reads the key kept in `directory`, or makes one and keeps it there.
    pub(crate) fn load_or_create(directory: &Path) -> Result<Self, LocalError> {
        let path = directory.join(FILE);
        match std::fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|source| LocalError::AccessKeyFile { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(directory),
            Err(source) => Err(not_writable(directory, source)),
        }
    }

    /// Writes a fresh key under a temporary name and moves it in place, so that no half-written key is ever read.
    fn create(directory: &Path) -> Result<Self, LocalError> {
        let key = Self::generate("AKIA").map_err(LocalError::Random)?;
        let unfinished = directory.join(format!("{FILE}.new"));
        let write = || -> io::Result<()> {
            let mut file = private_file(&unfinished)?;
            serde_json::to_writer(&mut file, &key)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&unfinished, directory.join(FILE))?;
            sync_directory(directory)
        };
        write().map_err(|source| not_writable(directory, source))?;
        Ok(key)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn not_writable(directory: &Path, source: io::Error) -> LocalError {
    LocalError::DirectoryNotWritable { path: directory.to_owned(), source }
}

/// Makes a new file that only its owner may read. A leftover of that name goes first.
fn private_file(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    directory::private(OpenOptions::new().write(true).create_new(true)).open(path)
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::AccessKey;

    #[test]
    fn secret_is_not_printed() {
        let key = AccessKey::generate("AKIA").expect("random bytes");
        assert_eq!((key.id.len(), key.secret().len()), (20, 40));
        assert!(!format!("{key:?}").contains(key.secret()));
    }
}
