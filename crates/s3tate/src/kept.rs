//! States that s3tate keeps itself before it replaces or deletes them, for buckets that keep no versions.
//!
//! A kept state is an object of its own, `.s3tate/snapshots/KEY/kept-TIME-SERIAL-MD5`: when it was stored, its serial, and
//! the beginning of its MD5. So a write that is tried again keeps it once, and the names are in the order of the states.

use jiff::civil;
use jiff::tz::TimeZone;

use crate::aws::Failure;
use crate::error::{Error, Result};
use crate::names::VersionId;
use crate::object::{Condition, Put};
use crate::provenance;
use crate::read::Snapshot;
use crate::versions::Version;
use crate::workspace::Workspace;

/// What s3tate keeps for itself, in the bucket of the state.
pub(crate) const OWN: &str = ".s3tate/";
/// Where kept states are, in the bucket of the state.
pub(crate) const PREFIX: &str = ".s3tate/snapshots/";
/// How the name of a kept state begins, which no version id does.
const MARK: &str = "kept-";
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// Whether an id is that of a kept state.
pub(crate) fn is_kept(id: &VersionId) -> bool {
    id.as_str().starts_with(MARK)
}

/// Reads how many states are to be kept.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: no whole number.
pub(crate) fn parse(text: &str) -> Result<usize> {
    let wrong =
        |_| Error::invalid(format!("`{text}` is no number of states to keep")).hint("write it as in `10`");
    text.parse().map_err(wrong)
}

impl Workspace {
    /// The key of a kept state, or, without an id, the prefix of all that belong to this one.
    pub(crate) fn kept_key(&self, id: &str) -> String {
        format!("{PREFIX}{}/{id}", self.key)
    }

    /// Keeps what is about to be replaced, where that is asked for and there is something.
    ///
    /// # Errors
    /// Those of writing an object; nothing must be replaced then.
    pub(crate) async fn keep_copy(&self, base: &Snapshot) -> Result<()> {
        if self.backend.keep == 0 && !base.must_be_kept {
            return Ok(());
        }
        let Some(bytes) = base.payload() else { return Ok(()) };
        let (header, census) = bytes.summary().await;
        let serial = header.map(|header| header.serial).unwrap_or_default();
        let key = self.kept_key(&self.name_of(base, serial));
        let metadata = described(base, census.map(|census| census.count()));
        let tags = &self.backend.config.state_tags;
        let put = Put { key: &key, bytes, condition: Condition::Absent, metadata: &metadata, tags };
        match self.bucket().put(put).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.precondition_failed() => Ok(()),
            Err(failure) => Err(self.not_kept(failure, &key)),
        }
    }

    /// Removes the oldest kept states but the configured number. What fails here is left for the next time.
    pub(crate) async fn drop_surplus(&self) {
        if self.backend.keep == 0 {
            return;
        }
        if let Err(failure) = self.drop_all_but(self.backend.keep).await {
            let error = failure.into_error("older kept states were not removed".to_owned());
            tracing::warn!(url = self.url(), "{error}");
        }
    }

    async fn drop_all_but(&self, number: usize) -> Result<(), Failure> {
        let bucket = self.bucket();
        let keys = bucket.list(&self.kept_key(MARK)).await?;
        for surplus in &keys[..keys.len().saturating_sub(number)] {
            bucket.delete(surplus, None).await?;
        }
        Ok(())
    }

    /// The kept states, newest first.
    pub(crate) async fn kept(&self) -> Result<Vec<Version>, Failure> {
        let prefix = self.kept_key("");
        let mut kept = Vec::new();
        let mut token = None;
        loop {
            let page = self.bucket().page(&prefix, None, token).await?;
            for object in &page.objects {
                let name = object.key.strip_prefix(&prefix);
                kept.extend(name.and_then(|name| named(name, object.size_bytes)));
            }
            token = page.next;
            if token.is_none() {
                kept.reverse();
                return Ok(kept);
            }
        }
    }

    fn name_of(&self, base: &Snapshot, serial: u64) -> String {
        let time = base.modified.unwrap_or_else(|| self.backend.env.now());
        let digest = base.digest.map(|digest| digest.to_string()).unwrap_or_default();
        format!("{MARK}{}-{serial:012}-{:.8}", time.strftime(TIME), digest)
    }

    fn not_kept(&self, failure: Failure, key: &str) -> Error {
        let denied = failure.denied();
        let message =
            format!("can't keep what is stored at `{}`, so nothing was written over it", self.url());
        let error = failure.into_error(message).fact("copy", self.bucket().url(key));
        if denied {
            error.hint(format!("grant s3:PutObject below `{PREFIX}`, or write without `-keep`"))
        } else {
            error
        }
    }
}

/// What the name of a kept state says of it; `None` for other objects.
fn named(name: &str, size_bytes: u64) -> Option<Version> {
    let time = name.strip_prefix(MARK)?.split('-').next()?;
    let time = civil::DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(Version {
        id: VersionId::from(name.to_owned()),
        modified: Some(time.timestamp()),
        latest: false,
        deleted: false,
        size_bytes,
        digest: None,
        body: None,
    })
}

/// What was said of the state stays with it.
fn described(base: &Snapshot, counted: Option<u64>) -> Vec<(&'static str, String)> {
    provenance::kept(base, base.metadata.resources.or(counted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_time_and_other_objects_are_none() {
        let kept = named("kept-20261126T144512Z-000000000041-9f3c2a10", 7).unwrap();
        assert_eq!(kept.modified.unwrap().to_string(), "2026-11-26T14:45:12Z");
        assert!(is_kept(&kept.id));
        for other in ["", "kept-", "kept-soon-1-2", "notes.txt", "kept-20261326T144512Z-1-2"] {
            assert!(named(other, 7).is_none(), "{other}");
        }
    }

    #[test]
    fn a_number_is_a_number() {
        assert_eq!(parse("10").unwrap(), 10);
        assert!(parse("all").is_err() && parse("-1").is_err());
    }
}
