//! Outputs from a stream of bytes, without keeping the rest of the document.

use super::header::{self, BINARY_MAGIC};
use super::json::{Event, Raw, Scanner, same_name};
use super::{Header, Outputs, StateError};

/// The top-level fields that are kept, in the order in which Terraform writes them.
const KEPT: [&str; 6] =
    ["version", "terraform_version", "serial", "lineage", "outputs", "encryption_version"];
/// How many of them must have been seen before reading may stop early.
const NEEDED: usize = 5;
/// Longer keys, in their JSON form, name no known field.
const MAX_KEY_BYTES: usize = 256;

/// Whether a reader wants more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Header and outputs aren't complete yet: feed more, or finish at the end of the document.
    NeedMore,
    /// The answer is known, good or bad: stop, or feed the rest to have the whole document checked.
    Done,
}

/// What an [`OutputsReader`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputsDocument {
    /// The header.
    pub header: Header,
    /// The outputs; empty if the document has none.
    pub outputs: Outputs,
}

/// Reads header and outputs from a document that arrives in pieces of any size.
///
/// Memory holds the header fields and `outputs` as they stand in the document; all else is only checked for syntax. The
/// resources are not looked into, so a document with a broken one is read all the same.
/// After [`Progress::Done`] there are two ways on: [`Self::stop`] trusts the rest unseen, and [`Self::finish`], after
/// everything was fed, also vouches for a complete document and counts later `outputs` fields.
#[derive(Debug)]
pub struct OutputsReader {
    scanner: Scanner,
    state: State,
    /// The raw key being read; between keys just an opening quote.
    key: Vec<u8>,
    /// A document made of the fields that are kept, without its closing bracket.
    kept: Vec<u8>,
    /// How much of `kept` is free of the value being read.
    kept_values: usize,
    seen: [bool; KEPT.len()],
    /// The first bytes of the input, enough to know the binary format.
    head: Vec<u8>,
    /// The first byte that isn't white space.
    root: Option<u8>,
    error: Option<StateError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between members, or in a value that isn't kept.
    Skip,
    Key,
    /// Behind the key of a field that is kept.
    Matched(usize),
    /// In the value of a field that is kept.
    Keep(usize),
}

impl Default for OutputsReader {
    fn default() -> Self {
        Self::new()
    }
}

