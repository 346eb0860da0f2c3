//! Certificates for both ends, and what a server shows.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::raw::{Reply, read};

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// A certificate with its key, both PEM.
pub(crate) fn issued(
    by: &CertifiedIssuer<'static, KeyPair>,
    addresses: &[&str],
    name: &str,
) -> (String, String) {
    let names: Vec<String> = addresses.iter().map(|it| (*it).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, by).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

/// A client that knows servers by these.
fn trusting(
    by: &[&CertifiedIssuer<'static, KeyPair>],
) -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = rustls::RootCertStore::empty();
    for authority in by {
        roots.add(authority.der().clone()).expect("it is an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
}

/// The certificate that a server shows in a handshake, where one of these vouches for it.
pub(crate) fn shown(
    addr: &str,
    by: &[&CertifiedIssuer<'static, KeyPair>],
) -> Option<CertificateDer<'static>> {
    let config = trusting(by).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    while session.is_handshaking() {
        session.complete_io(&mut stream).ok()?;
    }
    session.peer_certificates()?.first().cloned()
}

/// One request by TLS, with a client certificate and its key where they are given.
pub(crate) fn ask(
    addr: &str,
    by: &CertifiedIssuer<'static, KeyPair>,
    client: Option<&(String, String)>,
    head: &str,
    body: &str,
) -> Reply {
    let config = trusting(&[by]);
    let config = match client {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            config.with_client_auth_cert(vec![certificate], key).expect("they fit")
        }
    };
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let session = rustls::ClientConnection::new(Arc::new(config), name).expect("a session");
    let stream = TcpStream::connect(addr).expect("the server listens");
    let mut stream = rustls::StreamOwned::new(session, stream);
    let length = body.len();
    let head = format!("{head}Host: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).expect("it is sent");
    read(&mut stream).expect("an answer")
}
