//! Every state below a prefix: what there is, and what is in it.
//!
//! A listing tells which objects there are, page by page; each that may be a state is read once, as a stream, and what can be
//! searched of it is kept in an [`Index`] on disk, by its entity tag. So a later run reads only what has changed. Memory
//! holds one page of the listing and one resource of each state that is being read, however many states there are.
//!
//! What a state marks as sensitive is neither kept nor found, and where marks can't be relied on, little is.

mod analyse;
mod browse;
mod index;
mod lines;
mod listed;
mod search;
mod tables;

use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

pub use browse::{Browsed, BrowsedState, StoredObject};
pub use index::Index;
pub use search::{Hit, Pattern, Search};

use crate::backend::Backend;
use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Holder, LockStore as _};
use crate::names::StateKey;
use crate::state::Header;
use crate::workspace::Workspace;
use index::{Entry, Seen, Summary};
use listed::Listed;
use tables::Items;

/// How many states are read, or looked up, at a time.
const CONCURRENT_STATES: usize = 16;

/// One state of the catalogue.
#[derive(Debug, Clone)]
pub struct CatalogState {
    /// `s3://BUCKET/KEY`.
    pub url: String,
    /// The workspace, by the place of the key below the backend's `workspace_key_prefix`.
    pub workspace: String,
    /// Size of the object.
    pub size_bytes: u64,
    /// When it was stored.
    pub modified: Option<Timestamp>,
    /// Its header; `None` where it can't be read.
    pub header: Option<Header>,
    /// How many instances of managed resources it has.
    pub resources: u64,
    /// How many instances of data resources it has.
    pub data: u64,
    /// How many outputs it has.
    pub outputs: u64,
    /// The locks that are held on it.
    pub locks: Vec<Holder>,
    /// How its digest stands.
    pub digest: DigestHealth,
    /// Why it can't be read.
    pub error: Option<String>,
}

/// How a state and its digest in the table stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestHealth {
    /// There is no table.
    Unused,
    /// The digest is the state's.
    Fits,
    /// None is recorded, which stock clients take as well.
    Missing,
    /// It is another state's; nobody can read this one.
    Differs,
}

impl DigestHealth {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Fits => "ok",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Objects that were listed.
    pub listed: u64,
    /// Those that have been looked at.
    pub done: u64,
    /// Those that had to be read.
    pub read: u64,
}

/// Told of each step; called from the task that drives the stream.
pub type Progress = Arc<dyn Fn(Scanned) + Send + Sync>;

/// A state that has been looked at, with the path of its lines.
struct Looked {
    listed: Listed,
    entry: Entry,
}

