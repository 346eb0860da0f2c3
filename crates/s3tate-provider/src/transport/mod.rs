//! How the client reaches us: a socket, a connection that only it can make, and streams of them for the server.

mod connection;
mod listener;
mod p521;
mod tls;

pub(crate) use connection::accepted;
pub(crate) use listener::Listener;
pub(crate) use tls::Tls;
