//! What the endpoint is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Where objects, items and the access key are kept.
#[derive(Debug, Clone)]
pub enum Storage {
    /// A directory, made when missing, held by one process at a time.
    ///
    /// Holds `objects.sqlite3`, `tables.sqlite3` (plus SQLite's `-wal` and `-shm`), `access-key.json` and `lock`.
    Directory(PathBuf),
    /// Nothing on disk; everything is gone when the endpoint stops. For tests.
    Memory,
}

/// How [`crate::Local::start`] sets up the endpoint.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything is kept.
    pub storage: Storage,
    /// Address to listen on; port 0 takes a free one, told by [`crate::Local::addr`].
    pub listen: SocketAddr,
    /// Buckets to create with versioning enabled, where missing. Existing ones stay as they are.
    pub buckets: Vec<String>,
    /// Tables to create with the hash key `LockID` (S), billed on demand, where missing.
    pub tables: Vec<String>,
}

impl Options {
    /// Listens on a free port of 127.0.0.1, with no buckets and no tables.
    pub fn new(storage: Storage) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { storage, listen, buckets: Vec::new(), tables: Vec::new() }
    }
}
