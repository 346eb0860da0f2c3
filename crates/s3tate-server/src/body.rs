//! Bodies: received into a temporary file beyond a few MiB, hashed on the way, and sent from there.

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use md5::Digest as _;
use tempfile::SpooledTempFile;
use tower_http::timeout::TimeoutError;

use crate::answer::Refusal;

/// Bodies up to this size are kept in memory.
const KEPT_IN_MEMORY: usize = 1 << 20;
/// How much is sent at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// How much of a body that is too large is read on, so that its sender gets to the answer.
const DRAINED_BYTES: u64 = 64 << 20;

/// Bytes in memory or in a temporary file without a name, with their digests.
#[derive(Debug)]
pub(crate) struct Spool {
    file: SpooledTempFile,
    pub(crate) length: u64,
    md5: md5::Md5,
    sha256: sha2::Sha256,
}

impl Spool {
    pub(crate) fn new(directory: &Path) -> Self {
        let file = tempfile::spooled_tempfile_in(KEPT_IN_MEMORY, directory);
        Self { file, length: 0, md5: md5::Md5::default(), sha256: sha2::Sha256::default() }
    }

    pub(crate) fn md5(&self) -> [u8; 16] {
        self.md5.clone().finalize().into()
    }

    /// What `Content-MD5` says of it.
    pub(crate) fn content_md5(&self) -> String {
        STANDARD.encode(self.md5())
    }

    /// SHA-256 as 64 hex digits.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.sha256.clone().finalize())
    }

    /// Reads from the beginning.
    pub(crate) fn reader(&mut self) -> io::Result<impl Read> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(io::BufReader::with_capacity(CHUNK_BYTES, &mut self.file))
    }

    /// All of it, in memory.
    pub(crate) fn bytes(&mut self) -> io::Result<Bytes> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or_default());
        self.reader()?.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    /// A body that sends it piece by piece.
    pub(crate) fn into_body(mut self) -> io::Result<Body> {
        self.file.seek(SeekFrom::Start(0))?;
        let pieces = futures::stream::try_unfold((self.file, self.length), |(mut file, left)| async move {
            if left == 0 {
                return Ok::<_, io::Error>(None);
            }
            let mut piece = vec![0; CHUNK_BYTES.min(usize::try_from(left).unwrap_or(CHUNK_BYTES))];
            file.read_exact(&mut piece)?;
            let left = left - piece.len() as u64;
            Ok(Some((Bytes::from(piece), (file, left))))
        });
        Ok(Body::from_stream(pieces))
    }
}

impl io::Write for Spool {
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

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Receives a whole body of at most `limit` bytes, and compares it with its `Content-MD5`.
///
/// # Errors
/// Too large (413), standing still (408), cut short or not what its digest says (400).
pub(crate) async fn receive(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    directory: &Path,
) -> Result<Spool, Refusal> {
    let mut spool = Spool::new(directory);
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut too_large = announced.is_some_and(|length: u64| length > limit);
    let (mut body, mut came) = (body, 0_u64);
    while let Some(frame) = next(&mut body).await? {
        came += frame.len() as u64;
        too_large |= came > limit;
        if too_large && came > limit.saturating_add(DRAINED_BYTES) {
            break;
        }
        if !too_large {
            spool.write_all(&frame).map_err(not_kept)?;
        }
    }
    if too_large {
        return Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "size",
            format!("the body has more than {limit} bytes, which is the limit here"),
        ));
    }
    match headers.get("content-md5") {
        Some(promised) if promised.as_bytes() != spool.content_md5().as_bytes() => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "digest",
            "the body is not what its Content-MD5 says; nothing was stored",
        )),
        _ => Ok(spool),
    }
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => frame,
            Some(Err(error)) if has_stalled(&error) => {
                return Err(Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "stalled",
                    "the body stood still for too long; nothing was stored",
                ));
            }
            Some(Err(_)) => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "cut_short",
                    "the body was cut short; nothing was stored",
                ));
            }
        };
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// Whether a body gave its error for standing still.
fn has_stalled(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<TimeoutError>() || error.source().is_some_and(has_stalled)
}

/// The refusal where the server's own disk fails.
pub(crate) fn not_kept(cause: io::Error) -> Refusal {
    let error = s3tate::Error::new(
        s3tate::ErrorKind::Unavailable,
        "the server can't keep the body in a temporary file",
    )
    .with_source(cause);
    Refusal::from(error)
}
