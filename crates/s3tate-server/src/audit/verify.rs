//! Whether a log is as it was written: every line, in its order, with none missing before the last one.

use std::fmt;
use std::io::BufRead;

use super::chain::{Chain, Line, hash};
use super::event::Torn;

/// What a sound log holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many lines.
    pub records: u64,
    /// The hash of the last one. Whoever noted an earlier one finds out whether anything was cut off since.
    pub head: String,
    /// Whether the line is there whose hash was asked for.
    pub has_wanted: bool,
    /// How often a crash left part of a line, which a later line vouches for.
    pub torn: u64,
    /// When the first and the last line were written.
    pub times: Option<(String, String)>,
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
#[derive(Debug)]
struct Stray {
    flaw: Flaw,
    torn: Torn,
}

/// Checks a log line by line.
#[derive(Debug, Default)]
pub(super) struct Verifier {
    wanted: Option<String>,
    chain: Chain,
    number: u64,
    verified: Verified,
    stray: Option<Stray>,
}

/// Checks a whole log; `wanted` is the hash of a line that should be in it. Lines that were cut off at its end can't be seen
/// from what is left, but by whoever knows the hash of one.
///
/// # Errors
/// The first bad line, or the one that can't be read.
pub fn verify(mut log: impl BufRead, wanted: Option<&str>) -> Result<Verified, Flaw> {
    let mut verifier = Verifier::new(wanted);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match log.read_until(b'\n', &mut bytes) {
            Ok(0) => return verifier.finish(),
            Ok(_) => verifier.take(&bytes)?,
            Err(cause) => return Err(verifier.flaw(format!("it can't be read: {cause}"))),
        }
    }
}

impl Verifier {
    pub(super) fn new(wanted: Option<&str>) -> Self {
        Self { wanted: wanted.map(str::to_owned), ..Self::default() }
    }

    /// Takes the next line, with its newline if it has one.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.number += 1;
        let before = self.stray.take();
        let Some(line) = bytes.strip_suffix(b"\n") else {
            let why = "it has no end: a crash, or somebody, cut it off; the next start of the server keeps it and tells so";
            return Err(before.map_or_else(|| self.flaw(why.to_owned()), |stray| stray.flaw));
        };
        match (self.chain.follow(line), before) {
            (Ok(next), None) => self.note(line, next),
            (Ok(next), Some(stray)) if vouches(line, &stray.torn) => {
                self.verified.torn += 1;
                self.note(line, next)
            }
            (_, Some(stray)) => Err(stray.flaw),
            (Err(why), None) => {
                let torn = Torn { bytes: line.len() as u64, sha256: hash(line) };
                self.stray = Some(Stray { flaw: self.flaw(why), torn });
                Ok(())
            }
        }
    }

    /// What the log holds.
    pub(super) fn finish(self) -> Result<Verified, Flaw> {
        match self.stray {
            Some(stray) => Err(stray.flaw),
            None => Ok(Verified { head: self.chain.head, ..self.verified }),
        }
    }

    fn note(&mut self, line: &[u8], next: Chain) -> Result<(), Flaw> {
        let line = Line::read(line).map_err(|why| self.flaw(why))?;
        let time = line.members["ts"].as_str().unwrap_or_default().to_owned();
        let first = self.verified.times.take().map_or_else(|| time.clone(), |(first, _)| first);
        self.verified.times = Some((first, time));
        self.verified.records += 1;
        self.verified.has_wanted |= self.wanted.as_ref() == Some(&next.head);
        self.chain = next;
        Ok(())
    }

    fn flaw(&self, why: String) -> Flaw {
        Flaw { line: self.number, why }
    }
}

/// Whether a line tells of what is left of another one before it.
fn vouches(line: &[u8], torn: &Torn) -> bool {
    let told = Line::read(line).map(|line| line.members["torn"].clone()).unwrap_or_default();
    told["bytes"].as_u64() == Some(torn.bytes) && told["sha256"].as_str() == Some(&torn.sha256)
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

    fn verify(log: &[u8]) -> Result<Verified, Flaw> {
        super::verify(log, None)
    }

    fn flaw(lines: &[String]) -> Option<u64> {
        verify(lines.concat().as_bytes()).err().map(|flaw| flaw.line)
    }

    #[test]
    fn a_sound_log_has_its_head() {
        let lines = lines(5);
        let verified = verify(lines.concat().as_bytes()).unwrap();
        assert_eq!((verified.records, verified.torn), (5, 0));
        assert!(lines[4].contains(&verified.head));
        let has = |lines: &[String]| {
            super::verify(lines.concat().as_bytes(), Some(&verified.head)).unwrap().has_wanted
        };
        assert!(has(&lines));
        assert!(!has(&lines[..4]), "cut off");
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
