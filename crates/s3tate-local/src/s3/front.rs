//! What `s3s` does not check or set: bodies of documents, request ids, empty bodies of 304.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::service::S3Service;
use s3s::{Body, HttpError, S3Result, s3_error};
use sha2::Sha256;

use super::checksum::Claim;
use super::error::custom;
use crate::{env, form};

/// Greatest XML or policy document.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// Serves one S3 request.
pub(crate) async fn serve(s3: &S3Service, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
    let answered = match prepare(request).await {
        Ok(request) => s3.call(request).await?,
        Err(error) => error.to_http_response().map_err(|error| HttpError::new(Box::new(error)))?,
    };
    let mut response = answered;
    if response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    let id = env::random::<8>().map(|bytes| env::hex(&bytes).to_ascii_uppercase());
    if let Some(id) = id.ok().and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    Ok(response)
}

/// Checks the body of a document against its hashes before `s3s` reads it, which checks none of them.
async fn prepare(request: Request<Incoming>) -> S3Result<Request<Body>> {
    if has_old_signature(&request) {
        return Err(s3_error!(
            InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        ));
    }
    if !is_document(&request) {
        return Ok(request.map(Body::from));
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_DOCUMENT_BYTES).collect().await;
    let body = body.map_err(|_| s3_error!(MaxMessageLengthExceeded, "Your request was too big."))?.to_bytes();
    let completes = form::pairs(parts.uri.query().unwrap_or_default()).any(|(name, _)| name == "uploadId");
    check_document(&parts.headers, &body, completes)?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Signatures of version 2, which `s3s` would accept.
fn has_old_signature<B>(request: &Request<B>) -> bool {
    let header = request.headers().get(http::header::AUTHORIZATION);
    let query = request.uri().query().unwrap_or_default();
    header.is_some_and(|value| value.as_bytes().starts_with(b"AWS "))
        || form::pairs(query).any(|(name, _)| name == "Signature")
}

/// Configurations, tags, lists of parts and of objects to delete: all but the bytes of objects and parts.
fn is_document<B>(request: &Request<B>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let query: Vec<String> = form::pairs(query).map(|(name, _)| name).collect();
    let has = |name: &str| query.iter().any(|key| key == name);
    match *request.method() {
        Method::POST => !has("select") && request.uri().path() != "/" && !query.is_empty(),
        Method::PUT => {
            let names_document =
                query.iter().any(|key| key != "x-id" && !key.to_ascii_lowercase().starts_with("x-amz-"));
            names_document && !has("partNumber")
        }
        _ => false,
    }
}

/// `completes` an upload: then the checksum describes the object and not this document.
fn check_document(headers: &HeaderMap, body: &Bytes, completes: bool) -> S3Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let sha256 = text("x-amz-content-sha256").filter(|value| value.len() == 64);
    if sha256.is_some_and(|claimed| claimed != env::hex(&Sha256::digest(body))) {
        return Err(custom(
            StatusCode::BAD_REQUEST,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ));
    }
    if text("content-md5").is_some_and(|claimed| claimed != STANDARD.encode(Md5::digest(body))) {
        return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
    }
    let claim = if completes { None } else { Claim::from_headers(headers).ok().flatten() };
    match claim {
        Some(claim @ Claim::Value(algorithm, _)) => {
            let mut hasher = ChecksumHasher::default();
            algorithm.enable(&mut hasher);
            hasher.update(body);
            claim.verify(&hasher.finalize(), None)
        }
        _ => Ok(()),
    }
}
