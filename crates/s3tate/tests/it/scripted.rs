//! An endpoint that answers as it is told to: broken bodies, and objects that change between two requests.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use s3tate::Workspace;
use s3tate_testkit::Endpoint;

use crate::stage::Stage;

/// One answer: status line, headers and body, after which the connection is closed.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    /// An object, of which `sent` bytes from `from` on really come.
    pub(crate) fn object(etag: &str, bytes: &[u8], from: usize, sent: usize) -> Self {
        let rest = &bytes[from..];
        let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
        let range = match from {
            0 => String::new(),
            _ => format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len()),
        };
        let text = format!(
            "HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {}\r\nConnection: close\r\n{range}",
            rest.len()
        );
        Self([text.as_bytes(), b"\r\n", &rest[..sent.min(rest.len())]].concat())
    }

    /// An error without a body.
    pub(crate) fn status(status: &str) -> Self {
        Self(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes())
    }
}

/// The endpoint, and what it was asked.
pub(crate) struct Scripted {
    asked: Arc<Mutex<Vec<String>>>,
    stage: Stage,
}

impl Scripted {
    /// Gives these answers, one a connection.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for answer in answers {
                let Ok((stream, _)) = listener.accept() else { return };
                let head = serve(&stream, &answer);
                log.lock().expect("nobody panics here").push(head);
            }
        });
        let stage = Stage::on(Endpoint::at(&url, ("id", "secret"), "b", "t"), &["dynamodb_table="]);
        Self { asked, stage }
    }

    pub(crate) fn workspace(&self) -> Workspace {
        self.stage.workspace("default")
    }

    /// The heads of all requests, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics here").clone()
    }
}

fn serve(mut stream: &TcpStream, answer: &Answer) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|length| length > 0) {}
    // A client that has seen enough may be gone.
    drop(stream.write_all(&answer.0));
    head.to_lowercase()
}
