//! All services that give credentials, on one port: STS, IAM, instance metadata, a container's agent, Identity Center.
//!
//! The access key ids tell where they came from: `imds`, `container`, `sso`, `web.ROLE.TOKEN`, and
//! `role.ROLE.from.KEY` for a role that was assumed with KEY. Signatures are not checked. The container's agent gives
//! keys at `/container`, the same to whoever has its token at `/guarded`, and such as have ended long ago at
//! `/expired`. OIDC renews logins at `/token`.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, server};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::form;
use crate::runtime::runtime;

/// The account of every caller.
pub const ACCOUNT: &str = "123456789012";
/// When temporary keys end: far enough away for every run of the tests.
const EXPIRES: &str = "2099-01-01T00:00:00Z";
/// The token that Identity Center takes.
const LOGIN: &str = "login-token";
/// The token that renews it.
const REFRESH: &str = "refresh-token";
/// The token that the container's agent takes where it asks for one.
const AGENT: &str = "agent-token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// The services, stopped when this is dropped.
#[derive(Debug)]
pub struct Identities {
    url: String,
    listener: JoinHandle<()>,
}

impl Identities {
    /// Starts them on a free port.
    #[expect(clippy::new_without_default, reason = "it opens a port; a default shouldn't")]
    pub fn new() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// Starts them at an address of this machine.
    pub fn at(address: &str) -> Self {
        let listener = runtime().block_on(TcpListener::bind(address)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(async |request| Ok::<_, Infallible>(answer(request).await));
                let connection =
                    server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(connection.await) });
            }
        };
        Self { url, listener: runtime().spawn(serve) }
    }

    /// `http://127.0.0.1:<port>`, for all services.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What `aws sso login` leaves in `.aws/sso/cache/`.
    pub fn login(&self) -> String {
        format!(
            r#"{{"startUrl": "https://sso.example/start", "region": "us-east-1", "accessToken": "{LOGIN}",
                "expiresAt": "{EXPIRES}"}}"#
        )
    }

    /// The same after its end, with what it takes to refresh it.
    pub fn ended_login(&self) -> String {
        format!(
            r#"{{"startUrl": "https://sso.example/start", "region": "eu-west-1", "accessToken": "ended-token",
                "expiresAt": "2020-01-01T00:00:00Z", "clientId": "client", "clientSecret": "client-secret",
                "registrationExpiresAt": "{EXPIRES}", "refreshToken": "{REFRESH}"}}"#
        )
    }

    /// The ARN of the caller whose key this is.
    pub fn arn(key: &str) -> String {
        format!("arn:aws:iam::{ACCOUNT}:user/{key}")
    }
}

impl Drop for Identities {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn answer(request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let headers: BTreeMap<_, _> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let token = headers.get("x-aws-ec2-metadata-token").map(String::as_str);
    let login = headers.get("x-amz-sso_bearer_token").map(String::as_str);
    let text = match (parts.method.as_str(), parts.uri.path()) {
        ("PUT", "/latest/api/token") => Some("metadata-token".to_owned()),
        ("GET", ROLES) if token == Some("metadata-token") => Some("instance".to_owned()),
        ("GET", path) if token == Some("metadata-token") && path == format!("{ROLES}instance") => {
            Some(document("imds", r#""Code": "Success", "Type": "AWS-HMAC","#))
        }
        ("GET", "/expired") => Some(document("container", "").replace(EXPIRES, "2020-01-01T00:00:00Z")),
        ("GET", "/guarded") if headers.get("authorization").is_some_and(|token| token == AGENT) => {
            Some(document("container", ""))
        }
        ("GET", "/container") => Some(document("container", "")),
        ("GET", "/federation/credentials") if login == Some(LOGIN) => Some(
            r#"{"roleCredentials": {"accessKeyId": "sso", "secretAccessKey": "s", "sessionToken": "t",
                "expiration": 4070908800000}}"#
                .to_owned(),
        ),
        ("POST", "/token") => refreshed(&serde_json::from_slice(&body).unwrap_or_default()),
        ("POST", "/") => sts(&form::of(&headers, &body), headers.get("authorization")),
        _ => None,
    };
    let mut answer = Response::new(Full::from(text.clone().unwrap_or_default()));
    answer.headers_mut().insert("x-aws-ec2-metadata-token-ttl-seconds", "21600".parse().expect("a number"));
    if text.is_none() {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    }
    answer
}

/// What OIDC gives for a token that renews a login.
fn refreshed(request: &serde_json::Value) -> Option<String> {
    let expected = [
        ("clientId", "client"),
        ("clientSecret", "client-secret"),
        ("grantType", "refresh_token"),
        ("refreshToken", REFRESH),
    ];
    expected.iter().all(|(name, value)| request[name] == *value).then(|| {
        format!(r#"{{"accessToken": "{LOGIN}", "expiresIn": 28800, "refreshToken": "next", "tokenType": "Bearer"}}"#)
    })
}

fn document(key: &str, more: &str) -> String {
    format!(
        r#"{{{more} "LastUpdated": "2020-01-01T00:00:00Z", "AccessKeyId": "{key}", "SecretAccessKey": "s",
            "Token": "t", "Expiration": "{EXPIRES}"}}"#
    )
}

fn sts(form: &BTreeMap<String, String>, authorization: Option<&String>) -> Option<String> {
    let caller = authorization.and_then(|text| text.split_once("Credential=")?.1.split('/').next());
    let member = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let role = member("RoleArn").rsplit('/').next().unwrap_or_default();
    let action = member("Action");
    let result = match action {
        "GetCallerIdentity" => format!(
            "<Arn>{}</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>",
            Identities::arn(caller?)
        ),
        // IAM, not STS, but told apart by nothing else.
        "GetUser" => format!("<User><Arn>{}</Arn></User>", Identities::arn(caller?)),
        "AssumeRole" => credentials(&format!("role.{role}.from.{}", caller?)),
        "AssumeRoleWithWebIdentity" => credentials(&format!("web.{role}.{}", member("WebIdentityToken"))),
        _ => return None,
    };
    Some(format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    ))
}

fn credentials(key: &str) -> String {
    format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t</SessionToken><Expiration>{EXPIRES}</Expiration></Credentials>\
         <AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::{ACCOUNT}:assumed-role/r/x</Arn></AssumedRoleUser>"
    )
}
