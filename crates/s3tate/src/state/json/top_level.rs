//! The members of a document's top-level object, by their place in the text.

use std::borrow::Cow;
use std::ops::Range;

use super::{Event, Kind, Raw, Scanner, found, same_name};
use crate::state::StateError;

/// One member of the top-level object.
#[derive(Debug, Clone)]
pub(in crate::state) struct Member {
    /// Where the key stands, with its quotes.
    pub(in crate::state) key: Range<usize>,
    /// Where the value stands.
    pub(in crate::state) value: Range<usize>,
}

/// A document whose syntax is checked, with the places of its top-level members.
#[derive(Debug)]
pub(in crate::state) struct TopLevel<'a> {
    bytes: &'a [u8],
    /// What the document is as a whole.
    pub(in crate::state) kind: Kind,
    /// In the order of the text; none if the document is no object.
    pub(in crate::state) members: Vec<Member>,
}

/// Checks the syntax of a whole document and finds its top-level members.
///
/// # Errors
/// [`StateError::Syntax`].
pub(in crate::state) fn top_level(bytes: &[u8]) -> Result<TopLevel<'_>, StateError> {
    let mut scanner = Scanner::new();
    let (mut members, mut key, mut start, mut at) = (Vec::new(), 0..0, 0, 0);
    loop {
        let (taken, event) = scanner.advance(&bytes[at..])?;
        at += taken;
        match event {
            Event::KeyStart => key.start = at - 1,
            Event::KeyEnd => key.end = at,
            Event::ValueStart => start = at - 1,
            Event::ValueEnd => members.push(Member { key: key.clone(), value: start..at }),
            Event::ChunkEnd => break,
        }
    }
    scanner.finish()?;
    Ok(TopLevel { bytes, kind: Raw::checked(bytes).kind(), members })
}

impl<'a> TopLevel<'a> {
    /// The key of a member.
    pub(in crate::state) fn key(&self, member: &Member) -> Cow<'a, str> {
        self.raw(member.key.clone()).text().unwrap_or_default()
    }

    /// All values of the field `name`, in the order of the text.
    pub(in crate::state) fn all(&self, name: &str) -> impl Iterator<Item = Raw<'a>> {
        let named = self.members.iter().filter(move |member| same_name(&self.key(member), name));
        named.map(|member| self.value(member))
    }

    /// Describes the document as a value of the wrong type.
    pub(in crate::state) fn describe(&self) -> String {
        found(Raw::checked(self.bytes))
    }

    /// The value of a member.
    pub(in crate::state) fn value(&self, member: &Member) -> Raw<'a> {
        self.raw(member.value.clone())
    }

    fn raw(&self, range: Range<usize>) -> Raw<'a> {
        Raw::checked(self.bytes.get(range).unwrap_or_default())
    }
}
