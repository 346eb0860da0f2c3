//! Requests to a state server, sent again as stock clients do.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode, Uri};
use md5::{Digest as _, Md5};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::settings::{Door, HttpSettings, Retries, Tls, shown};
use crate::aws::{Connection, Timeouts, anybody, bundles, no_proxy, tls_builder};
use crate::config::Proxy;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};

/// As with stock clients.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest pause that a server may ask for.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_mins(1);

/// Sends requests to one state server.
#[derive(Debug, Clone)]
pub(super) struct Client {
    connection: Connection,
    authorization: Option<String>,
    settings: Arc<HttpSettings>,
    env: Env,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    location: Option<String>,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: a certificate or key can't be used.
    pub(super) fn new(settings: HttpSettings, env: Env) -> Result<Self> {
        let proxy = env.first(&["HTTPS_PROXY", "https_proxy"]).map(|(_, url)| Proxy { url: url.to_owned() });
        let direct = env.first(&["NO_PROXY", "no_proxy"]).map_or("", |(_, hosts)| hosts);
        let timeouts = Timeouts { connect: Some(CONNECT_TIMEOUT), read: None };
        let tls = tls(&settings, &env)?;
        let connection = Connection::new(timeouts, proxy.as_ref(), &no_proxy(direct), &tls);
        let authorization = settings.username.as_ref().map(|name| {
            format!("Basic {}", STANDARD.encode(format!("{name}:{}", settings.password.expose())))
        });
        Ok(Self { connection, authorization, settings: Arc::new(settings), env })
    }

