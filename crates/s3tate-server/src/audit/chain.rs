//! Lines that hold on to each other: each has the hash of the one before it, and its own over all that stands before it.
//!
//! `{"seq":N,…,"prev_hash":"64 hex digits","hash":"64 hex digits"}`: `hash` is SHA-256 of the line's bytes up to and without
//! `,"hash"`. Nothing is parsed and written anew to check it.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::event::Event;
use crate::body::hex;

/// What stands before the first line's hash.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How many hex digits a hash has.
const DIGITS: usize = 64;
const MARK: &str = ",\"hash\":\"";
const END: &str = "\"}";

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The number of the last line; 0 before the first one.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) head: String,
}

#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    #[serde(flatten)]
    event: &'a Event,
    prev_hash: &'a str,
}

impl Default for Chain {
    fn default() -> Self {
        Self { seq: 0, head: GENESIS.to_owned() }
    }
}

impl Chain {
    /// The next line, its newline included, and the chain that ends with it.
    ///
    /// # Errors
    /// What can't be written as JSON, which nothing here is.
    pub(super) fn seal(&self, event: &Event) -> Result<(String, Self), serde_json::Error> {
        let seq = self.seq + 1;
        let mut line = serde_json::to_string(&Body { seq, event, prev_hash: &self.head })?;
        line.truncate(line.len().saturating_sub(1));
        let head = hash(line.as_bytes());
        line.extend([MARK, &head, END, "\n"]);
        Ok((line, Self { seq, head }))
    }

    /// Follows a line, given without its newline.
    ///
    /// # Errors
    /// Why it is not the next one.
    pub(super) fn follow(&self, line: &[u8]) -> Result<Self, String> {
        let read = Line::read(line)?;
        if read.seq != self.seq + 1 {
            return Err(format!("its number is {}, where {} was to come", read.seq, self.seq + 1));
        }
        if read.prev_hash != self.head {
            return Err("it follows another line than the one before it".to_owned());
        }
        Ok(read.end())
    }
}

/// A line that is sound by itself.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) seq: u64,
    pub(super) prev_hash: String,
    pub(super) hash: String,
    /// All of it.
    pub(super) members: serde_json::Value,
}

impl Line {
    /// # Errors
    /// Why it is no line of an audit log, or isn't as it was written.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let no_line = || "it is no line of an audit log".to_owned();
        let text = std::str::from_utf8(line).map_err(|_| no_line())?;
        let end = text.len().checked_sub(MARK.len() + DIGITS + END.len()).ok_or_else(no_line)?;
        let (body, rest) = text.split_at_checked(end).ok_or_else(no_line)?;
        let written = rest.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(END)).ok_or_else(no_line)?;
        let members: serde_json::Value = serde_json::from_str(text).map_err(|_| no_line())?;
        if hash(body.as_bytes()) != written {
            return Err("it was changed: its hash is another one".to_owned());
        }
        let seq = members["seq"].as_u64().ok_or_else(no_line)?;
        let prev_hash = members["prev_hash"].as_str().ok_or_else(no_line)?.to_owned();
        Ok(Self { seq, prev_hash, hash: written.to_owned(), members })
    }

    /// The chain that ends with it.
    pub(super) fn end(&self) -> Chain {
        Chain { seq: self.seq, head: self.hash.clone() }
    }
}

pub(super) fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_was_sealed() {
        let event = Event { state: Some("app/ü \"x\"".to_owned()), ..Event::default() };
        let (line, chain) = Chain::default().seal(&event).unwrap();
        let line = line.strip_suffix('\n').unwrap();
        assert_eq!(Chain::default().follow(line.as_bytes()).unwrap(), chain);
        let (body, _) = line.split_once(MARK).unwrap();
        assert_eq!(hash(body.as_bytes()), chain.head, "as anybody can reckon it");
        let (second, _) = chain.seal(&event).unwrap();
        assert!(Chain::default().follow(second.trim_end().as_bytes()).is_err());
    }
}
