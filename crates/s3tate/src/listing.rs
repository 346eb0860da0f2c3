//! Which workspaces exist: those whose state object is in the bucket.

use futures::{StreamExt as _, TryStreamExt as _};

use crate::aws::Failure;
use crate::config::BackendConfig;
use crate::error::Result;
use crate::names::WorkspaceName;
use crate::object::Bucket;

/// The prefix for which a denied listing counts as "only the default workspace", as for stock clients.
const DEFAULT_PREFIX: &str = "env:";

/// How many states are looked for at a time.
const CONCURRENT_LOOKUPS: usize = 32;

/// Lists workspaces: `default` first, then the others bytewise.
///
/// A bucket with up to 1,000 objects below the prefix takes one request. Beyond, the names on the next level are listed
/// and their states looked for, all at the same time, so that the cost depends on the workspaces and not on what else
/// lies below each of them.
pub(crate) async fn workspaces(bucket: &Bucket, config: &BackendConfig) -> Result<Vec<WorkspaceName>> {
    let denied =
        |failure: &Failure| config.workspace_key_prefix == DEFAULT_PREFIX && failure.is("AccessDenied");
    match find(bucket, config).await {
        Ok(mut names) => {
            names.sort();
            names.insert(0, WorkspaceName::default_name());
            Ok(names)
        }
        Err(failure) if denied(&failure) => Ok(vec![WorkspaceName::default_name()]),
        Err(failure) => {
            Err(bucket.error(failure, format!("can't list the workspaces in `{}`", config.bucket)))
        }
    }
}

async fn find(bucket: &Bucket, config: &BackendConfig) -> Result<Vec<WorkspaceName>, Failure> {
    let prefix = match config.workspace_key_prefix.as_str() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let mut first = bucket.page(&prefix, None, None).await?;
    if first.next.is_none() {
        return Ok(from_keys(&first.take_keys(), &prefix, &config.key));
    }
    let level = bucket.list_level(&prefix).await?;
    let names = level.iter().filter_map(|level| name(level.strip_prefix(&prefix)?.strip_suffix('/')?));
    match existing(bucket, config, names.collect()).await {
        Ok(names) => Ok(names),
        // Some state can't be looked for: the whole listing tells as well.
        Err(_) => Ok(from_keys(&bucket.list(&prefix).await?, &prefix, &config.key)),
    }
}

async fn existing(
    bucket: &Bucket,
    config: &BackendConfig,
    names: Vec<WorkspaceName>,
) -> Result<Vec<WorkspaceName>, Failure> {
    let looked_up = futures::stream::iter(names)
        .map(|name| async move {
            let there = bucket.exists(name.state_key(config).as_str()).await?;
            Ok(there.then_some(name))
        })
        .buffer_unordered(CONCURRENT_LOOKUPS);
    looked_up.try_filter_map(futures::future::ok).try_collect().await
}

/// The workspaces whose state is among the keys: exactly `<prefix><name>/<key>` with no `/` in the name.
fn from_keys(keys: &[String], prefix: &str, key: &str) -> Vec<WorkspaceName> {
    let named = |candidate: &str| name(candidate.strip_prefix(prefix)?.strip_suffix(key)?.strip_suffix('/')?);
    keys.iter().filter_map(|key| named(key)).collect()
}

/// A name that can be a workspace's other than the default one's.
fn name(text: &str) -> Option<WorkspaceName> {
    WorkspaceName::new(text).ok().filter(|name| !name.is_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(keys: &[&str], prefix: &str) -> Vec<String> {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        from_keys(&keys, prefix, "p/s").iter().map(ToString::to_string).collect()
    }

    /// Check 34.
    #[test]
    fn only_states_of_this_key_count() {
        let keys = ["env:/b/p/s", "env:/a/p/s", "env:/c/other", "env:/a/p/s.tflock", "env:/x/y/p/s"];
        assert_eq!(names(&keys, "env:/"), ["b", "a"]);
    }

    #[test]
    fn an_empty_prefix_means_the_whole_bucket() {
        assert_eq!(names(&["w/p/s", "p/s", "a/b/p/s"], ""), ["w"]);
    }
}
