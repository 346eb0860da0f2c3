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
    pub(super) size_bytes: u64,
    pub(super) modified: Option<Timestamp>,
    /// Whether there is an object in the place of its lock object.
    pub(super) lock_object: bool,
}

/// The listing behind a key, a thousand objects a page; lock objects, directories and s3tate's own copies are left out.
pub(super) fn pages<'a>(
    backend: &'a Backend,
    prefix: &'a str,
    after: Option<&'a str>,
) -> impl Stream<Item = Result<Vec<Listed>>> + 'a {
    let first = Some((None::<String>, Vec::new()));
    let pages = futures::stream::try_unfold(first, move |next| async move {
        let Some((token, mut objects)) = next else { return Ok(None) };
        let page = backend.bucket().page_after(prefix, None, after.map(str::to_owned), token).await;
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

/// The states of a page whose lock object may come on the next one, and what is behind the first of them.
fn held_back(objects: &mut Vec<ListedObject>) -> Vec<ListedObject> {
    let Some(last) = objects.last().map(|object| object.key.clone()) else { return Vec::new() };
    let waits =
        |object: &ListedObject| may_be_state(&object.key) && format!("{}{LOCK_SUFFIX}", object.key) > last;
    let first = objects.iter().position(waits);
    // A page that would be held back as a whole is passed on, or nothing ever would be.
    first.filter(|first| *first > 0).map_or_else(Vec::new, |first| objects.split_off(first))
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
            size_bytes: object.size_bytes,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn split(keys: &[&str]) -> (usize, usize) {
        let object =
            |key: &&str| ListedObject { key: (*key).to_owned(), size_bytes: 1, ..ListedObject::default() };
        let mut objects: Vec<_> = keys.iter().map(object).collect();
        let back = held_back(&mut objects);
        (objects.len(), back.len())
    }

    #[test]
    fn a_state_waits_for_its_lock_object_on_the_next_page() {
        assert_eq!(split(&["a", "b"]), (1, 1));
        assert_eq!(split(&["a", "k", "k-1", "k-2"]), (1, 3), "`k.tflock` comes behind all of these");
        assert_eq!(split(&["a", "k", "k.tflock"]), (3, 0));
        assert_eq!(split(&["a"]), (1, 0));
        assert_eq!(split(&[]), (0, 0));
    }
}
