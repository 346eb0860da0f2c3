//! A server for `backend "http"`, in memory: any path is a state.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, server};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::LockRecord;
use crate::runtime::runtime;

/// The server; it stops when this is dropped.
#[derive(Debug)]
pub struct StateServer {
    url: String,
    states: Arc<States>,
    listener: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct States(Mutex<Stored>);

#[derive(Debug, Default)]
struct Stored {
    states: BTreeMap<String, Bytes>,
    /// Lock records by path.
    locks: BTreeMap<String, Bytes>,
}

impl StateServer {
    /// Starts it on a free port, without any state.
    pub fn start() -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let states = Arc::<States>::default();
        Self { url, listener: runtime().spawn(serve(listener, Arc::clone(&states))), states }
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The arguments of a block for the state at `path`, one `name = value` a line, with locks.
    pub fn attributes(&self, path: &str) -> String {
        let names = ["address", "lock_address", "unlock_address"];
        names.map(|name| format!("{name} = \"{}{path}\"\n", self.url)).concat()
    }

    /// Stores a state.
    pub fn put(&self, path: &str, bytes: impl Into<Bytes>) {
        self.states.lock().states.insert(path.to_owned(), bytes.into());
    }

    /// The state at `path`.
    pub fn get(&self, path: &str) -> Option<Bytes> {
        self.states.lock().states.get(path).cloned()
    }

    /// Takes the lock of the state at `path` for somebody.
    pub fn put_lock(&self, path: &str, record: &LockRecord) {
        self.states.lock().locks.insert(path.to_owned(), record.to_json().into());
    }

    /// The IDs of all locks.
    pub fn locks(&self) -> Vec<String> {
        self.states.lock().locks.values().map(|record| id_of(record)).collect()
    }
}

impl Drop for StateServer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(listener: TcpListener, states: Arc<States>) {
    while let Ok((stream, _)) = listener.accept().await {
        let states = Arc::clone(&states);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &states));
            drop(server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(request: Request<Incoming>, states: &States) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let id = parts.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("ID=")));
    let (status, body) = states.lock().answer(parts.method.as_str(), parts.uri.path(), id, body);
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    Ok(response)
}

impl States {
    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().expect("nobody panics here")
    }
}

impl Stored {
    /// Repeated requests are answered as the first was, since clients send them when an answer is lost.
    fn answer(&mut self, method: &str, path: &str, id: Option<&str>, body: Bytes) -> (StatusCode, Bytes) {
        let holder = self.locks.get(path).cloned();
        let held_by = |id: &str| holder.as_ref().is_none_or(|holder| id_of(holder) == id);
        let done = (StatusCode::OK, Bytes::new());
        match method {
            "GET" => match self.states.get(path) {
                Some(state) => (StatusCode::OK, state.clone()),
                None => (StatusCode::NOT_FOUND, Bytes::new()),
            },
            "LOCK" if held_by(&id_of(&body)) => {
                self.locks.insert(path.to_owned(), body);
                done
            }
            "UNLOCK" if body.is_empty() || held_by(&id_of(&body)) => {
                self.locks.remove(path);
                done
            }
            "POST" if held_by(id.unwrap_or_default()) && (id.is_none() || holder.is_some()) => {
                self.states.insert(path.to_owned(), body);
                done
            }
            "DELETE" => {
                self.states.remove(path);
                done
            }
            "LOCK" | "UNLOCK" => (StatusCode::LOCKED, holder.unwrap_or_default()),
            "POST" => (StatusCode::CONFLICT, holder.unwrap_or_default()),
            _ => (StatusCode::METHOD_NOT_ALLOWED, Bytes::new()),
        }
    }
}

fn id_of(record: &[u8]) -> String {
    let record: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
    record["ID"].as_str().unwrap_or_default().to_owned()
}
