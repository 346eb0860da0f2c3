//! STS: who am I, and temporary keys. There are no roles to look up: every role can be assumed.

use std::fmt::Write;
use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;

use crate::env;
use crate::form;
use crate::keyring::{Keyring, Refusal, Temporary};
use crate::signature::{self, Rejection};

/// The one account of the endpoint.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The account's id as owner of buckets and objects.
pub(crate) const CANONICAL_USER: &str = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Bounds of `DurationSeconds`; the default is an hour.
const DURATION: std::ops::RangeInclusive<i64> = 900..=43_200;

/// Status and XML body of an answer.
pub(crate) type Answer = (StatusCode, String);

/// An error answer: status, code, message.
struct Refused(StatusCode, &'static str, String);

/// Serves one request, a form with `Action`.
pub(crate) fn serve(keyring: &Arc<Keyring>, parts: &Parts, body: &[u8]) -> Answer {
    let form = String::from_utf8_lossy(body);
    let parameter = |name: &str| form::pairs(&form).find(|(key, _)| key == name).map(|(_, value)| value);
    let request_id = request_id();
    let done = run(keyring, parts, body, &parameter);
    match done {
        Ok((action, result)) => {
            let body = format!(
                "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
            );
            (StatusCode::OK, body)
        }
        Err(Refused(status, code, message)) => {
            let body = format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{}\
                 </Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                escape(&message)
            );
            (status, body)
        }
    }
}

fn run(
    keyring: &Keyring,
    parts: &Parts,
    body: &[u8],
    parameter: &dyn Fn(&str) -> Option<String>,
) -> Result<(&'static str, String), Refused> {
    let action = parameter("Action").unwrap_or_default();
    if action == "AssumeRoleWithWebIdentity" {
        return web_identity(keyring, parameter).map(|result| ("AssumeRoleWithWebIdentity", result));
    }
    let key = signature::verify(keyring, "sts", parts, body).map_err(rejected)?;
    match action.as_str() {
        "GetCallerIdentity" => Ok(("GetCallerIdentity", caller_identity(keyring, &key))),
        "AssumeRole" => Ok(("AssumeRole", credentials(&assume(keyring, parameter)?))),
        other => {
            let message = format!("Could not find operation {other} for version 2011-06-15");
            Err(Refused(StatusCode::BAD_REQUEST, "InvalidAction", message))
        }
    }
}

fn rejected(rejection: Rejection) -> Refused {
    let (code, message) = match rejection {
        Rejection::Missing => ("MissingAuthenticationToken", "Request is missing Authentication Token"),
        Rejection::Malformed(message) => ("IncompleteSignature", message),
        Rejection::Mismatch => (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        Rejection::Skewed => ("SignatureDoesNotMatch", "Signature expired or not yet current"),
        Rejection::Token(Refusal::ExpiredToken) => {
            ("ExpiredToken", "The security token included in the request is expired")
        }
        Rejection::UnknownKey | Rejection::Token(Refusal::InvalidToken) => {
            ("InvalidClientTokenId", "The security token included in the request is invalid.")
        }
    };
    Refused(StatusCode::FORBIDDEN, code, message.to_owned())
}

fn caller_identity(keyring: &Keyring, key: &str) -> String {
    let (arn, user_id) = match keyring.session(key) {
        Some(session) => (session.arn, session.user_id),
        None => (format!("arn:aws:iam::{ACCOUNT}:user/s3tate"), key.to_owned()),
    };
    format!("<Arn>{}</Arn><UserId>{}</UserId><Account>{ACCOUNT}</Account>", escape(&arn), escape(&user_id))
}

/// Temporary keys for `RoleArn`.
fn assume(keyring: &Keyring, parameter: &dyn Fn(&str) -> Option<String>) -> Result<Temporary, Refused> {
    let invalid = |message: &str| Refused(StatusCode::BAD_REQUEST, "ValidationError", message.to_owned());
    let role = parameter("RoleArn").unwrap_or_default();
    let session = parameter("RoleSessionName").unwrap_or_default();
    let name = role.strip_prefix("arn:").and_then(|arn| arn.split_once(":role/")).map(|(_, name)| name);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| invalid("RoleArn is no ARN of a role"))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "=,.@_-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(allowed) {
        return Err(invalid("RoleSessionName must be 2 to 64 letters, digits or one of =,.@_-"));
    }
    let seconds = parameter("DurationSeconds").map_or(Ok(3600), |text| text.parse());
    let seconds = seconds.ok().filter(|seconds| DURATION.contains(seconds));
    let seconds = seconds.ok_or_else(|| invalid("DurationSeconds must be between 900 and 43200"))?;
    let account = role.split(':').nth(4).unwrap_or(ACCOUNT);
    let role_name = name.rsplit('/').next().unwrap_or(name);
    let arn = format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session}");
    keyring
        .issue(arn, &session, seconds)
        .map_err(|error| Refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure", error.to_string()))
}

/// Temporary keys against a web identity token.
///
/// There is no identity provider to ask, and such requests are not signed; so the one token that is accepted is the
/// endpoint's own secret.
fn web_identity(keyring: &Keyring, parameter: &dyn Fn(&str) -> Option<String>) -> Result<String, Refused> {
    use sha2::{Digest, Sha256};
    let token = parameter("WebIdentityToken").unwrap_or_default();
    if Sha256::digest(&token) != Sha256::digest(keyring.own().secret()) {
        let message = "The web identity token is not this endpoint's secret access key".to_owned();
        return Err(Refused(StatusCode::BAD_REQUEST, "InvalidIdentityToken", message));
    }
    let subject = "<SubjectFromWebIdentityToken>s3tate</SubjectFromWebIdentityToken>";
    Ok(format!("{subject}{}", credentials(&assume(keyring, parameter)?)))
}

fn credentials(issued: &Temporary) -> String {
    let expires = Timestamp::from_millisecond(issued.expires_ms).unwrap_or(Timestamp::MAX);
    format!(
        "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{}</Expiration></Credentials>",
        escape(&issued.user_id),
        escape(&issued.arn),
        issued.key.id,
        issued.key.secret(),
        issued.token,
        expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
}

/// A random request id in the form of a UUID.
pub(crate) fn request_id() -> String {
    let bytes = env::random::<16>().unwrap_or_default();
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        write!(id, "{byte:02x}").unwrap_or_default();
    }
    id
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
