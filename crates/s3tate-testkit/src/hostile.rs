//! Stores that treat conditions otherwise than S3 does, played before a real endpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, ETAG, HOST, IF_MATCH, IF_NONE_MATCH};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use crate::REGION;
use crate::middle::{Answer, Body, Middle, Upstream, made_up};

/// What makes an entity tag no MD5, as that of an upload in parts.
const OPAQUE: &str = "-1\"";

/// What a store does otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vice {
    /// Writes over what is there although `If-None-Match: *` forbids it.
    IgnoresIfNoneMatch,
    /// Overwrites and deletes whatever is there, not only what `If-Match` names.
    IgnoresIfMatch,
    /// Takes a delete marker for an object when it is asked to create one.
    CountsDeleteMarkers,
    /// Has no conditional delete: 501.
    LacksConditionalDelete,
    /// Refuses every condition on a write with this status, such as 501 or 400.
    RefusesConditions(u16),
    /// Entity tags that are no MD5.
    OpaqueETags,
    /// The first read after a write finds what was there before.
    StaleReads,
    /// Puts and deletes items whatever their condition.
    IgnoresTableConditions,
}

/// A store with a vice.
pub(crate) struct Hostile {
    vice: Vice,
    credentials: Credentials,
    memory: Mutex<Memory>,
}

/// What a store remembers of its objects, by their paths.
#[derive(Debug, Default)]
struct Memory {
    deleted: BTreeSet<String>,
    stale: BTreeMap<String, Kept>,
}

/// An answer that can be given again.
#[derive(Debug, Clone)]
struct Kept {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl fmt::Debug for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hostile").field("vice", &self.vice).finish_non_exhaustive()
    }
}

impl Middle for Hostile {
    fn answer<'a>(&'a self, request: Request<Bytes>, upstream: &'a Upstream) -> Answer<'a> {
        Box::pin(self.respond(request, upstream))
    }
}

impl Hostile {
    /// Requests that are changed are signed anew with this key.
    pub(crate) fn new(vice: Vice, access_key: (&str, &str)) -> Self {
        let credentials = Credentials::new(access_key.0, access_key.1, None, None, "test");
        Self { vice, credentials, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("nobody panics here")
    }

    async fn respond(&self, mut request: Request<Bytes>, upstream: &Upstream) -> Response<Body> {
        let writes = [Method::PUT, Method::DELETE].contains(request.method());
        let conditional = [IF_MATCH, IF_NONE_MATCH].iter().any(|name| request.headers().contains_key(name));
        match self.vice {
            Vice::IgnoresIfNoneMatch if request.headers_mut().remove(IF_NONE_MATCH).is_some() => {
                upstream.send(self.signed(request)).await
            }
            Vice::IgnoresIfMatch if writes && request.headers_mut().remove(IF_MATCH).is_some() => {
                upstream.send(self.signed(request)).await
            }
            Vice::LacksConditionalDelete if request.method() == Method::DELETE && conditional => {
                refusal(StatusCode::NOT_IMPLEMENTED, "NotImplemented")
            }
            Vice::RefusesConditions(status) if writes && conditional => {
                let status = StatusCode::from_u16(status).expect("tests use real ones");
                let code = if status == 501 { "NotImplemented" } else { "InvalidArgument" };
                refusal(status, code)
            }
            Vice::CountsDeleteMarkers => self.count_markers(request, upstream).await,
            Vice::OpaqueETags => self.hide_md5(request, upstream).await,
            Vice::StaleReads => self.read_late(request, upstream).await,
            Vice::IgnoresTableConditions if request.headers().contains_key("x-amz-target") => {
                let request = request.map(|body| without_conditions(&body));
                upstream.send(self.signed(request)).await
            }
            _ => upstream.send(request).await,
        }
    }

    async fn count_markers(&self, request: Request<Bytes>, upstream: &Upstream) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let creates = method == Method::PUT && request.headers().contains_key(IF_NONE_MATCH);
        if creates && self.memory().deleted.contains(&path) {
            return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let for_good = request.uri().query().is_some_and(|query| query.contains("versionId="));
        let response = upstream.send(request).await;
        if response.status().is_success() && !for_good {
            match method {
                Method::DELETE => drop(self.memory().deleted.insert(path)),
                Method::PUT => drop(self.memory().deleted.remove(&path)),
                _ => {}
            }
        }
        response
    }

    async fn hide_md5(&self, mut request: Request<Bytes>, upstream: &Upstream) -> Response<Body> {
        if let Some(tag) = request.headers().get(IF_MATCH).and_then(|tag| tag.to_str().ok()) {
            let real = tag.replace(OPAQUE, "\"").parse().expect("a tag without its end is one");
            request.headers_mut().insert(IF_MATCH, real);
            request = self.signed(request);
        }
        let mut response = upstream.send(request).await;
        if let Some(tag) = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()) {
            let opaque = tag.trim_end_matches('"').to_owned() + OPAQUE;
            response.headers_mut().insert(ETAG, opaque.parse().expect("a longer tag is one"));
        }
        let is_listing = response.headers().get("content-type").is_some_and(|kind| kind == "application/xml");
        if !is_listing {
            return response;
        }
        let mut kept = Kept::of(response).await;
        let text = String::from_utf8_lossy(&kept.body).replace("&quot;</ETag>", "-1&quot;</ETag>");
        kept.body = text.replace("\"</ETag>", "-1\"</ETag>").into();
        kept.headers.remove(CONTENT_LENGTH);
        kept.into()
    }

