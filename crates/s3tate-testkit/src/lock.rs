//! The lock record as stock clients write it.

use serde::{Deserialize, Serialize};

/// What a lock says about its holder; the members stand in the order of the wire format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LockRecord {
    /// The lock's ID, shaped like a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// What the holder does, such as `OperationTypeApply`.
    pub operation: String,
    /// Always empty with this backend.
    pub info: String,
    /// `user@host`.
    pub who: String,
    /// Version of the holder's program.
    pub version: String,
    /// RFC 3339 in UTC, without trailing zeros in the fraction.
    pub created: String,
    /// `<bucket>/<state key>`.
    pub path: String,
}

impl LockRecord {
    /// A record such as s3tate writes, for a holder that isn't there any more.
    pub fn of_a_dead_holder(path: &str) -> Self {
        Self {
            id: "6f0c2a7e-2c0b-4f5e-9a57-0c6f0e2f9c11".into(),
            operation: "state-push".into(),
            info: String::new(),
            who: "dana@build-07".into(),
            version: "1.11.4".into(),
            created: "2026-11-23T09:41:07.25Z".into(),
            path: path.into(),
        }
    }

    /// Reads a stored record. Members that stock clients don't write fail the test.
    pub fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("no lock record ({error}): {text}"))
    }

    /// The text that is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record of strings")
    }
}
