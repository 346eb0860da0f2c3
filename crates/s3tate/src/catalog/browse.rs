//! States to look through, page by page: which there are by a listing, what each of a page is by its first bytes.

use std::pin::pin;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

use super::listed::{self, Listed};
use super::tables::{self, Items};
use crate::backend::Backend;
use crate::error::Result;
use crate::lock::{Holder, LockStore as _};
use crate::names::StateKey;
use crate::object::Beginning;
use crate::state::{Header, OutputsReader};

/// How much of a state is read to know its header, which stock clients write first.
const HEAD_BYTES: u64 = 1 << 10;
/// How many states are looked at at a time.
const CONCURRENT_LOOKS: usize = 16;
/// How many pages of the listing are gone through for one page of states.
const MOST_LISTED: usize = 20;

/// A page of states.
#[derive(Debug, Clone)]
pub struct Browsed {
    /// The states, by their keys.
    pub states: Vec<BrowsedState>,
    /// The key behind which the next page begins; `None` where everything was looked through.
    pub next: Option<String>,
}

/// What is known of an object in the place of a state without reading more than its beginning.
#[derive(Debug, Clone)]
pub struct BrowsedState {
    /// Its key.
    pub key: String,
    /// Size of the object.
    pub size_bytes: u64,
    /// When it was stored.
    pub modified: Option<Timestamp>,
    /// Its header; `None` where it doesn't stand at the beginning, or can't be read.
    pub header: Option<Header>,
    /// Its serial, by its header or by what s3tate noted beside it.
    pub serial: Option<u64>,
    /// Who wrote it, where s3tate did.
    pub who: Option<String>,
    /// The locks that are held on it.
    pub locks: Vec<Holder>,
}

/// An object as a listing tells of it.
#[derive(Debug, Clone)]
pub struct StoredObject {
    /// Its key.
    pub key: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was stored.
    pub modified: Option<Timestamp>,
}

impl Backend {
    /// At most `most` states behind the key `after`, of those whose key is wanted, in the order of their keys.
    ///
    /// One request a thousand objects, of up to 20,000, one of up to 1 KiB a state, one a lock object, and, with a table,
    /// one a fifty states. A page may have few states or none, and another one behind it all the same.
    ///
    /// # Errors
    /// Failures of the listing, and of looking for locks. What can't be read is a state without a header.
    pub async fn browse(
        &self,
        after: Option<&str>,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Browsed> {
        let (found, next) = self.wanted(after, most, wanted).await?;
        let keys: Vec<_> = found.iter().map(|listed| listed.key.clone()).collect();
        let items = tables::items(self, &keys).await?;
        // No closure in the stream: otherwise the compiler can't tell that a server's task may carry this out.
        let looks: Vec<_> = found.into_iter().map(|listed| self.browsed(listed, &items)).collect();
        let states = futures::stream::iter(looks).buffered(CONCURRENT_LOOKS).try_collect().await?;
        Ok(Browsed { states, next })
    }

    async fn wanted(
        &self,
        after: Option<&str>,
        most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(Vec<Listed>, Option<String>)> {
        let (mut found, mut last) = (Vec::new(), None);
        let mut pages = pin!(listed::pages(self, "", after));
        for _ in 0..MOST_LISTED {
            let Some(page) = pages.try_next().await? else { return Ok((found, None)) };
            last = page.last().map(|listed| listed.key.clone()).or(last);
            for listed in page.into_iter().filter(|listed| wanted(&listed.key)) {
                if found.len() == most {
                    let next = found.last().map(|listed: &Listed| listed.key.clone());
                    return Ok((found, next));
                }
                found.push(listed);
            }
        }
        Ok((found, last))
    }

    async fn browsed(&self, listed: Listed, items: &Items) -> Result<BrowsedState> {
        let bucket = self.bucket();
        let key = StateKey::of_object(&listed.key);
        let (beginning, object) =
            futures::future::join(bucket.beginning(&listed.key, None, HEAD_BYTES), async {
                if listed.lock_object { self.lock_object(&key).holder().await } else { Ok(None) }
            })
            .await;
        let beginning = beginning.ok().flatten();
        let mut locks = items.locks(self, &listed.key);
        locks.extend(object?);
        let header = beginning.as_ref().and_then(header);
        let metadata = beginning.map(|beginning| beginning.facts.metadata).unwrap_or_default();
        Ok(BrowsedState {
            serial: header.as_ref().map(|header| header.serial).or(metadata.serial),
            header,
            who: metadata.who,
            key: listed.key,
            size_bytes: listed.size_bytes,
            modified: listed.modified,
            locks,
        })
    }

    /// Objects whose keys begin with `prefix`, a thousand a request.
    ///
    /// # Errors
    /// Failures of the store.
    pub async fn objects(&self, prefix: &str) -> Result<Vec<StoredObject>> {
        let (bucket, mut found, mut token) = (self.bucket(), Vec::new(), None);
        loop {
            let page = bucket.page(prefix, None, token).await;
            let page = page
                .map_err(|failure| bucket.error(failure, format!("can't list `{}`", bucket.url(prefix))))?;
            found.extend(page.objects.into_iter().map(|object| StoredObject {
                key: object.key,
                size_bytes: object.size_bytes,
                modified: object.modified,
            }));
            token = page.next;
            if token.is_none() {
                return Ok(found);
            }
        }
    }
}

fn header(beginning: &Beginning) -> Option<Header> {
    let mut reader = OutputsReader::new();
    reader.feed(&beginning.bytes);
    reader.header().ok().flatten()
}
