//! The identifiers of a state: workspace, object key, lock path, versions. A type each, so none passes for another.

use std::fmt;

use crate::config::BackendConfig;
use crate::error::{Error, Result};

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type! {
    /// The key of a state object in its bucket.
    StateKey
}
text_type! {
    /// `<bucket>/<state key>`: the `LockID` of a lock item and the `Path` of a lock record.
    LockPath
}
text_type! {
    /// The `ID` of a lock record: opaque, looks like a UUID.
    LockId
}
text_type! {
    /// An object's entity tag as S3 sends it, quotes included.
    ETag
}
text_type! {
    /// A version of an object in a versioned bucket.
    VersionId
}
text_type! {
    /// The name of a workspace.
    WorkspaceName
}

impl From<String> for LockId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<String> for ETag {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<String> for VersionId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl StateKey {
    /// The key of an object that is there, or may be.
    pub(crate) fn of_object(key: &str) -> Self {
        Self(key.to_owned())
    }

    /// The key of the lock object beside the state.
    pub fn lock_object(&self) -> String {
        format!("{}.tflock", self.0)
    }

    /// The path under which the state is locked.
    pub fn lock_path(&self, bucket: &str) -> LockPath {
        LockPath(format!("{bucket}/{}", self.0))
    }
}

impl LockPath {
    /// The `LockID` of the digest item.
    pub fn digest_id(&self) -> String {
        format!("{}-md5", self.0)
    }
}

impl WorkspaceName {
    /// The workspace that always exists.
    pub fn default_name() -> Self {
        Self("default".to_owned())
    }

    /// Checks a name: ASCII letters, digits and `- _ . ~ $ & + = : @`, but neither `.` nor `..`.
    ///
    /// Stricter than Terraform, for which `..` is another name of the default workspace's object.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: the name is refused.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let refused =
            |why: &str| Error::invalid(format!("`{name}` can't name a workspace")).fact("cause", why);
        if name.is_empty() {
            return Err(refused("it is empty"));
        }
        if name == "." || name == ".." {
            return Err(refused("keys are cleaned like paths, so it would reach another workspace's state"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~$&+=:@".contains(c);
        if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
            return Err(refused(&format!(
                "only letters, digits and - _ . ~ $ & + = : @ are allowed, not {wrong:?}"
            )));
        }
        Ok(Self(name))
    }

    /// Whether this is the default workspace.
    pub fn is_default(&self) -> bool {
        self.0 == "default"
    }

    /// The key of this workspace's state.
    ///
    /// The default workspace's is the configured one, verbatim; the others' are joined and cleaned like a path.
    pub fn state_key(&self, config: &BackendConfig) -> StateKey {
        if self.is_default() {
            return StateKey(config.key.clone());
        }
        StateKey(clean(&format!("{}/{}/{}", config.workspace_key_prefix, self.0, config.key)))
    }
}

/// Resolves `.`, `..` and empty segments lexically.
pub(crate) fn clean(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn key(prefix: &str, workspace: &str) -> String {
        let config = config(&[&format!("workspace_key_prefix={prefix}")]);
        WorkspaceName::new(workspace).unwrap().state_key(&config).to_string()
    }

    /// Checks 2 and 3.
    #[test]
    fn workspaces_lie_below_the_prefix() {
        assert_eq!(key("env:", "default"), "p/s");
        assert_eq!(key("env:", "dev"), "env:/dev/p/s");
        assert_eq!(key("a/b", "w"), "a/b/w/p/s");
        assert_eq!(key("", "w"), "w/p/s");
    }

    #[test]
    fn keys_are_cleaned_like_paths() {
        assert_eq!(clean("env:/w/./a/../b"), "env:/w/b");
    }

    /// Check 37.
    #[test]
    fn names_are_checked() {
        for name in ["a b", "a/b", "ü", "a%20b", "", ".", ".."] {
            assert!(WorkspaceName::new(name).is_err(), "{name}");
        }
        assert!(WorkspaceName::new("A.B-c_d~$&+=:@1").is_ok());
    }

    #[test]
    fn lock_and_digest_ids_follow_from_the_key() {
        let path = StateKey("p/s".into()).lock_path("b");
        assert_eq!(path.as_str(), "b/p/s");
        assert_eq!(path.digest_id(), "b/p/s-md5");
    }
}
