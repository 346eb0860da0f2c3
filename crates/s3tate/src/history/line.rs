//! One version as programs read it: an object of texts, numbers and truths; what isn't known is null.

use serde::{Serialize, Serializer};

use super::StateVersion;

#[derive(Serialize)]
struct Line<'a> {
    version_id: &'a str,
    last_modified: Option<String>,
    deleted: bool,
    latest: bool,
    size: u64,
    serial: Option<u64>,
    serial_before: Option<u64>,
    lineage: Option<&'a str>,
    terraform_version: Option<&'a str>,
    resources: Option<u64>,
    added: Option<u64>,
    changed: Option<u64>,
    removed: Option<u64>,
    who: Option<&'a str>,
    from: Option<&'a str>,
    run: Option<&'a str>,
}

impl Serialize for StateVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let header = self.header.as_ref();
        let line = Line {
            version_id: self.id.as_str(),
            last_modified: self.modified.map(|time| time.to_string()),
            deleted: self.deleted,
            latest: self.latest,
            size: self.size_bytes,
            serial: header.map(|header| header.serial),
            serial_before: self.serial_before,
            lineage: header.map(|header| header.lineage.as_str()),
            terraform_version: header.map(|header| header.terraform_version.as_str()),
            resources: self.resources,
            added: self.changes.map(|changes| changes.added),
            changed: self.changes.map(|changes| changes.changed),
            removed: self.changes.map(|changes| changes.removed),
            who: self.who.as_deref(),
            from: self.from.as_deref(),
            run: self.run.as_deref(),
        };
        line.serialize(serializer)
    }
}
