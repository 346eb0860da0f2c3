//! Requests byte for byte, one connection each.

use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    /// A lock conflict as clients need it: this status, and the holder's record with this ID.
    #[track_caller]
    pub(crate) fn names_holder(self, status: u16, id: &str) -> Self {
        let reply = self.is(status);
        let holder = reply.json();
        assert_eq!(holder["ID"], id, "{holder}");
        for member in ["Operation", "Info", "Who", "Version", "Path"] {
            assert!(holder[member].is_string(), "{member} in {holder}");
        }
        let created = holder["Created"].as_str().map(str::parse::<jiff::Timestamp>);
        assert!(created.is_some_and(|time| time.is_ok()), "{holder}");
        reply
    }
}

/// Sends `head` (without its last empty line) and `body` as they are, and reads what comes until the connection ends.
pub(crate) fn exchange(addr: &str, head: &str, body: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    // A server that has answered may have closed before it read everything.
    let sent = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(b"\r\n"))
        .and_then(|()| stream.write_all(body));
    drop(sent.and_then(|()| stream.flush()));
    read(&mut stream)
}

/// Reads an answer up to the end of the connection; `None` where it ended without one.
pub(crate) fn read(stream: &mut impl Read) -> Option<Reply> {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes));
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let rest = &bytes[end + 4..];
    let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(rest)? } else { rest.to_vec() };
    Some(Reply { status, head, body })
}

/// `None` where the last chunk is missing.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..length)?);
        rest = rest.get(length + 2..)?;
    }
}
