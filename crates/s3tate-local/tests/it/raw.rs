//! Requests as bytes, for what the SDK does not let through.

use hmac::{Hmac, KeyInit, Mac};
use s3tate_local::{AccessKey, Local};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request to be sent.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) method: &'static str,
    /// With the query, encoded.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Raw {
    pub(crate) fn new(method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Signs for `service`, with `payload` in the place of the body's hash.
    pub(crate) fn signed(self, local: &Local, service: &str, payload: &str) -> Self {
        self.signed_at(local, local.access_key(), service, payload, jiff::Timestamp::now())
    }

    pub(crate) fn signed_at(
        self,
        local: &Local,
        key: &AccessKey,
        service: &str,
        payload: &str,
        now: jiff::Timestamp,
    ) -> Self {
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut signed = self
            .header("host", local.addr().to_string())
            .header("x-amz-date", date.clone())
            .header("x-amz-content-sha256", payload);
        signed.headers.sort();
        let names: Vec<&str> = signed.headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let headers: Vec<String> =
            signed.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let headers = headers.concat();
        let (path, query) = signed.target.split_once('?').unwrap_or((&signed.target, ""));
        let request = format!("{}\n{path}\n{query}\n{headers}\n{names}\n{payload}", signed.method);
        let scope = format!("{}/us-east-1/{service}/aws4_request", &date[..8]);
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(request.as_bytes()));
        let mut secret = format!("AWS4{}", key.secret()).into_bytes();
        for part in scope.split('/') {
            secret = hmac(&secret, part);
        }
        let signature = hex(&hmac(&secret, &to_sign));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            key.id
        );
        signed.header("authorization", authorization)
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn send(self, local: &Local) -> Answer {
        let mut stream = TcpStream::connect(local.addr()).await.expect("connect");
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.target);
        let has = |name: &str| self.headers.iter().any(|(header, _)| header == name);
        if !has("host") {
            head.push_str("host: localhost\r\n");
        }
        if !has("content-length") {
            head.push_str(&["content-length: ", &self.body.len().to_string(), "\r\n"].concat());
        }
        for (name, value) in &self.headers {
            head.push_str(&[name, ": ", value, "\r\n"].concat());
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.expect("head");
        stream.write_all(&self.body).await.expect("body");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answer");
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head, body: answer[end + 4..].to_vec() }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    hmac.update(message.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}