impl OutputsReader {
    /// Makes a reader at the start of a document.
    pub fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            state: State::Skip,
            key: b"\"".to_vec(),
            kept: Vec::new(),
            kept_values: 0,
            seen: [false; KEPT.len()],
            head: Vec::new(),
            root: None,
            error: None,
        }
    }

    /// Takes the next bytes of the document.
    ///
    /// Says [`Progress::Done`] as soon as `outputs` of a format 4 document is closed and the other header fields were
    /// seen, and from then on; also when the bytes can't be a state, which `finish` and `stop` then explain.
    pub fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.keep_head(chunk);
        if self.error.is_none() {
            self.error = self.take(chunk).err();
        }
        self.progress()
    }

    /// Ends the document and gives what it held; `None` if there were no bytes at all, which means "no state".
    ///
    /// # Errors
    /// Every [`StateError`] except those about resources and checks.
    pub fn finish(mut self) -> Result<Option<OutputsDocument>, StateError> {
        if self.error.is_none() && !self.head.is_empty() {
            self.error = self.scanner.finish().err();
        }
        self.document()
    }

    /// Gives what was read so far, without the rest of the document; meant for after [`Progress::Done`].
    ///
    /// # Errors
    /// As [`Self::finish`], except that a document cut off after its outputs goes unnoticed. Stopped before
    /// [`Progress::Done`], fields that were not reached count as missing.
    pub fn stop(self) -> Result<Option<OutputsDocument>, StateError> {
        self.document()
    }

    /// The header alone, of any format; `None` where version or serial have not come yet.
    ///
    /// # Errors
    /// The [`StateError`]s about version and header fields, and about the syntax of what was fed.
    pub fn header(mut self) -> Result<Option<Header>, StateError> {
        let [version, _, serial, ..] = self.seen;
        let kept = self.kept_fields()?;
        if !(version && serial) {
            return Ok(None);
        }
        Ok(header::open(&kept)?.map(|(header, _)| header))
    }

    fn progress(&self) -> Progress {
        let may_be_binary = self.head.len() < BINARY_MAGIC.len() && BINARY_MAGIC.starts_with(&self.head);
        let is_known = match &self.error {
            Some(_) => !may_be_binary,
            None => self.seen[..NEEDED].iter().all(|seen| *seen) && !matches!(self.state, State::Keep(_)),
        };
        if is_known { Progress::Done } else { Progress::NeedMore }
    }

    fn keep_head(&mut self, chunk: &[u8]) {
        let missing = BINARY_MAGIC.len().saturating_sub(self.head.len());
        self.head.extend(chunk.iter().take(missing));
        self.root = self.root.or_else(|| chunk.iter().copied().find(|byte| !byte.is_ascii_whitespace()));
    }

    fn take(&mut self, chunk: &[u8]) -> Result<(), StateError> {
        let mut rest = chunk;
        loop {
            let (taken, event) = self.scanner.advance(rest)?;
            let (bytes, after) = rest.split_at(taken);
            self.collect(bytes);
            match event {
                Event::ChunkEnd => return Ok(()),
                Event::KeyStart => self.state = State::Key,
                Event::KeyEnd => self.key_ended(),
                Event::ValueStart => self.value_started(bytes),
                Event::ValueEnd => self.value_ended(),
            }
            rest = after;
        }
    }

    fn collect(&mut self, bytes: &[u8]) {
        match self.state {
            State::Skip | State::Matched(_) => {}
            State::Key => {
                let room = MAX_KEY_BYTES.saturating_sub(self.key.len());
                self.key.extend(bytes.iter().take(room));
            }
            State::Keep(_) => self.kept.extend_from_slice(bytes),
        }
    }

    fn key_ended(&mut self) {
        let key = Raw::checked(&self.key).text().unwrap_or_default();
        let field = KEPT.iter().position(|name| same_name(&key, name));
        let is_whole = self.key.len() < MAX_KEY_BYTES;
        self.state = field.filter(|_| is_whole).map_or(State::Skip, State::Matched);
        self.key.truncate(1);
    }

    fn value_started(&mut self, bytes: &[u8]) {
        if let State::Matched(field) = self.state {
            self.kept_values = self.kept.len();
            self.kept.extend_from_slice(if self.kept.is_empty() { b"{\"" } else { b",\"" });
            self.kept.extend_from_slice(KEPT[field].as_bytes());
            self.kept.extend_from_slice(b"\":");
            self.kept.extend(bytes.last());
            self.state = State::Keep(field);
        }
    }

    fn value_ended(&mut self) {
        if let State::Keep(field) = self.state {
            self.seen[field] = true;
        }
        self.state = State::Skip;
    }

    fn document(mut self) -> Result<Option<OutputsDocument>, StateError> {
        let kept = self.kept_fields()?;
        let Some((header, document)) = header::open(&kept)? else { return Ok(None) };
        header.require_format_4()?;
        let outputs = Outputs::parse(document.all("outputs"))?;
        Ok(Some(OutputsDocument { header, outputs }))
    }

    /// A document of the fields that are kept and were read whole.
    fn kept_fields(&mut self) -> Result<Vec<u8>, StateError> {
        if self.head == BINARY_MAGIC {
            return Err(StateError::Binary);
        }
        self.error.take().map_or(Ok(()), Err)?;
        if let State::Keep(_) = self.state {
            self.kept.truncate(self.kept_values);
        }
        let mut kept = std::mem::take(&mut self.kept);
        Ok(match self.root {
            _ if self.head.is_empty() => Vec::new(),
            Some(b'{') if kept.is_empty() => b"{}".to_vec(),
            Some(b'{') => {
                kept.push(b'}');
                kept
            }
            other => stand_in(other).to_vec(),
        })
    }
}

/// A document of the same kind as one that is no object, by its first byte.
fn stand_in(root: Option<u8>) -> &'static [u8] {
    match root {
        Some(b'[') => b"[]",
        Some(b'"') => b"\"\"",
        Some(b't' | b'f') => b"true",
        Some(b'-' | b'0'..=b'9') => b"0",
        _ => b"null",
    }
}
