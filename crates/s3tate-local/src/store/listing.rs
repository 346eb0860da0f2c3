//! Listings: entries in key order, with everything below a delimiter rolled up into one common prefix.
//!
//! A common prefix costs one seek past it, however many objects lie below.

use rusqlite::{Connection, params};

use super::Stored;
use super::bucket::Bucket;
use super::version::{self, Version};

/// Rows fetched at first when a delimiter may make most of them useless.
const FIRST_BATCH: usize = 16;

/// What to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// Empty for none.
    pub(crate) delimiter: String,
    /// Where to go on.
    pub(crate) from: Cursor,
    /// The common prefix that ended the page before, if one did.
    pub(crate) skip: Option<String>,
    /// Greatest number of entries.
    pub(crate) limit: usize,
    /// Every version and delete marker instead of the visible objects.
    pub(crate) versions: bool,
}

/// A place in a listing: the first entry with `key` or later; of `key` itself only versions older than `before`.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(crate) key: String,
    pub(crate) before: i64,
}

impl Default for Cursor {
    fn default() -> Self {
        Self::at(String::new())
    }
}

impl Cursor {
    /// The first entry with `key` or later.
    pub(crate) fn at(key: String) -> Self {
        Self { key, before: i64::MAX }
    }

    /// The first entry whose key comes after `key`.
    pub(crate) fn after(key: &str) -> Self {
        Self::at(format!("{key}\0"))
    }
}

/// One line of a listing.
#[derive(Debug)]
pub(crate) enum Entry {
    Version(Box<Version>),
    Prefix(String),
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page starts; `None` at the end.
    pub(crate) next: Option<Cursor>,
}

/// Lists one page.
pub(crate) fn list(connection: &Connection, bucket: &Bucket, query: &Query) -> Stored<Page> {
    walk(query, &mut |cursor, limit| fetch(connection, bucket, query, cursor, limit))
}

/// Fills a page from `fetch`, which yields up to so many rows from a place on.
fn walk(query: &Query, fetch: &mut dyn FnMut(&Cursor, usize) -> Stored<Vec<Version>>) -> Stored<Page> {
    let mut page = Page::default();
    let mut cursor = query.from.clone();
    if cursor.key < query.prefix {
        cursor = Cursor::at(query.prefix.clone());
    }
    let mut batch = if query.delimiter.is_empty() { query.limit + 1 } else { FIRST_BATCH };
    if query.limit == 0 {
        return Ok(page);
    }
    loop {
        let rows = fetch(&cursor, batch)?;
        let full = rows.len() == batch;
        match take(query, rows, &mut cursor, &mut page) {
            Step::Truncated => {
                page.next = Some(cursor);
                return Ok(page);
            }
            Step::Sought => batch = FIRST_BATCH,
            Step::Used if full => batch = (batch * 4).min(query.limit + 1),
            Step::Used | Step::Done => return Ok(page),
        }
    }
}

enum Step {
    /// No entry is left.
    Done,
    /// The page is full, and at least one more entry follows at the cursor.
    Truncated,
    /// A common prefix was taken or skipped; the cursor is behind it.
    Sought,
    /// All rows were taken.
    Used,
}

/// Moves `rows` into `page` and the cursor behind them.
fn take(query: &Query, rows: Vec<Version>, cursor: &mut Cursor, page: &mut Page) -> Step {
    for row in rows {
        if !row.key.starts_with(&query.prefix) {
            return Step::Done;
        }
        let common = common_prefix(&row.key, &query.prefix, &query.delimiter);
        if let Some(common) = common {
            let skipped = query.skip.as_deref() == Some(common);
            if !skipped && page.entries.len() == query.limit {
                return Step::Truncated;
            }
            let Some(behind) = successor(common) else { return Step::Done };
            if !skipped {
                page.entries.push(Entry::Prefix(common.to_owned()));
            }
            *cursor = Cursor::at(behind);
            return Step::Sought;
        }
        if page.entries.len() == query.limit {
            return Step::Truncated;
        }
        *cursor = Cursor { key: row.key.clone(), before: row.id };
        if !query.versions {
            *cursor = Cursor::after(&row.key);
        }
        page.entries.push(Entry::Version(Box::new(row)));
    }
    Step::Used
}

fn fetch(
    connection: &Connection,
    bucket: &Bucket,
    query: &Query,
    cursor: &Cursor,
    limit: usize,
) -> Stored<Vec<Version>> {
    if query.versions {
        return version::page(connection, bucket, &cursor.key, cursor.before, limit);
    }
    let query = format!(
        "SELECT {} FROM version WHERE bucket = ?1 AND latest = 1 AND marker = 0 AND key >= ?2 ORDER BY key LIMIT ?3",
        version::COLUMNS
    );
    let mut query = connection.prepare_cached(&query)?;
    let rows = query.query_map(params![bucket.id, cursor.key, limit], Version::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The part of `key` up to and with the first delimiter behind `prefix`.
pub(crate) fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    if delimiter.is_empty() {
        return None;
    }
    let found = key.get(prefix.len()..)?.find(delimiter)?;
    key.get(..prefix.len() + found + delimiter.len())
}

/// The least string greater than everything that starts with `prefix`; `None` if there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Cursor, FIRST_BATCH, Query, common_prefix, successor, walk};
    use crate::store::version::Version;

    fn row(key: &str) -> Version {
        Version {
            id: 1,
            key: key.to_owned(),
            version_id: String::new(),
            latest: true,
            marker: false,
            modified_ms: 0,
            size: 0,
            etag: String::new(),
            meta: crate::s3::meta::Meta::default(),
            tags: Vec::new(),
        }
    }

    #[test]
    fn cost_does_not_depend_on_what_lies_below_a_prefix() {
        let keys = (0..5_000).map(|index| format!("env:/{}/{index:04}", index / 1_000));
        let keys: Vec<String> = keys.collect();
        let query =
            Query { prefix: "env:/".to_owned(), delimiter: "/".to_owned(), limit: 1000, ..Query::default() };
        let mut fetched = 0;
        let page = walk(&query, &mut |cursor: &Cursor, limit| {
            let rows: Vec<_> =
                keys.iter().filter(|key| **key >= cursor.key).take(limit).map(|k| row(k)).collect();
            fetched += rows.len();
            Ok(rows)
        });
        assert_eq!(page.expect("a page").entries.len(), 5);
        assert!(fetched <= 5 * FIRST_BATCH, "{fetched} rows for five prefixes");
    }

    #[test]
    fn prefixes_end_with_the_delimiter() {
        assert_eq!(common_prefix("a/b/c", "", "/"), Some("a/"));
        assert_eq!(common_prefix("a/b/c", "a/", "/"), Some("a/b/"));
        assert_eq!(common_prefix("a/b", "a/", "/"), None);
        assert_eq!(common_prefix("a--b", "a", "--"), Some("a--"));
    }

    #[test]
    fn successor_skips_surrogates_and_the_last_character() {
        assert_eq!(successor("a/").as_deref(), Some("a0"));
        assert_eq!(successor("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{10ffff}"), None);
    }
}
