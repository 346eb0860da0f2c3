//! Objects below a prefix that may be states.

use std::collections::BTreeSet;

use futures::{Stream, TryStreamExt as _};
use jiff::Timestamp;

use crate::backend::Backend;
use crate::digest::StateDigest;
use crate::error::{Error, Result};
use crate::kept;
use crate::object::ListedObject;

/// What lock objects' keys end with.
const LOCK_SUFFIX: &str = ".tflock";

/// An object that may be a state.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) etag: Option<String>,
    pub(super) modified: Option<Timestamp>,
    /// Whether there is an object in the place of its lock object.
    pub(super) lock_object: bool,
}

/// The listing, a thousand objects a page; lock objects, directories and s3tate's own copies are left out.
pub(super) fn pages<'a>(
    backend: &'a Backend,
    prefix: &'a str,
) -> impl Stream<Item = Result<Vec<Listed>>> + 'a {
    let first = Some((None::<String>, Vec::new()));
    let pages = futures::stream::try_unfold(first, move |next| async move {
        let Some((token, mut objects)) = next else { return Ok(None) };
        let page = backend.bucket().page(prefix, None, token).await;
        let page = page.map_err(|failure| {
            let bucket = backend.bucket();
            bucket.error(failure, format!("can't list the states below `{}`", bucket.url(prefix)))
        })?;
        objects.extend(page.objects);
        let next = page.next.map(|token| (Some(token), held_back(&mut objects)));
        Ok::<_, Error>(Some((objects, next)))
    });
    pages.map_ok(candidates)
}

/// The last state of a page and what is behind it, since its lock object may come on the next one.
fn held_back(objects: &mut Vec<ListedObject>) -> Vec<ListedObject> {
    let last = objects.iter().rposition(|object| may_be_state(&object.key));
    // A page of nothing else is passed on, or nothing ever would be.
    last.filter(|last| *last > 0).map_or_else(Vec::new, |last| objects.split_off(last))
}

fn candidates(objects: Vec<ListedObject>) -> Vec<Listed> {
    let locks: BTreeSet<String> =
        objects.iter().filter_map(|object| object.key.strip_suffix(LOCK_SUFFIX)).map(str::to_owned).collect();
    let states = objects.into_iter().filter(|object| may_be_state(&object.key) && object.size_bytes > 0);
    states
        .map(|object| Listed {
            lock_object: locks.contains(&object.key),
            key: object.key,
            etag: object.etag,
            modified: object.modified,
        })
        .collect()
}

/// Whether it is what a migration replaced, `KEY.replaced-MD5`.
fn is_replaced(key: &str) -> bool {
    key.rsplit_once(".replaced-").is_some_and(|(_, digest)| StateDigest::from_hex(digest).is_some())
}

fn may_be_state(key: &str) -> bool {
    !key.ends_with(LOCK_SUFFIX) && !key.ends_with('/') && !key.starts_with(kept::OWN) && !is_replaced(key)
}