    async fn read_late(&self, request: Request<Bytes>, upstream: &Upstream) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if request.method() == Method::GET && request.uri().query() == Some("x-id=GetObject") {
            let stale = self.memory().stale.remove(&path);
            if let Some(stale) = stale {
                return stale.into();
            }
        }
        if request.method() != Method::PUT {
            return upstream.send(request).await;
        }
        let mut read =
            Request::get(request.uri().clone()).body(Bytes::new()).expect("the target came as one");
        read.headers_mut().extend(request.headers().get(HOST).map(|host| (HOST, host.clone())));
        *read.uri_mut() = path.parse().expect("a path is a target");
        let before = Kept::of(upstream.send(self.signed(read)).await).await;
        let response = upstream.send(request).await;
        if response.status().is_success() {
            self.memory().stale.insert(path, before);
        }
        response
    }

    /// The request with a signature that fits it as it is now.
    fn signed(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        for name in [AUTHORIZATION.as_str(), CONTENT_LENGTH.as_str(), "x-amz-date", "x-amz-content-sha256"] {
            request.headers_mut().remove(name);
        }
        let is_table = request.headers().contains_key("x-amz-target");
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(if is_table { "dynamodb" } else { "s3" })
            .time(now())
            .settings(settings)
            .build()
            .expect("nothing is left out");
        let headers = request.headers().clone();
        let text = |value: &hyper::header::HeaderValue| value.to_str().expect("headers are text").to_owned();
        let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
        let host = headers.get(HOST).map(text).unwrap_or_default();
        let signable = SignableRequest::new(
            request.method().as_str(),
            format!("http://{host}{}", request.uri()),
            pairs.iter().map(|(name, value)| (*name, value.as_str())),
            SignableBody::Bytes(request.body()),
        );
        let signature = sign(signable.expect("a whole request"), &params.into()).expect("it can be signed");
        signature.into_parts().0.apply_to_request_http1x(&mut request);
        request
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures are of this very moment")]
fn now() -> SystemTime {
    SystemTime::now()
}

impl Kept {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("the endpoint's answer comes whole").to_bytes();
        Self { status: parts.status, headers: parts.headers, body }
    }
}

impl From<Kept> for Response<Body> {
    fn from(kept: Kept) -> Self {
        let mut response = made_up(kept.status, kept.body);
        *response.headers_mut() = kept.headers;
        response
    }
}

/// A refusal as S3 words it.
fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    made_up(status, format!("<Error><Code>{code}</Code><Message>this store is hostile</Message></Error>"))
}

/// A request to the table without its conditions, nor the values that only these use.
fn without_conditions(body: &[u8]) -> Bytes {
    let mut document: serde_json::Value = serde_json::from_slice(body).expect("tables are sent JSON");
    strip(&mut document);
    document.to_string().into()
}

fn strip(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) if members.contains_key("ConditionExpression") => {
            for name in
                ["ConditionExpression", "ExpressionAttributeValues", "ReturnValuesOnConditionCheckFailure"]
            {
                members.remove(name);
            }
        }
        serde_json::Value::Object(members) => members.values_mut().for_each(strip),
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}
