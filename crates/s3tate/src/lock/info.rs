//! The lock record: seven texts as JSON, exactly as Go's encoder writes them.
//!
//! OpenTofu deletes a lock item on condition that the re-encoded record equals the stored one, so order, escapes and
//! the time's form are part of the format. Readers take members in any order and ignore others.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::cache::go_escapes;
use crate::env::Env;
use crate::error::Result;
use crate::names::LockPath;

/// Terraform's release whose records ours resemble; it stands in `Version`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a lock is taken for, in the words that stock clients store and show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `state push`.
    StatePush,
    /// `state mv`.
    StateMv,
    /// `state rm`.
    StateRm,
    /// Creating a workspace's first, empty state.
    Init,
    /// Deleting a workspace.
    WorkspaceDelete,
    /// `doctor -fix`.
    Doctor,
    /// Reading the source of a migration.
    MigrationSource,
    /// Writing the destination of a migration.
    MigrationDestination,
    /// `restore`: storing an earlier version again.
    Restore,
    /// `lock run`: another command runs under the lock.
    LockRun,
}

impl Operation {
    /// The word in the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatePush => "state-push",
            Self::StateMv => "state-mv",
            Self::StateRm => "state-rm",
            Self::Init => "init",
            Self::WorkspaceDelete => "workspace-delete",
            Self::Doctor => "doctor-fix",
            Self::MigrationSource => "migration source state",
            Self::MigrationDestination => "migration destination state",
            Self::Restore => "restore",
            Self::LockRun => "lock-run",
        }
    }
}

/// The members of a lock record, in their stored order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LockInfo {
    /// Opaque, shaped like a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// What the lock is held for, such as `OperationTypeApply`.
    pub operation: String,
    /// Free text, empty with this backend.
    pub info: String,
    /// `user@host`.
    pub who: String,
    /// The holder's version.
    pub version: String,
    /// When the lock was asked for: RFC 3339, UTC, nanoseconds without trailing zeros, `Z`.
    pub created: String,
    /// `<bucket>/<state key>`.
    pub path: String,
}

impl LockInfo {
    /// A new record with an id of its own.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Bug`] where the system gives no randomness.
    pub(crate) fn new(operation: Operation, path: &LockPath, env: &Env) -> Result<Self> {
        Self::of(operation, path.to_string(), env)
    }

    /// The same for a state that is kept elsewhere than in S3.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn of(operation: Operation, path: String, env: &Env) -> Result<Self> {
        Ok(Self {
            id: env.random_id()?,
            operation: operation.as_str().to_owned(),
            info: String::new(),
            who: env.who(),
            version: VERSION.to_owned(),
            created: go_time(env.now()),
            path,
        })
    }

    /// Reads a stored record; `None` where it is not JSON or has no id.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|info: &Self| !info.id.is_empty())
    }

    /// The record as it is stored.
    pub fn encode(&self) -> String {
        // Seven texts always serialise.
        go_escapes(&serde_json::to_string(self).unwrap_or_default())
    }

    /// When the lock was asked for, where that can be read.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created.parse().ok()
    }

    /// How long ago the lock was asked for, in words, where that can be read.
    pub fn age(&self, now: Timestamp) -> Option<String> {
        self.created_at().map(|created| age(created, now))
    }

    /// Holder, time, age and version in one line.
    pub fn describe(&self, now: Timestamp) -> String {
        let age = self.age(now).map(|age| format!(" ({age} ago)"));
        format!("{} since {}{}, version {}", self.who, self.created, age.unwrap_or_default(), self.version)
    }
}

/// A record together with its stored form.
#[derive(Debug, Clone)]
pub(crate) struct LockRecord {
    pub(crate) info: LockInfo,
    pub(crate) text: String,
}

impl LockRecord {
    pub(crate) fn new(info: LockInfo) -> Self {
        Self { text: info.encode(), info }
    }
}

/// A duration in its one or two largest units.
fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}

/// RFC 3339 in UTC with the fraction's trailing zeros removed, as Go prints a time.
fn go_time(time: Timestamp) -> String {
    // jiff prints as few digits of the fraction as are needed, which is Go's rule too.
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: recorded from Terraform 1.11.4.
    const STOCK: &str = r#"{"ID":"9ad58332-806b-56da-6b3f-fb7c5287ad8f","Operation":"OperationTypeApply","Info":"","Who":"user@pc","Version":"1.11.4","Created":"2026-11-23T00:55:24.814093344Z","Path":"mybucket/path/to/my/key"}"#;

    /// Check 16: the record is Go's, byte for byte.
    #[test]
    fn a_stock_record_survives_reading_and_writing() {
        let info = LockInfo::read(STOCK).unwrap();
        assert_eq!(info.encode(), STOCK);
        assert_eq!(info.encode().len(), 199);
    }

    #[test]
    fn escapes_are_gos() {
        let info = LockInfo { who: "DOM\\ü<&>\u{2028}@h".into(), ..LockInfo::default() };
        assert!(info.encode().contains(r#""Who":"DOM\\ü\u003c\u0026\u003e\u2028@h""#), "{}", info.encode());
    }

    /// Check 17: fractions as Go prints them.
    #[test]
    fn times_drop_trailing_zeros() {
        for (nanos, text) in [
            (0, "1970-01-01T00:00:07Z"),
            (500_000_000, "1970-01-01T00:00:07.5Z"),
            (120_000, "1970-01-01T00:00:07.00012Z"),
            (1, "1970-01-01T00:00:07.000000001Z"),
        ] {
            assert_eq!(go_time(Timestamp::new(7, nanos).unwrap()), text);
        }
    }

    /// Check 17: a thousand times, each against digits worked out another way.
    #[test]
    fn every_fraction_is_printed_as_go_does() {
        for step in 0..1000_i64 {
            let zeros = 10_i64.pow(u32::try_from(step % 7).unwrap());
            let nanos = i32::try_from(step * 7_919_123 % 1_000_000_000 / zeros * zeros).unwrap();
            let digits = format!("{nanos:09}");
            let digits = digits.trim_end_matches('0');
            let expected = if digits.is_empty() { "Z".to_owned() } else { format!(".{digits}Z") };
            let printed = go_time(Timestamp::new(1_700_000_000, nanos).unwrap());
            assert_eq!(printed, format!("2023-11-14T22:13:20{expected}"));
        }
    }

    #[test]
    fn other_members_and_orders_are_read() {
        let info = LockInfo::read(r#"{"Path":"p","More":1,"ID":"x"}"#).unwrap();
        assert_eq!((info.id.as_str(), info.path.as_str()), ("x", "p"));
        assert_eq!(LockInfo::read("{}"), None);
        assert_eq!(LockInfo::read("no"), None);
    }
}