    /// The same client for another workspace of the server.
    pub(super) fn with(&self, settings: HttpSettings) -> Self {
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    pub(super) fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    pub(super) async fn get(&self) -> Result<Answer> {
        self.ask("GET", &self.settings.address, None).await
    }

    pub(super) async fn delete(&self) -> Result<Answer> {
        self.ask("DELETE", &self.settings.address, None).await
    }

    /// Sends a state, with the ID of the lock that it is written under.
    pub(super) async fn put(&self, bytes: Bytes, lock_id: Option<&str>) -> Result<Answer> {
        let address =
            lock_id.map_or_else(|| self.settings.address.clone(), |id| with_id(&self.settings.address, id));
        self.ask(&self.settings.update_method, &address, Some(bytes)).await
    }

    pub(super) async fn knock(&self, door: &Door, record: &str) -> Result<Answer> {
        self.ask(&door.method, &door.address, Some(Bytes::copy_from_slice(record.as_bytes()))).await
    }

    /// Sends a request, again where there was no answer or one that says "later".
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`]: no attempt was answered; whether it had an effect isn't known.
    async fn ask(&self, method: &str, address: &str, body: Option<Bytes>) -> Result<Answer> {
        let Retries { most, first_pause, longest_pause } = self.settings.retries;
        let mut attempt = 0;
        loop {
            let (why, asked) = match self.once(method, address, body.clone()).await {
                Ok((answer, _)) if !is_for_later(answer.status) => return Ok(answer),
                Ok((answer, asked)) => (format!("the server answers {}", answer.status), asked),
                Err(why) => (why, None),
            };
            if attempt >= most {
                let message = format!("`{}` does not answer {method}", shown(address));
                let error = Error::new(ErrorKind::Unknown, message).fact("cause", why);
                return Err(error.fact("attempts", (attempt + 1).to_string()));
            }
            let pause = first_pause.saturating_mul(2_u32.saturating_pow(attempt)).min(longest_pause);
            self.env.sleep(asked.unwrap_or(pause)).await;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        method: &str,
        address: &str,
        body: Option<Bytes>,
    ) -> Result<(Answer, Option<Duration>), String> {
        let request = self.request(method, address, body)?;
        let answer = self.connection.send(request).await.map_err(|error| described(&error))?;
        let (parts, body) = answer.into_parts();
        let location = text(&parts.headers, LOCATION.as_str());
        let asked = text(&parts.headers, RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        let asked = asked.map(|seconds| Duration::from_secs(seconds).min(LONGEST_ASKED_PAUSE));
        let whole = ByteStream::new(body).collect().await;
        let body = whole.map_err(|_| "the answer broke off".to_owned())?.into_bytes();
        Ok((Answer { status: parts.status, body, location }, asked))
    }

    fn request(&self, method: &str, address: &str, body: Option<Bytes>) -> Result<Request<SdkBody>, String> {
        let uri: Uri = address.parse().map_err(|_| "its address is none".to_owned())?;
        let mut request = Request::builder().method(method);
        if let Some(authorization) = self.authorization.clone().or_else(|| user_info(&uri)) {
            request = request.header(AUTHORIZATION, authorization);
        }
        for (name, value) in &self.settings.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &body {
            request = request.header(CONTENT_TYPE, "application/json");
            request = request.header("Content-MD5", STANDARD.encode(Md5::digest(body)));
        }
        let body = body.map_or_else(SdkBody::empty, SdkBody::from);
        request.uri(without_user_info(&uri)).body(body).map_err(|error| error.to_string())
    }
}

impl Answer {
    /// The error of an answer that doesn't say what was asked for.
    pub(super) fn unexpected(&self, address: &str, message: String) -> Error {
        let kind = match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ErrorKind::Denied,
            _ => ErrorKind::Unavailable,
        };
        let error =
            Error::new(kind, message).fact("address", shown(address)).fact("answer", self.status.to_string());
        match &self.location {
            Some(location) if self.status.is_redirection() => {
                error.fact("moved to", shown(location)).hint("name that address instead")
            }
            _ if kind == ErrorKind::Denied => error.hint("set TF_HTTP_USERNAME and TF_HTTP_PASSWORD"),
            _ => error,
        }
    }
}

/// 429 and every 5xx but 501, as with stock clients.
fn is_for_later(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The innermost causes are those that tell something.
fn described(error: &dyn std::error::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Sets `ID` in the query, whatever it is there.
fn with_id(address: &str, id: &str) -> String {
    let (place, query) = address.split_once('?').unwrap_or((address, ""));
    let others = query.split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("ID"));
    let id = format!("ID={id}");
    format!("{place}?{}", others.chain([id.as_str()]).collect::<Vec<_>>().join("&"))
}

fn user_info(uri: &Uri) -> Option<String> {
    let (user, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(user).collect();
    Some(format!("Basic {}", STANDARD.encode(decoded)))
}

fn without_user_info(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{}", uri.path_and_query().map_or("/", |path| path.as_str()))
}

fn tls(settings: &HttpSettings, env: &Env) -> Result<ClientConfig> {
    let Tls { any_certificate, ca_pem, certificate_pem, key_pem } = &settings.tls;
    let builder = if *any_certificate {
        tls_builder().dangerous().with_custom_certificate_verifier(anybody())
    } else if settings.address.starts_with("https:") {
        tls_builder().with_root_certificates(roots(ca_pem.as_deref(), env)?)
    } else {
        tls_builder().with_root_certificates(RootCertStore::empty())
    };
    match (certificate_pem, key_pem) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.as_bytes()).flatten().collect();
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                .map_err(|_| bad("client_private_key_pem"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| bad("client_certificate_pem").with_source(error))
        }
        (Some(_), None) => {
            Err(Error::invalid("client_certificate_pem is set but client_private_key_pem is not"))
        }
        (None, Some(_)) => {
            Err(Error::invalid("client_private_key_pem is set but client_certificate_pem is not"))
        }
    }
}

fn roots(ca_pem: Option<&str>, env: &Env) -> Result<RootCertStore> {
    let pem = match ca_pem {
        Some(pem) => pem.as_bytes().to_vec(),
        None => bundles(env.var("SSL_CERT_FILE")).unwrap_or_default(),
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    match (added, ca_pem) {
        (0, Some(_)) => Err(bad("client_ca_certificate_pem")),
        (0, None) => Err(Error::invalid("there are no trusted roots on this machine; nothing was done")
            .hint("set SSL_CERT_FILE, or `client_ca_certificate_pem`")),
        _ => Ok(store),
    }
}

fn bad(attribute: &str) -> Error {
    Error::invalid(format!("`{attribute}` of the backend \"http\" is no usable PEM; nothing was done"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_id_replaces_one_that_is_there() {
        assert_eq!(with_id("http://h/s", "x"), "http://h/s?ID=x");
        assert_eq!(with_id("http://h/s?ID=z&ref=main", "x"), "http://h/s?ref=main&ID=x");
    }

    #[test]
    fn user_and_password_in_an_address_go_into_a_header() {
        let uri: Uri = "https://dana:p%40w@h:1/s?a=b".parse().unwrap();
        assert_eq!(user_info(&uri).unwrap(), format!("Basic {}", STANDARD.encode("dana:p@w")));
        assert_eq!(without_user_info(&uri), "https://h:1/s?a=b");
    }
}
