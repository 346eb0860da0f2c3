//! Resources from a stream of bytes, one after another, without keeping the document.

use super::fields::known;
use super::json::{Event, Raw, Scanner};
use super::{Resource, StateError, StateFile, in_format_4};

/// The other fields that are looked at.
const KEPT: [&str; 8] = [
    "version",
    "terraform_version",
    "serial",
    "lineage",
    "outputs",
    "resources",
    "check_results",
    "encryption_version",
];

/// How many resource instances a document of any format has, as `terraform state list` counts them: deposed objects of an
/// instance don't count beside it.
///
/// # Errors
/// Those of reading a state in full; [`StateError::NoVersion`] if there are no bytes.
pub fn count_instances(bytes: &[u8]) -> Result<u64, StateError> {
    let mut reader =
        ResourcesReader::new(|resource: &Resource<'_>, _: Raw<'_>| Some(resource.count_instances()));
    reader.feed(&in_format_4(bytes)?);
    Ok(reader.finish()?.into_iter().sum())
}

/// Reads the resources of a format 4 document that arrives in pieces, and keeps what `pick` makes of each.
///
/// Memory holds one element of `resources` at a time, the other known top-level fields as they stand in the document,
/// and what was picked. Meant for documents as Terraform writes them: about any other it says that it can't tell, and
/// whoever wants to know what is wrong reads the whole.
#[derive(Debug)]
pub struct ResourcesReader<T, P> {
    scanner: Scanner,
    key: Vec<u8>,
    place: Place,
    /// A document made of all fields but `resources`, without its closing bracket.
    kept: Vec<u8>,
    elements: Elements,
    pick: P,
    picked: Vec<T>,
    error: Option<StateError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Key,
    Field,
    Resources,
}

impl<T, P> ResourcesReader<T, P>
where
    P: Fn(&Resource<'_>, Raw<'_>) -> Option<T>,
{
    /// Makes a reader at the start of a document; `pick` is handed each element of `resources`, understood and as it stands.
    pub fn new(pick: P) -> Self {
        Self {
            scanner: Scanner::new(),
            key: Vec::new(),
            place: Place::Between,
            kept: Vec::new(),
            elements: Elements::default(),
            pick,
            picked: Vec::new(),
            error: None,
        }
    }

    /// Takes the next bytes of the document.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.error.is_none() {
            self.error = self.take(chunk).err();
        }
    }

    /// Ends the document and gives what was picked, in the order of the document.
    ///
    /// # Errors
    /// Those of reading a state in full, except that an object which stands in two elements goes unnoticed; also for no
    /// bytes at all.
    pub fn finish(self) -> Result<Vec<T>, StateError> {
        Ok(self.end()?.0)
    }

    /// Ends the document and gives all of it but the resources, as a document of its own.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(crate) fn finish_document(self) -> Result<Vec<u8>, StateError> {
        Ok(self.end()?.1)
    }

    /// Ends the document and gives what was picked, and all of it but the resources.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(crate) fn end(mut self) -> Result<(Vec<T>, Vec<u8>), StateError> {
        self.error.map_or(Ok(()), Err)?;
        self.scanner.finish()?;
        self.kept.push(b'}');
        let rest = StateFile::parse(&self.kept)?.ok_or(StateError::NoVersion)?;
        rest.check()?;
        Ok((self.picked, self.kept))
    }

    fn take(&mut self, chunk: &[u8]) -> Result<(), StateError> {
        let mut rest = chunk;
        loop {
            let (taken, event) = self.scanner.advance(rest)?;
            let (bytes, after) = rest.split_at(taken);
            match event {
                Event::ChunkEnd => return self.collect(bytes),
                Event::KeyStart => {
                    self.place = Place::Key;
                    self.key.clear();
                    self.key.push(b'"');
                }
                Event::ValueStart => {
                    self.value_started();
                    self.collect(bytes.get(taken.saturating_sub(1)..).unwrap_or_default())?;
                }
                Event::KeyEnd | Event::ValueEnd => {
                    self.collect(bytes)?;
                    self.place = Place::Between;
                }
            }
            rest = after;
        }
    }

    fn value_started(&mut self) {
        let name = Raw::checked(&self.key).text().unwrap_or_default();
        match known(&name, &KEPT) {
            "" => self.place = Place::Between,
            "resources" => {
                // The last of several fields counts.
                (self.place, self.elements) = (Place::Resources, Elements::default());
                self.picked.clear();
            }
            _ => {
                self.place = Place::Field;
                self.kept.push(if self.kept.is_empty() { b'{' } else { b',' });
                self.kept.extend_from_slice(&self.key);
                self.kept.push(b':');
            }
        }
    }

    fn collect(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        match self.place {
            Place::Between => {}
            Place::Key => self.key.extend_from_slice(bytes),
            Place::Field => self.kept.extend_from_slice(bytes),
            Place::Resources => return self.collect_resources(bytes),
        }
        Ok(())
    }

    fn collect_resources(&mut self, mut bytes: &[u8]) -> Result<(), StateError> {
        while let Some(taken) = self.elements.advance(bytes) {
            bytes = bytes.get(taken..).unwrap_or_default();
            let raw = Raw::checked(&self.elements.element);
            let resource = Resource::parse(raw)?;
            self.picked.extend((self.pick)(&resource, raw));
            self.elements.element.clear();
        }
        Ok(())
    }
}

/// Cuts an array whose syntax is checked elsewhere into its elements.
#[derive(Debug, Default)]
struct Elements {
    /// The element that is being read.
    element: Vec<u8>,
    /// Open brackets, that of the array included.
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Elements {
    /// Takes bytes up to the end of an element and says how many; `None` if all were taken and it goes on.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        // Where the part of the element begins that is still to be taken.
        let mut from = self.is_inside().then_some(0);
        let mut at = 0;
        loop {
            if self.in_text && !self.is_escaped {
                // What stands between changes nothing, and most of a state is text.
                at += memchr::memchr2(b'"', b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
            }
            let Some(&byte) = bytes.get(at) else { break };
            let was_inside = self.is_inside();
            if !was_inside && !self.may_stand(byte) {
                // No array, or a word or number in it, which is no resource: enough of it to be refused.
                self.element.push(b'0');
                return Some(at + 1);
            }
            self.step(byte);
            if self.is_inside() {
                from = from.or(Some(at));
            } else if was_inside {
                self.element.extend_from_slice(&bytes[from.unwrap_or_default()..=at]);
                return Some(at + 1);
            }
            at += 1;
        }
        self.element.extend_from_slice(&bytes[from.unwrap_or(bytes.len())..]);
        None
    }

    fn is_inside(&self) -> bool {
        self.depth > 1 || self.in_text
    }

    /// Whether a byte may stand outside of elements.
    fn may_stand(&self, byte: u8) -> bool {
        match self.depth {
            0 => b"[null \t\n\r".contains(&byte),
            _ => b"[]{\", \t\n\r".contains(&byte),
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = self.in_text,
            b'"' => self.in_text = !self.in_text,
            _ if self.in_text => {}
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}
