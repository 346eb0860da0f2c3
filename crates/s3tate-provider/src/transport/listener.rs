//! The socket: a Unix one where there are any, else TCP on the loopback address.

use std::path::{Path, PathBuf};

use s3tate::{Env, Error, ErrorKind, Result};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::connection::Raw;

/// Longest path that a socket may have on every system.
const MAX_PATH_BYTES: usize = 103;

/// A bound socket. Its file is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    pub(crate) network: &'static str,
    pub(crate) address: String,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds a socket of a random name in the directory that the client names, or in that of temporary files; TCP where
    /// its path would be too long, and on systems without such sockets.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: nothing can be bound.
    pub(crate) async fn bind(env: &Env) -> Result<Self> {
        let path = socket_path(env)?;
        if cfg!(unix) && path.as_os_str().len() <= MAX_PATH_BYTES {
            return Self::bind_unix(env, &path);
        }
        let refused = |cause: std::io::Error| not_bound("127.0.0.1").with_source(cause);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?.to_string();
        Ok(Self { socket: Socket::Tcp(listener), network: "tcp", address })
    }

    #[cfg(unix)]
    fn bind_unix(env: &Env, path: &Path) -> Result<Self> {
        let address = path.display().to_string();
        let refused = |cause: std::io::Error| not_bound(&address).with_source(cause);
        let listener = UnixListener::bind(path).map_err(refused)?;
        let socket = Socket::Unix(listener, path.to_owned());
        let bound = Self { socket, network: "unix", address: address.clone() };
        let mode = if let Some(group) = env.var("PLUGIN_UNIX_SOCKET_GROUP") {
            give_to(path, group)?;
            0o660
        } else {
            0o600
        };
        set_mode(path, mode).map_err(refused)?;
        Ok(bound)
    }

    #[cfg(not(unix))]
    fn bind_unix(_: &Env, path: &Path) -> Result<Self> {
        Err(not_bound(&path.display().to_string()))
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> std::io::Result<Raw> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Calls are small, and wait for each other.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            #[cfg(unix)]
            Socket::Unix(listener, _) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Socket::Unix(_, path) = &self.socket {
            // Whoever removed it first did what we would.
            drop(std::fs::remove_file(path));
        }
    }
}

fn socket_path(env: &Env) -> Result<PathBuf> {
    let directory = env.var("PLUGIN_UNIX_SOCKET_DIR").map_or_else(|| env.temp_dir(), PathBuf::from);
    let id = env.random_id()?.replace('-', "");
    Ok(directory.join(format!("s3tate-{}.sock", id.get(..16).unwrap_or(&id))))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Lets a group connect, which is given by its number or by its name in the system's list.
#[cfg(unix)]
fn give_to(path: &Path, group: &str) -> Result<()> {
    let listed = || {
        let groups = std::fs::read_to_string("/etc/group").ok()?;
        let line = groups.lines().find(|line| line.split(':').next() == Some(group))?;
        line.split(':').nth(2)?.parse().ok()
    };
    let unusable =
        || Error::invalid(format!("`PLUGIN_UNIX_SOCKET_GROUP` names no group: `{group}`; nothing is served"));
    let id = group.parse().ok().or_else(listed).ok_or_else(unusable)?;
    std::os::unix::fs::chown(path, None, Some(id))
        .map_err(|cause| not_bound(&path.display().to_string()).with_source(cause))
}

fn not_bound(address: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("can't listen at `{address}`; nothing is served"))
}
