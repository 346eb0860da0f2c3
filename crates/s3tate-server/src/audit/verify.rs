//! Whether a log is as it was written: every line, in its order, with none missing before the last one.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, BufRead};

use sha2::{Digest as _, Sha256};

use super::chain::{Chain, Line};
use crate::body::hex;

/// What a sound log holds.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// How many lines.
    pub records: u64,
    /// The hash of the last one. Whoever noted an earlier one finds out whether anything was cut off since.
    pub head: String,
    /// How often a crash left part of a line, which a later line vouches for.
    pub torn: u64,
    /// When the first and the last line were written.
    pub times: Option<(String, String)>,
    /// All hashes.
    hashes: HashSet<String>,
}

impl Verified {
    /// Whether the line with this hash is there.
    pub fn has(&self, hash: &str) -> bool {
        self.hashes.contains(hash)
    }
}

/// The first line that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Bytes that are no line, which the next one may vouch for.
struct Stray {
    flaw: Flaw,
    bytes: u64,
    sha256: Sha256,
}

/// Checks a whole log. Lines that were cut off at its end can't be seen from what is left: see [`Verified::has`].
///
/// # Errors
/// The first bad line; `Err` inside: the log can't be read.
pub fn verify(mut log: impl BufRead) -> Result<Verified, Flaw> {
    let (mut chain, mut verified, mut stray) = (Chain::default(), Verified::default(), None::<Stray>);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let flaw = |why: String| Flaw { line: number, why };
        let read = log.read_until(b'\n', &mut bytes);
        if read.map_err(|cause: io::Error| flaw(format!("it can't be read: {cause}")))? == 0 {
            break;
        }
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return Err(stray.map_or_else(
                || flaw("it has no end: a crash, or somebody, cut it off; the next start of the server keeps it and tells so".to_owned()),
                |stray| stray.flaw,
            ));
        };
        match (chain.follow(line), stray.take()) {
            (Ok(next), None) => chain = verified.take(line, next).map_err(flaw)?,
            (Ok(next), Some(stray)) if stray.is_vouched_for_by(line) => {
                verified.torn += 1;
                chain = verified.take(line, next).map_err(flaw)?;
            }
            (_, Some(stray)) => return Err(stray.flaw),
            (Err(why), None) => {
                let sha256 = Sha256::new_with_prefix(line);
                stray = Some(Stray { flaw: flaw(why), bytes: line.len() as u64, sha256 });
            }
        }
    }
    match stray {
        Some(stray) => Err(stray.flaw),
        None => Ok(Verified { head: chain.head, ..verified }),
    }
}

impl Verified {
    fn take(&mut self, line: &[u8], next: Chain) -> Result<Chain, String> {
        let time = Line::read(line)?.members["ts"].as_str().unwrap_or_default().to_owned();
        let first = self.times.take().map_or_else(|| time.clone(), |(first, _)| first);
        self.times = Some((first, time));
        self.records += 1;
        self.hashes.insert(next.head.clone());
        Ok(next)
    }
}

impl Stray {
    fn is_vouched_for_by(&self, line: &[u8]) -> bool {
        let Ok(line) = Line::read(line) else { return false };
        let torn = &line.members["torn"];
        torn["bytes"].as_u64() == Some(self.bytes)
            && torn["sha256"].as_str() == Some(&hex(&self.sha256.clone().finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::Event;

    fn lines(count: u64) -> Vec<String> {
        let mut chain = Chain::default();
        (0..count)
            .map(|number| {
                let event = Event { state: Some(format!("app/{number}")), ..Event::default() };
                let (line, next) = chain.seal(&event).unwrap();
                chain = next;
                line
            })
            .collect()
    }

    fn flaw(lines: &[String]) -> Option<u64> {
        verify(lines.concat().as_bytes()).err().map(|flaw| flaw.line)
    }

    #[test]
    fn a_sound_log_has_its_head() {
        let lines = lines(5);
        let verified = verify(lines.concat().as_bytes()).unwrap();
        assert_eq!((verified.records, verified.torn), (5, 0));
        assert!(lines[4].contains(&verified.head) && verified.has(&verified.head));
        assert!(!verify(lines[..4].concat().as_bytes()).unwrap().has(&verified.head), "cut off");
        assert_eq!(verify(&b""[..]).unwrap().records, 0);
    }

    /// Every byte of every line, every line gone, every two exchanged, every one twice.
    #[test]
    fn whatever_is_changed_is_found() {
        let lines = lines(6);
        let text = lines.concat().into_bytes();
        for at in 0..text.len() {
            for bit in [0, 5, 7] {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(verify(&changed[..]).is_err(), "bit {bit} of byte {at}");
            }
            let mut shorter = text.clone();
            shorter.remove(at);
            assert!(verify(&shorter[..]).is_err(), "without byte {at}");
        }
        for one in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(one);
            // The last one is missed by whoever knows its hash, and by nobody else.
            assert_eq!(flaw(&without), (one + 1 < lines.len()).then_some(one as u64 + 1));
            let mut twice = lines.clone();
            twice.insert(one, lines[one].clone());
            assert_eq!(flaw(&twice), Some(one as u64 + 2));
            for other in 0..one {
                let mut exchanged = lines.clone();
                exchanged.swap(one, other);
                assert_eq!(flaw(&exchanged), Some(other as u64 + 1));
            }
        }
        for at in 1..text.len() {
            let whole = text[..at].ends_with(b"\n");
            assert_eq!(verify(&text[..at]).is_ok(), whole, "cut at {at}");
        }
    }

    /// Whoever reckons the hash of a changed line anew breaks the next one.
    #[test]
    fn a_line_that_was_sealed_anew_is_found() {
        let mut lines = lines(3);
        let event = Event { state: Some("another".to_owned()), ..Event::default() };
        lines[1] = Line::read(lines[0].trim_end().as_bytes()).unwrap().end().seal(&event).unwrap().0;
        assert_eq!(flaw(&lines), Some(3));
    }
}
