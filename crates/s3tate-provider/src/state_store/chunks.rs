//! States in pieces: cut for reading, put together for writing.

use bytes::{Bytes, BytesMut};

use crate::proto::tfplugin6::{StateRange, read_state_bytes, write_state_bytes};

/// What is used where the client proposes nothing.
pub(super) const USUAL_BYTES: i64 = 8 << 20;
/// The largest piece that clients accept.
const LARGEST_BYTES: i64 = 128 << 20;

/// The size of pieces for a client that proposes one.
pub(super) fn agreed(proposed: Option<i64>) -> i64 {
    proposed.filter(|bytes| *bytes > 0).map_or(USUAL_BYTES, |bytes| bytes.min(LARGEST_BYTES))
}

/// Cuts a state into messages: all but the last have exactly `chunk` bytes, and none is empty.
pub(super) fn cut(
    state: &Bytes,
    chunk: i64,
) -> impl Iterator<Item = read_state_bytes::Response> + Send + use<> {
    let (state, total_length) = (state.clone(), number(state.len()));
    let size = usize::try_from(chunk).unwrap_or(usize::MAX).max(1);
    (0..state.len()).step_by(size).map(move |start| {
        let end = state.len().min(start + size);
        read_state_bytes::Response {
            bytes: state.slice(start..end).to_vec(),
            total_length,
            range: Some(StateRange { start: number(start), end: number(end - 1) }),
            diagnostics: Vec::new(),
        }
    })
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A state that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Type and state, from the first piece.
    meta: Option<(String, String)>,
    total: i64,
    bytes: BytesMut,
}

/// A state that has arrived as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assembled {
    pub(super) type_name: String,
    pub(super) state_id: String,
    pub(super) bytes: Bytes,
}

impl Assembly {
    /// Adds a piece.
    ///
    /// # Errors
    /// Why it is not the next one.
    pub(super) fn add(&mut self, piece: write_state_bytes::RequestChunk) -> Result<(), String> {
        match (piece.meta, &self.meta) {
            (Some(meta), None) => self.meta = Some((meta.type_name, meta.state_id)),
            (None, Some(_)) => {}
            (None, None) => return Err("the first piece doesn't say which state it is of".to_owned()),
            (Some(_), Some(_)) => return Err("a later piece says which state it is of".to_owned()),
        }
        if self.bytes.is_empty() {
            self.total = piece.total_length;
        }
        let start = number(self.bytes.len());
        let expected = (start, start + number(piece.bytes.len()) - 1);
        let range = piece.range.map(|range| (range.start, range.end));
        if piece.bytes.is_empty() || range != Some(expected) {
            return Err(format!("a piece should have bytes {start} and following, and doesn't"));
        }
        if piece.total_length != self.total {
            return Err("the pieces disagree on the whole length".to_owned());
        }
        self.bytes.extend_from_slice(&piece.bytes);
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// Why it is not whole.
    pub(super) fn finish(self) -> Result<Assembled, String> {
        let Some((type_name, state_id)) = self.meta else { return Err("nothing was sent".to_owned()) };
        if number(self.bytes.len()) != self.total {
            return Err(format!("{} of {} bytes came", self.bytes.len(), self.total));
        }
        Ok(Assembled { type_name, state_id, bytes: self.bytes.freeze() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::tfplugin6::RequestChunkMeta;

    /// Check P1: what is proposed, within what clients accept.
    #[test]
    fn the_size_of_pieces_is_the_clients_within_limits() {
        for (proposed, used) in [
            (Some(8 << 20), 8 << 20),
            (Some(0), 8 << 20),
            (Some(-1), 8 << 20),
            (None, 8 << 20),
            (Some(1), 1),
            (Some(256 << 20), 128 << 20),
        ] {
            assert_eq!(agreed(proposed), used, "{proposed:?}");
        }
    }

    /// Check P4: pieces with their ranges, both ends included.
    /// Check P5: no empty piece at the end.
    #[test]
    fn pieces_are_full_but_for_the_last() {
        let ranges = |length: usize| {
            let pieces = cut(&Bytes::from(vec![7; length]), 1000);
            pieces
                .map(|piece| {
                    let range = piece.range.expect("each has one");
                    assert_eq!(number(piece.bytes.len()), range.end - range.start + 1);
                    assert_eq!(piece.total_length, number(length));
                    (range.start, range.end)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(ranges(2500), [(0, 999), (1000, 1999), (2000, 2499)]);
        assert_eq!(ranges(2000), [(0, 999), (1000, 1999)]);
        assert_eq!(ranges(0), []);
    }

    fn piece(meta: bool, bytes: &[u8], total: i64, start: i64) -> write_state_bytes::RequestChunk {
        write_state_bytes::RequestChunk {
            meta: meta.then(|| RequestChunkMeta { type_name: "t".to_owned(), state_id: "s".to_owned() }),
            bytes: bytes.to_vec(),
            total_length: total,
            range: Some(StateRange { start, end: start + number(bytes.len()) - 1 }),
        }
    }

    fn assembled(pieces: impl IntoIterator<Item = write_state_bytes::RequestChunk>) -> Result<Bytes, String> {
        let mut assembly = Assembly::default();
        pieces.into_iter().try_for_each(|piece| assembly.add(piece))?;
        assembly.finish().map(|whole| whole.bytes)
    }

    /// Check P7: what is not whole and in order is refused.
    #[test]
    fn only_whole_states_are_put_together() {
        let whole = [piece(true, b"abc", 5, 0), piece(false, b"de", 5, 3)];
        assert_eq!(assembled(whole.clone()).as_deref(), Ok(&b"abcde"[..]));
        let [first, second] = whole;
        for pieces in [
            vec![],
            vec![first.clone()],
            vec![second.clone(), first.clone()],
            vec![first.clone(), first.clone()],
            vec![first.clone(), piece(true, b"de", 5, 3)],
            vec![first.clone(), piece(false, b"de", 6, 3)],
            vec![first.clone(), piece(false, b"de", 5, 4)],
            vec![first.clone(), write_state_bytes::RequestChunk { range: None, ..second.clone() }],
            vec![piece(true, b"", 0, 0)],
            vec![first, second, piece(false, b"f", 5, 5)],
        ] {
            assert!(assembled(pieces.clone()).is_err(), "{pieces:?}");
        }
    }
}