impl Backend {
    /// The states whose key begins with `prefix`, in the order of their keys.
    ///
    /// One request a thousand objects, one a state that the index doesn't know, one a lock object, and, with a table, one a
    /// fifty states. Objects that are no states are left out.
    ///
    /// # Errors
    /// Failures of the store and of the index. A state that can't be read is no error but has one.
    pub fn catalog<'a>(
        &'a self,
        prefix: &'a str,
        index: &'a Index,
        progress: Progress,
    ) -> impl Stream<Item = Result<CatalogState>> + 'a {
        let pages = self.looked_at(prefix, index, progress).and_then(move |looked| async move {
            let keys: Vec<_> = looked.iter().map(|looked| looked.listed.key.clone()).collect();
            let items = tables::items(self, &keys).await?;
            let rows = looked.into_iter().map(|looked| self.row(looked, &items));
            futures::stream::iter(rows).buffered(CONCURRENT_STATES).try_collect::<Vec<_>>().await
        });
        pages.map_ok(|rows| futures::stream::iter(rows.into_iter().map(Ok))).try_flatten()
    }

    /// What matches below a prefix, state by state in the order of their keys, within a state in that of the document.
    ///
    /// Costs as [`Backend::catalog`], without looks at locks and digests.
    ///
    /// # Errors
    /// As for [`Backend::catalog`].
    pub fn find<'a>(
        &'a self,
        prefix: &'a str,
        search: &'a Arc<Search>,
        index: &'a Index,
        progress: Progress,
    ) -> impl Stream<Item = Result<Found>> + 'a {
        let pages = self.looked_at(prefix, index, progress).map_ok(move |looked| {
            let found = looked.into_iter().map(move |looked| self.search_in(looked, search, index));
            futures::stream::iter(found).buffered(CONCURRENT_STATES)
        });
        pages.try_flatten()
    }

    /// The state with this key, whatever the configured one is.
    pub fn state_at(&self, key: &str) -> Workspace {
        Workspace::of_key(self.clone(), StateKey::of_object(key))
    }

    /// Page by page what the listing has, read or known.
    fn looked_at<'a>(
        &'a self,
        prefix: &'a str,
        index: &'a Index,
        progress: Progress,
    ) -> impl Stream<Item = Result<Vec<Looked>>> + 'a {
        let counts = Arc::new(std::sync::Mutex::new(Scanned::default()));
        let count = move |change: &dyn Fn(&mut Scanned)| {
            let mut counts = counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            change(&mut counts);
            progress(*counts);
        };
        let count = Arc::new(count);
        let seen = Seen::default();
        let names = seen.clone();
        let pages = listed::pages(self, prefix, None).and_then(move |page| {
            let count = Arc::clone(&count);
            async move {
                count(&|counts| counts.listed += page.len() as u64);
                let looks = page.into_iter().map(|listed| {
                    let count = Arc::clone(&count);
                    async move {
                        let looked = self.look(listed, index).await?;
                        count(&|counts| {
                            counts.done += 1;
                            counts.read += u64::from(looked.as_ref().is_some_and(|(_, read)| *read));
                        });
                        Ok::<_, Error>(looked.map(|(looked, _)| looked))
                    }
                });
                let looked = futures::stream::iter(looks).buffered(CONCURRENT_STATES);
                looked.try_filter_map(futures::future::ok).try_collect::<Vec<_>>().await
            }
        });
        let bucket = &self.config.bucket;
        let pages = pages.inspect(move |page| match page {
            Ok(page) => page.iter().for_each(|looked| names.saw(bucket, &looked.listed.key)),
            Err(_) => names.broke_off(),
        });
        let end = futures::stream::once(async move {
            index.forget_all_but(bucket, prefix, &seen)?;
            Ok(Vec::new())
        });
        let states = |page: Vec<Looked>| page.into_iter().filter(|looked| looked.entry.is_state()).collect();
        pages.chain(end).map_ok(states)
    }

    /// `None` where the object has gone since it was listed; and whether it had to be read.
    async fn look(&self, listed: Listed, index: &Index) -> Result<Option<(Looked, bool)>> {
        if let Some(etag) = &listed.etag
            && let Some(entry) = index.entry(&self.config.bucket, &listed.key, etag)
        {
            return Ok(Some((Looked { listed, entry }, false)));
        }
        let entry = analyse::analyse(self, &listed.key, index).await?;
        Ok(entry.map(|entry| (Looked { listed, entry }, true)))
    }

    async fn row(&self, looked: Looked, items: &Items) -> Result<CatalogState> {
        let Looked { listed, entry } = looked;
        let Summary { header, error, resources, data, outputs, .. } = entry.summary;
        let mut locks = items.locks(self, &listed.key);
        if listed.lock_object {
            locks.extend(self.lock_object(&StateKey::of_object(&listed.key)).holder().await?);
        }
        let digest = self.health(&listed.key, entry.digest.as_deref(), items);
        Ok(CatalogState {
            url: self.bucket().url(&listed.key),
            workspace: self.workspace_of(&listed.key),
            size_bytes: entry.size_bytes,
            modified: listed.modified,
            header: header.map(Header::from),
            resources,
            data,
            outputs,
            locks,
            digest,
            error,
        })
    }

    fn health(&self, key: &str, digest: Option<&str>, items: &Items) -> DigestHealth {
        if self.config.table.is_none() {
            return DigestHealth::Unused;
        }
        match items.digest(self, key) {
            None => DigestHealth::Missing,
            Some(recorded) if Some(recorded) == digest.and_then(StateDigest::from_hex) => DigestHealth::Fits,
            Some(_) => DigestHealth::Differs,
        }
    }

    async fn search_in(&self, looked: Looked, search: &Arc<Search>, index: &Index) -> Result<Found> {
        let key = looked.listed.key;
        let (url, workspace) = (self.bucket().url(&key), self.workspace_of(&key));
        if let Some(error) = looked.entry.summary.error {
            return Ok(Found { url, key, workspace, hits: Vec::new(), error: Some(error) });
        }
        let (hits, error) = match self.searched(&key, search, index).await {
            Err(damaged) if damaged.kind() == ErrorKind::Corrupt => {
                tracing::warn!(url, "the index of it can't be read, so the state is read again: {damaged}");
                match analyse::analyse(self, &key, index).await? {
                    Some(Entry { summary: Summary { error: Some(error), .. }, .. }) => {
                        (Vec::new(), Some(error))
                    }
                    Some(_) => (self.searched(&key, search, index).await?, None),
                    None => (Vec::new(), None),
                }
            }
            hits => (hits?, None),
        };
        Ok(Found { url, key, workspace, hits, error })
    }

    async fn searched(&self, key: &str, search: &Arc<Search>, index: &Index) -> Result<Vec<Hit>> {
        let lines = index.lines(&self.config.bucket, key)?;
        let search = Arc::clone(search);
        let hits = tokio::task::spawn_blocking(move || search.in_lines(lines)).await;
        hits.map_err(|cause| Error::new(ErrorKind::Bug, "a search broke off").with_source(cause))?
    }

    /// The workspace that a key is of: `PREFIX/NAME/KEY` is that of NAME, all else the default one.
    fn workspace_of(&self, key: &str) -> String {
        let prefix = &self.config.workspace_key_prefix;
        let below = key.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_prefix('/'));
        match below.and_then(|below| below.split_once('/')) {
            Some((name, _)) if !prefix.is_empty() => name.to_owned(),
            _ => "default".to_owned(),
        }
    }
}

/// What was found in one state.
#[derive(Debug, Clone)]
pub struct Found {
    /// `s3://BUCKET/KEY`.
    pub url: String,
    /// Its key.
    pub key: String,
    /// The workspace, as in [`CatalogState`].
    pub workspace: String,
    /// What matches.
    pub hits: Vec<Hit>,
    /// Why it could not be searched.
    pub error: Option<String>,
}
