//! A backend: the door to all workspaces of one configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::aws::Clients;
use crate::config::BackendConfig;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::kept;
use crate::listing;
use crate::lock::{Keeper, Trust};
use crate::names::WorkspaceName;
use crate::object::Bucket;
use crate::upload::{WHOLE_BYTES, parse_whole_bytes};
use crate::workspace::Workspace;

/// How long a digest that disagrees is read again, as stock clients do.
const DIGEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A configured backend. Cheap to clone; clients and connections are shared.
#[derive(Debug, Clone)]
pub struct Backend {
    pub(crate) config: Arc<BackendConfig>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) env: Env,
    pub(crate) digest_timeout: Duration,
    /// The largest state that is written by one request.
    whole_bytes: usize,
    /// How many states are kept beside the stored one; 0 where that is left to the bucket.
    pub(crate) keep: usize,
    pub(crate) keeper: Keeper,
    /// Stores that were seen to refuse a second lock object.
    pub(crate) trust: Trust,
}

impl Backend {
    /// Prepares a backend; nothing is sent yet.
    ///
    /// `S3TATE_DIGEST_TIMEOUT` (such as `30s`; default 10 s) bounds how long a digest that disagrees is read again.
    /// States above `S3TATE_MULTIPART_ABOVE` (such as `64MiB`; default 256 MiB, at most 5 GiB) are uploaded in parts.
    /// `S3TATE_KEEP` (such as `10`; default 0) is how many earlier states are kept: see [`Backend::keeping`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: the CA bundle or a variable can't be used.
    pub fn new(config: BackendConfig, env: Env) -> Result<Self> {
        let digest_timeout = match env.var("S3TATE_DIGEST_TIMEOUT") {
            Some(text) => {
                parse_duration(text).map_err(|error| error.fact("variable", "S3TATE_DIGEST_TIMEOUT"))?
            }
            None => DIGEST_TIMEOUT,
        };
        let whole_bytes = match env.var("S3TATE_MULTIPART_ABOVE") {
            Some(text) => {
                parse_whole_bytes(text).map_err(|error| error.fact("variable", "S3TATE_MULTIPART_ABOVE"))?
            }
            None => WHOLE_BYTES,
        };
        let keep = match env.var("S3TATE_KEEP") {
            Some(text) => kept::parse(text).map_err(|error| error.fact("variable", "S3TATE_KEEP"))?,
            None => 0,
        };
        let clients = Arc::new(Clients::new(&config, &env)?);
        let (keeper, trust) = (Keeper::default(), Trust::default());
        Ok(Self { config: Arc::new(config), clients, env, digest_timeout, whole_bytes, keep, keeper, trust })
    }

    /// A backend beside this one; it shares connections and credentials where both come from the same configuration.
    ///
    /// # Errors
    /// As [`Backend::new`].
    pub fn beside(&self, config: BackendConfig) -> Result<Self> {
        let Some(clients) = self.clients.shared_with(&config) else {
            let other = Self::new(config, self.env.clone())?.with_keeper(self.keeper.clone());
            return Ok(other.keeping(self.keep));
        };
        Ok(Self { config: Arc::new(config), clients: Arc::new(clients), ..self.clone() })
    }

    /// Whether a backend beside this one would share its connections and credentials.
    pub fn shares_with(&self, config: &BackendConfig) -> bool {
        self.clients.shared_with(config).is_some()
    }

    /// The same backend under another's keeper, so that one knows of several backends' locks.
    #[must_use]
    pub fn with_keeper(self, keeper: Keeper) -> Self {
        Self { keeper, ..self }
    }

    /// The same, keeping a copy of each state below `.s3tate/snapshots/` before it is replaced or deleted, and of the
    /// copies of one state the newest `number`. For buckets without versions; 0 keeps none.
    #[must_use]
    pub fn keeping(self, number: usize) -> Self {
        Self { keep: number, ..self }
    }

    /// How many copies are kept of each state that is replaced or deleted: see [`Backend::keeping`].
    pub fn keeps(&self) -> usize {
        self.keep
    }

    /// Knows which locks this backend holds, and what must not be cut off.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The same, remembering in this directory (Terraform's data directory) which stores were seen to refuse a second lock
    /// object, so that each has to show it once. A directory that isn't there is not made.
    #[must_use]
    pub fn remembering_in(self, directory: &Path) -> Self {
        Self { trust: Trust::kept_in(directory), ..self }
    }

    /// The configuration in use.
    pub fn config(&self) -> &BackendConfig {
        &self.config
    }

    /// The surroundings in use.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Opens a workspace; nothing is sent, and a missing one is not created.
    pub fn workspace(&self, name: WorkspaceName) -> Workspace {
        Workspace::new(self.clone(), name)
    }

    /// All workspaces: `default` first, which always exists, then the others bytewise.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unavailable`] or [`crate::ErrorKind::Denied`]; with the prefix `env:` a listing that is
    /// denied counts as "only the default workspace", as for stock clients.
    pub async fn workspaces(&self) -> Result<Vec<WorkspaceName>> {
        listing::workspaces(&self.bucket(), &self.config).await
    }

    /// Whether the bucket keeps versions; `None` where the caller may not know.
    pub async fn versioning(&self) -> Option<bool> {
        self.bucket().versioning().await
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::new(Arc::clone(&self.clients), Arc::clone(&self.config)).in_parts_above(self.whole_bytes)
    }
}

/// Reads a duration as Go and Terraform write it, such as `90s`, `1m30s`, `1.5h` or `300ms`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: not a duration, or a negative one.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let refused = || {
        Error::invalid(format!("`{text}` is not a duration"))
            .hint("write it with units, such as `90s` or `1m30s`")
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let signed: jiff::SignedDuration = text.parse().map_err(|_| refused())?;
    Duration::try_from(signed).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        for (text, millis) in [("0", 0), ("0s", 0), ("300ms", 300), ("1m30s", 90_000), ("1.5h", 5_400_000)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "5", "-5s", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
