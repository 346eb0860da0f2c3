//! One step of a plan: what it is about, what happens to it, and why.

use std::fmt;

use serde::Serialize;

/// What a step is about; the words are part of the JSON format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The bucket itself.
    Bucket,
    /// Nothing in the bucket can be made public.
    PublicAccessBlock,
    /// Versions of objects are kept.
    Versioning,
    /// Encryption of objects that ask for none themselves.
    DefaultEncryption,
    /// Requests without TLS are refused.
    TlsOnly,
    /// Old versions of lock objects expire.
    LockObjectExpiry,
    /// The table itself.
    Table,
    /// The table can't be deleted by a slip.
    DeletionProtection,
    /// The table can be restored to any second of the last weeks.
    PointInTimeRecovery,
}

impl Subject {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::PublicAccessBlock => "public-access-block",
            Self::Versioning => "versioning",
            Self::DefaultEncryption => "default-encryption",
            Self::TlsOnly => "tls-only",
            Self::LockObjectExpiry => "lock-object-expiry",
            Self::Table => "table",
            Self::DeletionProtection => "deletion-protection",
            Self::PointInTimeRecovery => "point-in-time-recovery",
        }
    }
}

/// What a step does; the words are part of the JSON format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is missing and will be created.
    Create,
    /// It is there and as it should be.
    Unchanged,
    /// It belongs to something that exists and is otherwise; it is left alone.
    Differs,
    /// It is otherwise and will be changed, as asked.
    Adopt,
    /// This store doesn't have it, or it can't be used with it.
    Unsupported,
    /// The credentials may not see it.
    Denied,
    /// Worth having; nothing is done about it.
    Recommended,
    /// It is in the way and can't be changed: nothing can be applied.
    Refused,
}

impl Action {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Unchanged => "unchanged",
            Self::Differs => "differs",
            Self::Adopt => "adopt",
            Self::Unsupported => "unsupported",
            Self::Denied => "denied",
            Self::Recommended => "recommended",
            Self::Refused => "refused",
        }
    }
}

/// One step.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// What it is about.
    #[serde(rename = "step")]
    pub subject: Subject,
    /// What happens.
    pub action: Action,
    /// Which bucket or table.
    pub object: String,
    /// Why, in words for people.
    pub why: String,
    /// What is there now, where something is.
    pub found: Option<String>,
    /// What should be there.
    pub wanted: String,
    #[serde(skip)]
    pub(super) change: Option<Change>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::Bucket | Subject::Table => f.write_str(&self.object),
            other => write!(f, "{} of {}", other.as_str(), self.object),
        }
    }
}

/// What a step sends when it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    CreateBucket,
    BlockPublicAccess,
    KeepVersions,
    Encrypt,
    PutPolicy {
        /// The policy that the plan was made from.
        before: Option<String>,
        after: String,
    },
    CreateTable,
    /// Somebody else is creating it.
    AwaitTable,
    /// Part of the table's creation; the store's answer tells whether it knows it.
    ProtectTable,
    EnableRecovery,
}
