//! The running endpoint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::accept;
use crate::directory::Directory;
use crate::dynamodb::Tables;
use crate::error::LocalError;
use crate::keyring::Keyring;
use crate::names;
use crate::options::{Options, Storage};
use crate::router::Router;
use crate::store::bucket::{self, Versioning};
use crate::store::{Store, Stored};
use crate::{AccessKey, s3};

/// An S3, DynamoDB and STS endpoint that serves until [`Local::stop`].
///
/// Dropping it stops it too, without waiting for requests under way.
#[derive(Debug)]
pub struct Local {
    addr: SocketAddr,
    keyring: Arc<Keyring>,
    store: Store,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Held for as long as the endpoint runs.
    directory: Option<Directory>,
}

impl Local {
    /// Opens the storage, creates the buckets and tables that are missing, and serves.
    ///
    /// Connections are accepted when this returns. Must be called on a multi-threaded tokio runtime, on which the
    /// endpoint goes on running.
    ///
    /// # Errors
    /// See [`LocalError`]; nothing is left running.
    pub async fn start(options: Options) -> Result<Self, LocalError> {
        names::check(&options.buckets, &options.tables)?;
        let listener = listen(options.listen).await?;
        let addr =
            listener.local_addr().map_err(|source| LocalError::Listen { addr: options.listen, source })?;
        let opening = tokio::task::spawn_blocking(move || open(options.storage, &options.tables)).await;
        let opened = opening.map_err(|error| LocalError::Create {
            name: "the data directory".to_owned(),
            reason: error.to_string(),
        })?;
        let Opened { directory, key, store, tables } = opened?;
        for name in &options.buckets {
            ensure_bucket(&store, name).await?;
        }
        let keyring = Arc::new(Keyring::new(key));
        let service = s3::service(store.clone(), Arc::clone(&keyring));
        let router = Arc::new(Router::new(service, tables, Arc::clone(&keyring)));
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept::serve(listener, router, stopped));
        tracing::debug!(%addr, "the local endpoint is up");
        Ok(Self { addr, keyring, store, stop, accepting, directory })
    }

    /// The address that is listened on, with the port that was taken.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://…`, for `AWS_ENDPOINT_URL`; loopback where all addresses are listened on.
    pub fn endpoint_url(&self) -> String {
        let mut addr = self.addr;
        match addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{addr}")
    }

    /// The key that clients sign with.
    pub fn access_key(&self) -> &AccessKey {
        self.keyring.own()
    }

    /// Stops accepting, lets requests under way finish for up to ten seconds, and closes the databases.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.accepting.await {
            tracing::warn!(%error, "the accept loop ended badly");
        }
        let store = self.store;
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::warn!(%error, "the object database was not closed");
        }
        drop(self.directory);
    }
}

/// What [`open`] opens.
struct Opened {
    directory: Option<Directory>,
    key: AccessKey,
    store: Store,
    tables: Tables,
}

async fn listen(addr: SocketAddr) -> Result<TcpListener, LocalError> {
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => LocalError::PortInUse { addr },
        _ => LocalError::Listen { addr, source },
    })
}

fn open(storage: Storage, lock_tables: &[String]) -> Result<Opened, LocalError> {
    let opened = match storage {
        Storage::Directory(path) => {
            let directory = Directory::hold(path)?;
            Opened {
                key: AccessKey::load_or_create(directory.path())?,
                store: Store::open(&directory.objects())?,
                tables: Tables::open(&directory.tables())?,
                directory: Some(directory),
            }
        }
        Storage::Memory => Opened {
            directory: None,
            key: AccessKey::generate("AKIA").map_err(LocalError::Random)?,
            store: Store::memory()?,
            tables: Tables::memory()?,
        },
    };
    for name in lock_tables {
        opened.tables.ensure_lock_table(name)?;
    }
    Ok(opened)
}

async fn ensure_bucket(store: &Store, name: &str) -> Result<(), LocalError> {
    let wanted = name.to_owned();
    let made = store.write(move |transaction| -> Stored<()> {
        if bucket::find(transaction, &wanted)?.is_none() {
            bucket::create(transaction, &wanted, s3::HOME_REGION, Versioning::Enabled)?;
        }
        Ok(())
    });
    made.await.map_err(|error| LocalError::Create { name: name.to_owned(), reason: error.to_string() })
}
