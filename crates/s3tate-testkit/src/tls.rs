//! HTTPS with a private CA before an endpoint, and a proxy before that.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::runtime::runtime;

/// A host that only [`ConnectProxy`] knows: this machine.
const FAR: &str = "far.s3tate.test";

/// Takes TLS off and passes the bytes on. Its certificate is for its addresses and is signed by a CA that nobody else
/// knows.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    ca: String,
    connections: Arc<Mutex<usize>>,
    listener: JoinHandle<()>,
}

impl TlsFront {
    /// Starts it on a free port before `upstream`, an `http://` URL.
    pub fn start(upstream: &str) -> Self {
        let (ca, config) = certificate();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let connections = Arc::<Mutex<usize>>::default();
        let count = Arc::clone(&connections);
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstream, count) = (acceptor.clone(), upstream.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // A client that doesn't trust the certificate hangs up here.
                    let Ok(mut inside) = acceptor.accept(stream).await else { return };
                    *count.lock().expect("nobody panics here") += 1;
                    let Ok(mut outside) = TcpStream::connect(upstream).await else { return };
                    drop(copy_bidirectional(&mut inside, &mut outside).await);
                });
            }
        };
        Self { address, ca, connections, listener: runtime().spawn(serve) }
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The same under a name that no proxy is passed by for, and that nobody but [`ConnectProxy`] can resolve.
    pub fn far_url(&self) -> String {
        format!("https://{FAR}:{}", self.address.port())
    }

    /// The CA's certificate, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// How many connections have come as far as the end of the handshake.
    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("nobody panics here")
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// A CA's certificate, and a server with one of its.
fn certificate() -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are no problem");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().expect("a key");
    let ca = CertifiedIssuer::self_signed(params, key()).expect("a CA");
    let names = ["127.0.0.1", "localhost", FAR].map(str::to_owned).to_vec();
    let leaf_key = key();
    let leaf =
        CertificateParams::new(names).expect("three names").signed_by(&leaf_key, &ca).expect("a certificate");
    let private = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("a private key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private)
        .expect("key and certificate belong together");
    (ca.as_ref().pem(), config)
}

/// A proxy that speaks CONNECT alone and writes down where it was asked to go.
#[derive(Debug)]
pub struct ConnectProxy {
    url: String,
    targets: Arc<Mutex<Vec<String>>>,
    listener: JoinHandle<()>,
}

impl ConnectProxy {
    /// Starts it on a free port.
    #[expect(clippy::new_without_default, reason = "it opens a port; a default shouldn't")]
    pub fn new() -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let targets = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&targets);
        let serve = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move { drop(tunnel(stream, &seen).await) });
            }
        };
        Self { url, targets, listener: runtime().spawn(serve) }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the hosts that were asked for since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.targets.lock().expect("nobody panics here"))
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn tunnel(stream: TcpStream, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().expect("nobody panics here").push(target.clone());
    if !first.starts_with("CONNECT ") {
        return stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
    }
    let mut upstream = TcpStream::connect(target.replace(FAR, "127.0.0.1")).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}
