//! Which stores were seen to refuse a second lock object.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::aws::Clients;
use crate::config::BackendConfig;

/// The file in Terraform's data directory, a line for each store: `ENDPOINT BUCKET`.
const FILE: &str = "s3tate-verified-stores";

/// Hosts of Amazon's own, which document that they refuse.
const AMAZON: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

/// What was seen of stores, kept in memory and, where a directory is at hand, in a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    file: Option<PathBuf>,
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl Trust {
    /// Also remembers from one process to the next, if the directory is there: none is made for this.
    pub(crate) fn kept_in(directory: &Path) -> Self {
        Self { file: Some(directory.join(FILE)), seen: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this store was seen to refuse.
    pub(crate) fn has(&self, store: &str) -> bool {
        if self.seen().contains(store) {
            return true;
        }
        let known = self.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        known.is_some_and(|known| known.lines().any(|line| line == store))
    }

    /// Remembers that this store refuses. What can't be written down is found out again.
    pub(crate) fn remember(&self, store: &str) {
        if self.has(store) {
            return;
        }
        self.seen().insert(store.to_owned());
        let Some(file) = &self.file else { return };
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
        match opened.and_then(|mut file| file.write_all(format!("{store}\n").as_bytes())) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                tracing::warn!(%cause, file = %file.display(), "can't remember that the store refuses");
            }
            _ => {}
        }
    }

    /// Takes back that this store refuses.
    ///
    /// # Errors
    /// The file can't be written, so that the next process would trust the store.
    pub(crate) fn forget(&self, store: &str) -> std::io::Result<()> {
        self.seen().remove(store);
        let Some(file) = &self.file else { return Ok(()) };
        let Ok(known) = std::fs::read_to_string(file) else { return Ok(()) };
        let kept: String =
            known.lines().filter(|line| *line != store).map(|line| line.to_owned() + "\n").collect();
        if kept == known { Ok(()) } else { std::fs::write(file, kept) }
    }
}

/// The name of a store that has to show first that it refuses; `None` for Amazon's own.
pub(crate) async fn unproven_store(clients: &Clients, config: &BackendConfig) -> Option<String> {
    let endpoint = clients.s3_endpoint().await?;
    (!is_amazon(endpoint)).then(|| format!("{endpoint} {}", config.bucket))
}

fn is_amazon(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return false };
    uri.host().is_some_and(|host| AMAZON.iter().any(|end| host.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amazons_hosts_are_trusted_unseen() {
        for endpoint in [
            "https://s3.eu-west-1.amazonaws.com",
            "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com",
            "https://s3.cn-north-1.amazonaws.com.cn/",
            "https://s3.dualstack.us-east-1.api.aws:443",
        ] {
            assert!(is_amazon(endpoint), "{endpoint}");
        }
        for endpoint in
            ["http://127.0.0.1:9000", "https://s3.amazonaws.com.example.org", "https://minio/amazonaws.com"]
        {
            assert!(!is_amazon(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn a_store_is_remembered_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let trust = Trust::kept_in(directory.path());
        assert!(!trust.has("http://a b"));
        trust.remember("http://a b");
        trust.remember("http://a b");
        trust.remember("http://c d");
        let next = Trust::kept_in(directory.path());
        assert!(next.has("http://a b") && next.has("http://c d") && !next.has("http://a"));
        next.forget("http://a b").unwrap();
        assert!(!next.has("http://a b"));
        let text = std::fs::read_to_string(directory.path().join(FILE)).unwrap();
        assert_eq!(text, "http://c d\n");
    }

    #[test]
    fn no_directory_is_made_to_remember() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let trust = Trust::kept_in(&missing);
        trust.remember("http://a b");
        assert!(trust.has("http://a b"), "in this process");
        assert!(!missing.exists());
    }
}
