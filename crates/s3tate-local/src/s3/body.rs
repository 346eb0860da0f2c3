//! Bodies on their way in: hashed, cut into chunks, and kept out of memory when large.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use http::HeaderMap;
use md5::{Digest, Md5};
use rusqlite::Transaction;
use s3s::checksum::ChecksumHasher;
use s3s::dto::StreamingBlob;
use s3s::{S3Result, TrailingHeaders, dto, s3_error};

use super::checksum::{Algorithm, Checksum, Claim};
use super::error;
use crate::store::blob::{self, CHUNK_BYTES, Segment};
use crate::store::{Store, Stored};

/// Bytes held in memory before they are written; a multiple of a chunk.
const HELD_BYTES: usize = 4 * CHUNK_BYTES;

/// What a request says about its body.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    claim: Option<Claim>,
    /// Base64.
    md5: Option<String>,
    size: Option<u64>,
}

/// A body that has arrived whole and proved to be what was announced. Nothing refers to it yet.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) size: u64,
    /// Hexadecimal.
    pub(crate) md5: String,
    pub(crate) checksum: Checksum,
    held: Vec<u8>,
    staged: Option<Staged>,
}

/// A blob written ahead of the transaction that will refer to it; deleted when that does not come.
#[derive(Debug)]
struct Staged {
    store: Store,
    blob: i64,
    bytes: u64,
}

impl Expected {
    /// # Errors
    /// `InvalidDigest`: `Content-MD5` is no MD5. Those of [`Claim::from_headers`].
    pub(crate) fn from_headers(headers: &HeaderMap) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let md5 = text("content-md5").map(ToOwned::to_owned);
        let valid = |md5: &String| STANDARD.decode(md5).is_ok_and(|bytes| bytes.len() == 16);
        if md5.as_ref().is_some_and(|md5| !valid(md5)) {
            return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid."));
        }
        let size = text("content-length").and_then(|size| size.parse().ok());
        Ok(Self { claim: Claim::from_headers(headers)?, md5, size })
    }

    /// The algorithm that the client chose.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.claim.as_ref().map(Claim::algorithm)
    }

    fn verify(
        &self,
        size: u64,
        md5: &[u8],
        computed: &dto::Checksum,
        trailers: Option<&HeaderMap>,
    ) -> S3Result<()> {
        if self.size.is_some_and(|announced| announced != size) {
            return Err(s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header"
            ));
        }
        if self.md5.as_ref().is_some_and(|claimed| *claimed != STANDARD.encode(md5)) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        self.claim.as_ref().map_or(Ok(()), |claim| claim.verify(computed, trailers))
    }
}

/// Receives a body and keeps its checksum in the algorithm `kept`.
///
/// # Errors
/// `BadDigest`, `XAmzContentSHA256Mismatch`, `IncompleteBody` and the like; nothing is stored then.
pub(crate) async fn receive(
    store: &Store,
    body: Option<StreamingBlob>,
    trailers: Option<TrailingHeaders>,
    expected: &Expected,
    kept: Algorithm,
) -> S3Result<Arrived> {
    let mut hasher = ChecksumHasher::default();
    kept.enable(&mut hasher);
    if let Some(algorithm) = expected.algorithm() {
        algorithm.enable(&mut hasher);
    }
    let (mut md5, mut size, mut held, mut staged) = (Md5::new(), 0, Vec::new(), None);
    let mut body = body.map(StreamExt::fuse);
    while let Some(piece) = next(&mut body).await {
        let piece = piece.map_err(|error| error::broken_body(&*error))?;
        md5.update(&piece);
        hasher.update(&piece);
        size += piece.len() as u64;
        held.extend_from_slice(&piece);
        if held.len() >= HELD_BYTES {
            let rest = held.split_off(held.len() - held.len() % CHUNK_BYTES);
            staged = Some(stage(store, staged, std::mem::replace(&mut held, rest)).await?);
        }
    }
    let (md5, computed) = (md5.finalize(), hasher.finalize());
    let trailers = trailers.and_then(|trailers| trailers.take());
    expected.verify(size, &md5, &computed, trailers.as_ref())?;
    let value = kept.of(&computed).unwrap_or_default();
    let checksum = Checksum { algorithm: kept, composite: false, value };
    Ok(Arrived { size, md5: crate::env::hex(&md5), checksum, held, staged })
}

async fn next<S: StreamExt + Unpin>(body: &mut Option<S>) -> Option<S::Item> {
    match body {
        Some(body) => body.next().await,
        None => None,
    }
}

/// Writes `bytes`, whole chunks, behind what is staged already.
async fn stage(store: &Store, staged: Option<Staged>, bytes: Vec<u8>) -> S3Result<Staged> {
    let mut staged = if let Some(staged) = staged {
        staged
    } else {
        let blob = store.write(blob::create).await?;
        Staged { store: store.clone(), blob, bytes: 0 }
    };
    let (blob, at, count) = (staged.blob, staged.bytes, bytes.len() as u64);
    store.write(move |transaction| blob::append(transaction, blob, at, &bytes)).await?;
    staged.bytes += count;
    Ok(staged)
}

impl Arrived {
    /// Writes what is still in memory and returns the pieces of the body: none for an empty one, else one.
    ///
    /// `self` must live until the transaction has ended, since dropping it removes a body that nothing refers to.
    pub(crate) fn place(&self, transaction: &Transaction<'_>) -> Stored<Vec<Segment>> {
        if self.size == 0 {
            return Ok(Vec::new());
        }
        let (blob, at) = match &self.staged {
            Some(staged) => (staged.blob, staged.bytes),
            None => (blob::create(transaction)?, 0),
        };
        blob::append(transaction, blob, at, &self.held)?;
        Ok(vec![Segment { at: 0, blob, size: self.size }])
    }
}

impl Drop for Staged {
    /// Deletes the blob in the background if nothing refers to it; should the process end before, the next start does.
    fn drop(&mut self) {
        let (store, blob) = (self.store.clone(), self.blob);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(give_up(store, blob));
    }
}

/// Deletes `blob` if nothing refers to it, as soon as nobody reads it: by now it may have been a body, and replaced.
async fn give_up(store: Store, blob: i64) {
    let released = store.write(move |transaction| blob::release(transaction, blob, u64::MAX)).await;
    if let Err(error) = released {
        tracing::warn!(?error, "an unfinished upload was not removed");
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_BYTES, give_up, stage};
    use crate::store::Store;
    use crate::store::blob::{self, Segment};

    async fn still_there(store: &Store, segment: Segment) -> bool {
        let range = 0..segment.size;
        store.read(move |reading| blob::read_all(reading.connection, &[segment], &range)).await.is_ok()
    }

    #[tokio::test]
    async fn an_upload_that_ends_takes_no_bytes_from_readers() {
        let store = Store::memory().expect("store");
        let staged = stage(&store, None, vec![1; CHUNK_BYTES]).await.expect("staged");
        let segment = Segment { at: 0, blob: staged.blob, size: staged.bytes };
        let pin = store.read(move |reading| Ok(reading.pin([segment.blob]))).await.expect("pin");
        give_up(store.clone(), segment.blob).await;
        assert!(still_there(&store, segment).await, "somebody still reads it");
        drop(pin);
        give_up(store.clone(), segment.blob).await;
        assert!(!still_there(&store, segment).await, "nobody reads it any more");
    }
}
