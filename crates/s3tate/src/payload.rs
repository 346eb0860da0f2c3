//! Whole documents on their way: in memory, or in a file, so that memory does not grow with what passes through.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest as _, Sha256};
use tempfile::{SpooledData, SpooledTempFile};

use crate::digest::{StateDigest, StateHasher};
use crate::state::{Census, CensusReader, Header, StateError};

/// What is kept in memory at most.
const MOST_IN_MEMORY: usize = 1 << 20;
/// How much of a file is read at a time.
const PIECE_BYTES: usize = 128 << 10;

/// Bytes to be stored, or that were, with their digests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Payload {
    kept: Kept,
    length: u64,
    md5: StateDigest,
    sha256: [u8; 32],
}

#[derive(Debug, Clone)]
enum Kept {
    Memory(Bytes),
    /// A file without a name, which nobody writes any more.
    File(Arc<Mutex<File>>),
}

/// Takes bytes as they come: in memory up to 1 MiB, in a temporary file without a name beyond.
#[derive(Debug)]
pub struct Spool {
    file: SpooledTempFile,
    length: u64,
    md5: StateHasher,
    sha256: Sha256,
}

impl Spool {
    /// An empty one, whose file is to be in `directory`.
    pub fn new(directory: &Path) -> Self {
        let file = tempfile::spooled_tempfile_in(MOST_IN_MEMORY, directory);
        Self { file, length: 0, md5: StateHasher::default(), sha256: Sha256::default() }
    }

