//! Signatures of DynamoDB and STS requests, which `s3s` does not check.
//!
//! Source: AWS general reference, "Signature Version 4 signing process".

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::env;
use crate::form;
use crate::keyring::{Keyring, Refusal};

/// How far a client's clock may be off.
const SKEW_MS: i64 = 15 * 60 * 1000;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No `Authorization` header of version 4.
    Missing,
    /// The header lacks a part, or was made for another service or day.
    Malformed(&'static str),
    /// Nobody has that access key.
    UnknownKey,
    /// The request was not signed with the key's secret, or was changed since.
    Mismatch,
    /// It was signed too long ago, or in the future.
    Skewed,
    /// Temporary keys without their token, or out of date.
    Token(Refusal),
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: Vec<u8>,
}

/// Checks who signed a request for `service` and returns the access key's id.
pub(crate) fn verify(
    keyring: &Keyring,
    service: &str,
    parts: &Parts,
    body: &[u8],
) -> Result<String, Rejection> {
    let header = parts.headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorization = header.and_then(|header| header.strip_prefix(ALGORITHM)).ok_or(Rejection::Missing)?;
    let authorization = parse(authorization).ok_or(Rejection::Malformed("the header lacks a part"))?;
    let secret = keyring.secret(authorization.key).ok_or(Rejection::UnknownKey)?;
    if authorization.service != service {
        return Err(Rejection::Malformed("the credential is scoped to another service"));
    }
    let date = text(&parts.headers, "x-amz-date").ok_or(Rejection::Malformed("no X-Amz-Date"))?;
    check_date(&date, authorization.date)?;
    if !authorization.signed_headers.split(';').any(|name| name == "host") {
        return Err(Rejection::Malformed("the header Host is not signed"));
    }
    let signature = sign(&secret, &authorization, &date, &canonical_request(parts, &authorization, body));
    signature.verify_slice(&authorization.signature).map_err(|_| Rejection::Mismatch)?;
    let token = text(&parts.headers, "x-amz-security-token");
    keyring.check_token(authorization.key, token.as_deref()).map_err(Rejection::Token)?;
    Ok(authorization.key.to_owned())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let field =
        |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let mut scope = field("Credential")?.split('/');
    let authorization = Authorization {
        key: scope.next()?,
        date: scope.next()?,
        region: scope.next()?,
        service: scope.next()?,
        signed_headers: field("SignedHeaders")?,
        signature: env::unhex(field("Signature")?)?,
    };
    (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(authorization)
}

fn check_date(date: &str, scope: &str) -> Result<(), Rejection> {
    let malformed = Rejection::Malformed("X-Amz-Date is no date of the credential's day");
    let parsed = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok().filter(|_| date.starts_with(scope));
    let signed = parsed.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).ok_or(malformed)?;
    let skew = env::now_ms() - signed.timestamp().as_millisecond();
    if skew.abs() > SKEW_MS { Err(Rejection::Skewed) } else { Ok(()) }
}

fn canonical_request(parts: &Parts, authorization: &Authorization<'_>, body: &[u8]) -> String {
    let mut headers = String::new();
    for name in authorization.signed_headers.split(';') {
        let values: Vec<String> = parts
            .headers
            .get_all(name)
            .iter()
            .map(|value| {
                String::from_utf8_lossy(value.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        headers.extend([name, ":", &values.join(","), "\n"]);
    }
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{}",
        parts.method,
        form::encode(parts.uri.path(), b"/"),
        canonical_query(parts.uri.query().unwrap_or_default()),
        authorization.signed_headers,
        env::hex(&Sha256::digest(body)),
    )
}

fn canonical_query(query: &str) -> String {
    let encoded = |text: &str| form::encode(text, b"");
    let mut pairs: Vec<String> =
        form::pairs(query).map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
    pairs.sort();
    pairs.join("&")
}

fn sign(secret: &str, authorization: &Authorization<'_>, date: &str, request: &str) -> Hmac<Sha256> {
    let Authorization { date: day, region, service, .. } = authorization;
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{}",
        env::hex(&Sha256::digest(request))
    );
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [*day, *region, *service, "aws4_request"] {
        key = keyed(&key, part).finalize().into_bytes().to_vec();
    }
    keyed(&key, &to_sign)
}

fn keyed(key: &[u8], message: &str) -> Hmac<Sha256> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of any length; the error type serves other ciphers"
    )]
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    hmac.update(message.as_bytes());
    hmac
}

#[cfg(test)]
mod tests {
    use hmac::Mac;

    use super::{ALGORITHM, canonical_request, parse, sign};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// From AWS's signature version 4 test suite.
    fn accepts(method: &str, target: &str, headers: &str, signature: &str) -> bool {
        let header = format!(
            "{ALGORITHM} Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={headers}, Signature={signature}"
        );
        let authorization = parse(&header[ALGORITHM.len()..]).expect("a header");
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("my-header1", " value1 \t a ")
            .body(())
            .expect("a request");
        let request = canonical_request(&request.into_parts().0, &authorization, b"");
        sign(SECRET, &authorization, "20150830T123600Z", &request)
            .verify_slice(&authorization.signature)
            .is_ok()
    }

    #[test]
    fn published_vectors_are_accepted() {
        let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert!(accepts("GET", "/", "host;x-amz-date", vanilla), "get-vanilla");
        assert!(!accepts("POST", "/", "host;x-amz-date", vanilla), "another method");
        assert!(!accepts("GET", "/", "host;my-header1;x-amz-date", vanilla), "another header");
        let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert!(accepts("POST", "/", "host;x-amz-date", post), "post-vanilla");
        let query = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        let target = "/?Param2=value2&Param1=value1";
        assert!(accepts("GET", target, "host;x-amz-date", query), "get-vanilla-query-order-key-case");
    }
}
