//! `[audit]`.

use std::path::{Path, PathBuf};

use s3tate::Problem;
use serde::Deserialize;

/// `[audit]`: where everything that changes states is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// A file, which one process writes.
    pub file: Option<PathBuf>,
    /// Objects below `.s3tate/audit/` in the bucket, for servers beside each other. Default: no.
    pub in_bucket: bool,
    /// Whether reads are told as well. Default: no.
    pub reads: bool,
    /// What happens where nothing can be told. Default: deny.
    pub on_failure: OnFailure,
}

/// What happens where the audit log can't be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Nothing is changed, and nothing acknowledged.
    #[default]
    Deny,
    /// The server's log says so, and all goes on.
    Warn,
}

impl Audit {
    /// The file is named from where the configuration is.
    pub(super) fn below(self, base: &Path) -> Self {
        Self { file: self.file.map(|file| base.join(file)), ..self }
    }

    pub(super) fn problem(&self) -> Option<Problem> {
        let nowhere = self.file.is_none() && !self.in_bucket;
        nowhere.then(|| Problem::new("`[audit]` needs `file`, `in_bucket = true`, or both"))
    }
}
