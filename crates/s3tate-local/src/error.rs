//! Why the endpoint could not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why [`crate::Local::start`] failed. Nothing is running and no lock is held afterwards.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Another process listens on that address.
    #[error("port {} of {} is in use by another process", addr.port(), addr.ip())]
    PortInUse {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// The address can't be listened on for another reason.
    #[error("can't listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process serves the same data directory.
    #[error("the data directory `{}` is held by another process", path.display())]
    DirectoryHeld {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory can't be made or written to.
    #[error("the data directory `{}` is not writable", path.display())]
    DirectoryNotWritable {
        /// The data directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A database in the data directory was written by a newer version; it was left as it was.
    #[error("`{}` was written by a newer version of s3tate", path.display())]
    NewerDatabase {
        /// The database file.
        path: PathBuf,
    },
    /// A database in the data directory can't be opened.
    #[error("can't open the database `{}`: {reason}", path.display())]
    Database {
        /// The database file, or `:memory:`.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// The file with the access key can't be understood.
    #[error("`{}` does not hold an access key", path.display())]
    AccessKeyFile {
        /// The key file.
        path: PathBuf,
        /// Where reading stopped.
        source: serde_json::Error,
    },
    /// A bucket name that S3 would refuse.
    #[error("`{name}` is not a bucket name (3 to 63 lower-case letters, digits, dots and hyphens)")]
    BadBucketName {
        /// The name that was asked for.
        name: String,
    },
    /// A table name that DynamoDB would refuse.
    #[error("`{name}` is not a table name (3 to 255 letters, digits, dots, hyphens and underscores)")]
    BadTableName {
        /// The name that was asked for.
        name: String,
    },
    /// A bucket or table could not be made.
    #[error("can't create `{name}`: {reason}")]
    Create {
        /// The bucket or table.
        name: String,
        /// What the database said.
        reason: String,
    },
    /// The operating system has no random bytes for keys.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
}
