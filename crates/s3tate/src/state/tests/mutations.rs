//! Damaged documents: never a panic, and the stream reader agrees with the whole reader.

use super::fixtures::{WITH_OUTPUTS, bytes, state};
use crate::state::{
    Header, OutputsDocument, OutputsReader, StateFile, content_equal, managed_resource_addresses, normalize,
    render, with_header,
};

/// A small generator with a fixed seed (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

const PIECES: [&[u8]; 20] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"0",
    b"-",
    b"1e999",
    b"\xff",
    b"\\ud800",
    b"\"outputs\":",
    b"\"version\":4,",
    b"true",
    b"\n",
    b"[[[[",
    b"\"dynamic\"",
];

/// Damages a document in one to three places.
fn damaged(random: &mut Random, original: &[u8]) -> Vec<u8> {
    let mut document = original.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(document.len());
        let end = (at + random.below(12)).min(document.len());
        match random.below(4) {
            0 => document.truncate(at),
            1 => drop(document.drain(at..end)),
            2 => drop(document.splice(at..end, PIECES[random.below(PIECES.len())].iter().copied())),
            _ => document.extend_from_within(at..end),
        }
    }
    document
}

fn streamed(
    random: &mut Random,
    mut document: &[u8],
) -> Result<Option<OutputsDocument>, crate::state::StateError> {
    let mut reader = OutputsReader::new();
    while !document.is_empty() {
        let (piece, rest) = document.split_at(1 + random.below(document.len()));
        reader.feed(piece);
        document = rest;
    }
    reader.finish()
}

/// Uses everything there is on a document; only panics matter.
fn exercise(document: &[u8]) -> Result<Option<OutputsDocument>, crate::state::StateError> {
    drop(managed_resource_addresses(document));
    drop(normalize(document, "1.11.4"));
    drop(content_equal(document, document));
    if let Ok(edited) = with_header(document, 5, Some("other")) {
        let header = Header::parse(&edited).unwrap().unwrap();
        assert_eq!((header.serial, &*header.lineage), (5, "other"));
    }
    let Some(state) = StateFile::parse(document)? else { return Ok(None) };
    drop(state.check());
    let outputs = state.outputs()?;
    drop(render::listing(&outputs));
    drop(render::listing_json(&outputs));
    Ok(Some(OutputsDocument { header: state.header, outputs }))
}

#[test]
fn damage_is_survived_and_judged_alike() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut originals: Vec<_> =
        WITH_OUTPUTS.into_iter().map(state).filter(|state| state.len() < 10_000).collect();
    originals.push(bytes("created-by-read/v4-1.11.4.tfstate"));
    for round in 0..1_500 {
        let original = &originals[round % originals.len()];
        let document = damaged(&mut random, original);
        let text = String::from_utf8_lossy(&document).into_owned();
        let expected = exercise(&document);
        assert_eq!(streamed(&mut random, &document), expected, "{text}");
    }
}