    /// What came.
    pub fn finish(self) -> Payload {
        let kept = match self.file.into_inner() {
            SpooledData::InMemory(bytes) => Kept::Memory(bytes.into_inner().into()),
            SpooledData::OnDisk(file) => Kept::File(Arc::new(Mutex::new(file))),
        };
        Payload { kept, length: self.length, md5: self.md5.finish(), sha256: self.sha256.finalize().into() }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let bytes = bytes.get(..written).unwrap_or_default();
        self.md5.update(bytes);
        self.sha256.update(bytes);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Payload {
    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// MD5 of the bytes.
    pub fn digest(&self) -> StateDigest {
        self.md5
    }

    /// SHA-256 of the bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Reads the bytes from the first one on.
    pub fn reader(&self) -> impl Read + Send + use<> {
        io::BufReader::with_capacity(PIECE_BYTES, self.pieces())
    }

    /// All of the bytes, in memory.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn bytes(&self) -> io::Result<Bytes> {
        self.slice(0..self.length)
    }

    /// The body of an answer, of known length, which reads them piece by piece.
    pub fn body(&self) -> impl Body<Data = Bytes, Error = io::Error> + Send + use<> {
        self.pieces()
    }

    /// The body of a request to S3, which may be sent several times.
    pub(crate) fn byte_stream(&self) -> ByteStream {
        if let Kept::Memory(bytes) = &self.kept {
            return ByteStream::from(bytes.clone());
        }
        let payload = self.clone();
        ByteStream::new(SdkBody::retryable(move || SdkBody::from_body_1_x(payload.pieces())))
    }

    /// Some of the bytes, in memory.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn slice(&self, range: Range<u64>) -> io::Result<Bytes> {
        let file = match &self.kept {
            Kept::File(file) => file,
            Kept::Memory(bytes) => {
                let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
                return Ok(bytes.slice(at(range.start)..at(range.end)));
            }
        };
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(range.start))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }

    /// What the document says of itself, and which resource instances it has, as far as it can be read.
    pub(crate) async fn summary(&self) -> (Option<Header>, Option<Census>) {
        if let Kept::Memory(bytes) = &self.kept {
            return (Header::parse(bytes).ok().flatten(), Census::of(bytes).ok());
        }
        let payload = self.clone();
        match tokio::task::spawn_blocking(move || payload.read_through()).await {
            Ok(Ok((header, census))) => (header, Some(census)),
            _ => (None, None),
        }
    }

    /// The same of a large document, in one pass that holds no resources. Formats before 4 would have to be held whole.
    fn read_through(&self) -> Result<(Option<Header>, Census), StateError> {
        let mut reader = CensusReader::default();
        let mut pieces = self.pieces();
        loop {
            match pieces.next(PIECE_BYTES) {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => reader.feed(&piece),
                Err(_) => return Err(StateError::NoVersion),
            }
        }
        let (census, document) = reader.end()?;
        Ok((Header::parse(&document)?, census))
    }

    fn pieces(&self) -> Pieces {
        Pieces { payload: self.clone(), range: 0..self.length }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        let (md5, sha256) = (StateDigest::of(&bytes), Sha256::digest(&bytes).into());
        Self { length: bytes.len() as u64, kept: Kept::Memory(bytes), md5, sha256 }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// The bytes of a payload that are still to come.
struct Pieces {
    payload: Payload,
    range: Range<u64>,
}

impl Pieces {
    /// The next bytes, at most so many; none at the end.
    fn next(&mut self, most: usize) -> io::Result<Bytes> {
        let end = self.range.end.min(self.range.start.saturating_add(most as u64));
        let piece = self.payload.slice(self.range.start..end)?;
        self.range.start = end;
        Ok(piece)
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.next(buffer.len())?;
        if let Some(filled) = buffer.get_mut(..piece.len()) {
            filled.copy_from_slice(&piece);
        }
        Ok(piece.len())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        // Reads what was written a moment ago, so hardly ever from the disk itself.
        match self.next(PIECE_BYTES) {
            Ok(piece) if piece.is_empty() => Poll::Ready(None),
            piece => Poll::Ready(Some(piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.range.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.range.end.saturating_sub(self.range.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::empty_state;

    /// The same bytes in a file, however few they are.
    fn filed(bytes: &[u8]) -> Payload {
        let mut spool = Spool::new(&std::env::temp_dir());
        spool.write_all(bytes).unwrap();
        spool.file.roll().unwrap();
        spool.finish()
    }

    #[test]
    fn a_file_is_read_as_memory_is() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let (file, memory) = (filed(&bytes), Payload::from(bytes.clone()));
        assert!(matches!(file.kept, Kept::File(_)));
        assert_eq!(
            (file.length(), file.digest(), file.sha256()),
            (memory.length(), memory.digest(), memory.sha256())
        );
        for range in [0..1_200_000, 7..8, 131_072..262_145, 1_200_000..1_200_000] {
            assert_eq!(file.slice(range.clone()).unwrap(), memory.slice(range).unwrap());
        }
        for payload in [file, memory] {
            let mut read = Vec::new();
            payload.reader().read_to_end(&mut read).unwrap();
            assert!(read == bytes);
        }
    }

    #[test]
    fn small_ones_stay_in_memory() {
        let mut spool = Spool::new(Path::new("/nonexistent"));
        spool.write_all(b"few bytes").unwrap();
        assert!(matches!(spool.finish().kept, Kept::Memory(_)));
    }

    #[test]
    fn a_body_can_be_sent_again() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut body = filed(&vec![7; 200_000]).byte_stream().into_inner();
        for _ in 0..2 {
            let again = body.try_clone().expect("it can be sent again");
            assert_eq!(body.content_length(), Some(200_000));
            let sent = runtime.block_on(ByteStream::new(body).collect()).unwrap();
            assert_eq!(sent.into_bytes(), vec![7; 200_000]);
            body = again;
        }
    }

    #[test]
    fn documents_in_files_say_the_same_of_themselves() {
        let full =
            br#"{"version":4,"terraform_version":"1.11.4","serial":7,"lineage":"l","outputs":{},"resources":[
            {"mode":"managed","type":"t","name":"n","provider":"provider[\"registry.terraform.io/a/b\"]",
             "instances":[{"index_key":0,"attributes":{}},{"index_key":1,"attributes":{}},
                          {"index_key":1,"deposed":"00000001","attributes":{}}]}],"check_results":null}"#;
        let empty = empty_state("1.11.4", 3, "l");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let summary = |payload: Payload| runtime.block_on(async move { payload.summary().await });
        for document in [full.as_slice(), empty.as_slice(), b"<html>", b""] {
            let memory = summary(document.to_vec().into());
            assert_eq!(summary(filed(document)), memory, "{}", String::from_utf8_lossy(document));
        }
        assert_eq!(summary(filed(full)).1.map(|census| census.count()), Some(2));
    }
}
