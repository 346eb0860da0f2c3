//! Which workspaces exist: those whose state object is in the bucket.

use crate::config::BackendConfig;
use crate::error::{ErrorKind, Result};
use crate::names::WorkspaceName;
use crate::object::Bucket;

/// The prefix for which a denied listing counts as "only the default workspace", as for stock clients.
const DEFAULT_PREFIX: &str = "env:";

/// Lists workspaces: `default` first, then the others bytewise.
pub(crate) async fn workspaces(bucket: &Bucket, config: &BackendConfig) -> Result<Vec<WorkspaceName>> {
    let prefix = &config.workspace_key_prefix;
    let listed = bucket.list(&if prefix.is_empty() { String::new() } else { format!("{prefix}/") }).await;
    let keys = match listed {
        Ok(keys) => keys,
        Err(failure)
            if failure.kind() == ErrorKind::Denied
                && prefix == DEFAULT_PREFIX
                && failure.is("AccessDenied") =>
        {
            Vec::new()
        }
        Err(failure) => {
            return Err(bucket.error(failure, format!("can't list the workspaces in `{}`", config.bucket)));
        }
    };
    Ok(from_keys(&keys, prefix, &config.key))
}

/// The workspaces whose state is among the keys: exactly `<prefix>/<name>/<key>` with no `/` in the name.
fn from_keys(keys: &[String], prefix: &str, key: &str) -> Vec<WorkspaceName> {
    let name = |candidate: &str| {
        let rest =
            if prefix.is_empty() { candidate } else { candidate.strip_prefix(prefix)?.strip_prefix('/')? };
        let name = rest.strip_suffix(key)?.strip_suffix('/')?;
        WorkspaceName::new(name).ok().filter(|name| !name.is_default())
    };
    let mut names: Vec<_> = keys.iter().filter_map(|key| name(key)).collect();
    names.sort();
    names.insert(0, WorkspaceName::default_name());
    names
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
        assert_eq!(names(&keys, "env:"), ["default", "a", "b"]);
    }

    #[test]
    fn an_empty_prefix_means_the_whole_bucket() {
        assert_eq!(names(&["w/p/s", "p/s", "a/b/p/s"], ""), ["default", "w"]);
    }
}
