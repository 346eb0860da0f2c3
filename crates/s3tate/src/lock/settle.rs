//! What a request without a plain acknowledgement came to, by the lock that is found afterwards.
//!
//! The SDK repeats requests whose reply was lost, so a refusal may answer the effect of its own first attempt.

use super::{Holder, LockRecord, Refusal, judge};
use crate::error::{Error, ErrorKind, Result};

/// Why a request was not acknowledged.
#[derive(Debug)]
pub(crate) enum Unacknowledged {
    /// Its condition did not hold, at the first attempt.
    Refused,
    /// Its condition did not hold, after attempts without a reply.
    RefusedAfterRepeat,
    /// No attempt had a reply.
    Lost(Error),
}

impl Unacknowledged {
    pub(crate) fn refused(repeated: bool) -> Self {
        if repeated { Self::RefusedAfterRepeat } else { Self::Refused }
    }
}

/// Decides whether the lock was acquired.
pub(crate) fn acquisition(
    record: &LockRecord,
    place: &str,
    why: Unacknowledged,
    found: Result<Option<Holder>>,
) -> Result<Holder, Refusal> {
    match (why, found) {
        // It had no effect: nobody holds the lock.
        (Unacknowledged::Lost(error), Ok(None)) => Err(Refusal::Failed(error)),
        (_, Ok(found)) => judge(found, record),
        (Unacknowledged::Refused, Err(error)) => Err(Refusal::Failed(held_by_unknown(record, place, error))),
        (Unacknowledged::RefusedAfterRepeat, Err(error)) => {
            Err(Refusal::Failed(may_be_held(record, place, error)))
        }
        (Unacknowledged::Lost(error), Err(_)) => Err(Refusal::Failed(may_be_held(record, place, error))),
    }
}

fn held_by_unknown(record: &LockRecord, place: &str, cause: Error) -> Error {
    let message = format!(
        "`s3://{}` is locked, but its holder can't be looked up; nothing was written",
        record.info.path
    );
    Error::new(ErrorKind::Locked, message)
        .fact("kept in", place)
        .hint("wait with `-lock-timeout=5m`, or see who holds it with `s3tate lock show`")
        .with_source(cause)
}

fn may_be_held(record: &LockRecord, place: &str, cause: Error) -> Error {
    let info = &record.info;
    let message = format!("can't tell whether `s3://{}` is locked now; nothing else was written", info.path);
    Error::new(ErrorKind::Unknown, message)
        .fact("may be locked", place)
        .fact("lock id", info.id.clone())
        .hint(format!("once the store answers: `s3tate force-unlock -force {}`", info.id))
        .with_source(cause)
}

/// Decides whether the lock was released by us: `false` where it was not ours any more.
///
/// # Errors
/// It is still held, or may be.
pub(crate) fn release(why: Unacknowledged, holder: &Holder, found: Result<Option<Holder>>) -> Result<bool> {
    match (why, found) {
        (Unacknowledged::Refused, _) | (Unacknowledged::RefusedAfterRepeat, Ok(Some(_)) | Err(_)) => {
            Ok(false)
        }
        (Unacknowledged::Lost(error), Ok(Some(found))) if found.same_as(holder) => Err(error),
        // One of our own attempts removed it.
        (Unacknowledged::RefusedAfterRepeat, Ok(None)) | (Unacknowledged::Lost(_), Ok(_)) => Ok(true),
        (Unacknowledged::Lost(error), Err(_)) => {
            let message = format!("can't tell whether the lock in {} was removed", holder.place);
            Err(Error::new(ErrorKind::Unknown, message).with_source(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{LockInfo, LockKind, Stamp};

    fn record(id: &str) -> LockRecord {
        LockRecord::new(LockInfo { id: id.into(), path: "b/k".into(), ..LockInfo::default() })
    }

    fn holder(id: &str) -> Holder {
        let record = record(id);
        Holder {
            kind: LockKind::LockFile,
            place: "here".into(),
            info: Some(record.info),
            record: Some(record.text),
            stamp: Stamp::Tag(None),
        }
    }

    fn broken() -> Error {
        Error::new(ErrorKind::Unavailable, "no answer")
    }

    fn acquired(why: Unacknowledged, found: Result<Option<Holder>>) -> String {
        match acquisition(&record("ours"), "here", why, found) {
            Ok(_) => "ours".into(),
            Err(Refusal::Held(_)) => "held".into(),
            Err(Refusal::Contended(_)) => "contended".into(),
            Err(Refusal::Failed(error)) => format!("{:?}", error.kind()),
        }
    }

    /// Check 25: whose the lock is after a lost reply.
    #[test]
    fn what_is_found_decides_whose_the_lock_is() {
        use Unacknowledged::{Lost, Refused, RefusedAfterRepeat};
        assert_eq!(acquired(RefusedAfterRepeat, Ok(Some(holder("ours")))), "ours");
        assert_eq!(acquired(Lost(broken()), Ok(Some(holder("ours")))), "ours");
        assert_eq!(acquired(Refused, Ok(Some(holder("theirs")))), "held");
        assert_eq!(acquired(Lost(broken()), Ok(Some(holder("theirs")))), "held");
        assert_eq!(acquired(Refused, Ok(None)), "contended");
        assert_eq!(acquired(Lost(broken()), Ok(None)), "Unavailable");
        assert_eq!(acquired(Refused, Err(broken())), "Locked");
        assert_eq!(acquired(RefusedAfterRepeat, Err(broken())), "Unknown");
        assert_eq!(acquired(Lost(broken()), Err(broken())), "Unknown");
    }

    #[test]
    fn a_release_is_settled_by_what_is_found() {
        use Unacknowledged::{Lost, Refused, RefusedAfterRepeat};
        let ours = holder("ours");
        let kind = |result: Result<bool>| result.map_err(|error| error.kind());
        assert_eq!(kind(release(Refused, &ours, Ok(None))), Ok(false));
        assert_eq!(kind(release(RefusedAfterRepeat, &ours, Ok(None))), Ok(true));
        assert_eq!(kind(release(RefusedAfterRepeat, &ours, Ok(Some(holder("theirs"))))), Ok(false));
        assert_eq!(kind(release(Lost(broken()), &ours, Ok(None))), Ok(true));
        assert_eq!(kind(release(Lost(broken()), &ours, Ok(Some(holder("theirs"))))), Ok(true));
        assert_eq!(
            kind(release(Lost(broken()), &ours, Ok(Some(holder("ours"))))),
            Err(ErrorKind::Unavailable)
        );
        assert_eq!(kind(release(Lost(broken()), &ours, Err(broken()))), Err(ErrorKind::Unknown));
    }
}
