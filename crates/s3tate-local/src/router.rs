//! One port for three services: tells requests apart and hands them on.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use s3s::Body;
use s3s::service::S3Service;

use crate::dynamodb::{self, Tables};
use crate::keyring::{Keyring, Refusal};
use crate::signature::{self, Rejection};
use crate::{s3, sts};

/// DynamoDB's own limit for a request.
const MAX_DYNAMODB_BYTES: usize = 16 << 20;

/// Far more than an STS request needs.
const MAX_STS_BYTES: usize = 64 << 10;

/// Hands requests to the service that they are meant for.
#[derive(Debug)]
pub(crate) struct Router {
    s3: S3Service,
    tables: Tables,
    keyring: Arc<Keyring>,
}

impl Router {
    pub(crate) fn new(s3: S3Service, tables: Tables, keyring: Arc<Keyring>) -> Self {
        Self { s3, tables, keyring }
    }

    /// Serves one request.
    ///
    /// `X-Amz-Target: DynamoDB…` means DynamoDB; a form posted to `/` means STS; everything else is S3.
    pub(crate) async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, s3s::HttpError> {
        let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let target = header(HeaderName::from_static("x-amz-target")).unwrap_or_default();
        if target.starts_with("DynamoDB") {
            return Ok(self.dynamodb(request).await);
        }
        let form = header(CONTENT_TYPE).unwrap_or_default().starts_with("application/x-www-form-urlencoded");
        if form && request.method() == Method::POST && request.uri().path() == "/" {
            return Ok(self.sts(request).await);
        }
        s3::front::serve(&self.s3, request).await
    }

    async fn dynamodb(&self, request: Request<Incoming>) -> Response<Body> {
        let answer = match read(request, MAX_DYNAMODB_BYTES).await {
            Ok((parts, body)) => self.dynamodb_answer(&parts, body).await,
            Err(status) => dynamodb::failure(status, "com.amazon.coral.service#SerializationException", None),
        };
        let mut response = respond(answer, dynamodb::CONTENT_TYPE);
        let id = sts::request_id().replace('-', "").to_ascii_uppercase();
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }

    async fn dynamodb_answer(&self, parts: &Parts, body: Vec<u8>) -> dynamodb::Answer {
        if let Err(rejection) = signature::verify(&self.keyring, "dynamodb", parts, &body) {
            return dynamodb_rejection(rejection);
        }
        let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let target = target.unwrap_or_default().to_owned();
        let tables = self.tables.clone();
        let work = move || match String::from_utf8(body) {
            Ok(body) => tables.serve(&target, &body),
            Err(_) => serialization_exception(),
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a DynamoDB request failed");
            dynamodb::failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "com.amazonaws.dynamodb.v20120810#InternalServerError",
                None,
            )
        })
    }

    async fn sts(&self, request: Request<Incoming>) -> Response<Body> {
        let answer = match read(request, MAX_STS_BYTES).await {
            Ok((parts, body)) => sts::serve(&self.keyring, &parts, &body),
            Err(status) => (status, String::new()),
        };
        respond(answer, "text/xml")
    }
}

fn serialization_exception() -> dynamodb::Answer {
    dynamodb::failure(StatusCode::BAD_REQUEST, "com.amazon.coral.service#SerializationException", None)
}

fn dynamodb_rejection(rejection: Rejection) -> dynamodb::Answer {
    let invalid_token = "The security token included in the request is invalid.";
    let (kind, message) = match rejection {
        Rejection::Missing => {
            ("MissingAuthenticationTokenException", "Request is missing Authentication Token")
        }
        Rejection::Malformed(message) => ("IncompleteSignatureException", message),
        Rejection::UnknownKey | Rejection::Token(Refusal::InvalidToken) => {
            ("UnrecognizedClientException", invalid_token)
        }
        Rejection::Mismatch => (
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method.",
        ),
        Rejection::Skewed => ("InvalidSignatureException", "Signature expired or not yet current"),
        Rejection::Token(Refusal::ExpiredToken) => {
            ("ExpiredTokenException", "The security token included in the request is expired")
        }
    };
    dynamodb::failure(StatusCode::BAD_REQUEST, &format!("com.amazon.coral.service#{kind}"), Some(message))
}

/// The head and the whole body; a status when it is too long or broke off.
async fn read(request: Request<Incoming>, limit: usize) -> Result<(Parts, Vec<u8>), StatusCode> {
    let (parts, body) = request.into_parts();
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok((parts, body.to_bytes().to_vec())),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn respond((status, body): (StatusCode, String), content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
