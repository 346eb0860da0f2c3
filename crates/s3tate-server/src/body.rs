//! Bodies: received into a temporary file beyond 1 MiB, and hashed on the way.

use std::io::{self, Write as _};
use std::path::Path;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use s3tate::{Payload, Spool, StateDigest};
use tower_http::timeout::TimeoutError;

use crate::answer::Refusal;

/// How much of a body that is too large is read on, so that its sender gets to the answer.
const DRAINED_BYTES: u64 = 64 << 20;

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
) -> Result<Payload, Refusal> {
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
    let payload = spool.finish();
    match headers.get("content-md5") {
        Some(promised) if promised.as_bytes() != content_md5(payload.digest()).as_bytes() => {
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "digest",
                "the body is not what its Content-MD5 says; nothing was stored",
            ))
        }
        _ => Ok(payload),
    }
}

/// What `Content-MD5` says of bytes with this digest.
pub(crate) fn content_md5(digest: StateDigest) -> String {
    STANDARD.encode(digest.as_bytes())
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
