//! What may be written over what, and under which lock: the decision tables of the protocol, as pure functions.

use s3tate::lock::{Holder, LockInfo};

use crate::config::{ForceUnlock, UnlockedWrites};
use crate::document::Summary;

/// What a lock record of the server's says of who took it, before whatever the client's own `Info` was.
const BY: &str = "s3tate-server:";

/// The record that is stored for a client: as it was sent, with what only the server knows.
///
/// Other doors read the same record, so nothing but its seven texts can be used. `Path` is the one that stock
/// `backend "s3"` would write; the principal goes before what `Info` says.
pub(crate) fn record_for(sent: LockInfo, principal: &str, path: &str) -> LockInfo {
    let info = [BY, &encoded(principal)].concat();
    LockInfo {
        who: if sent.who.is_empty() { principal.to_owned() } else { sent.who },
        info: if sent.info.is_empty() { info } else { format!("{info} {}", sent.info) },
        path: path.to_owned(),
        ..sent
    }
}

/// Who took a lock, by its record; `None` where another door did.
pub(crate) fn taken_by(record: &LockInfo) -> Option<String> {
    let name = record.info.strip_prefix(BY)?.split(' ').next()?;
    percent_encoding::percent_decode_str(name).decode_utf8().ok().map(Into::into)
}

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Why a lock record can't be stored; `None` where it can.
pub(crate) fn refused_id(id: &str) -> Option<&'static str> {
    match id {
        "" => Some("the lock info has no ID"),
        id if id.len() > 255 => Some("the lock's ID has more than 255 bytes"),
        id if id.chars().any(char::is_control) => Some("the lock's ID has control characters"),
        _ => None,
    }
}

/// The lock that is held, of those that were found: any that has another ID comes first.
pub(crate) fn holder_besides<'a>(holders: &'a [Holder], id: Option<&str>) -> Option<&'a Holder> {
    let other = |holder: &&Holder| holder.info.as_ref().map(|info| info.id.as_str()) != id;
    holders.iter().find(other)
}

/// Why a write is refused for the lock's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// It is held, and the write names no lock.
    Unnamed,
    /// It is held with another ID.
    Others,
    /// The write names a lock that nobody holds: it was broken, and somebody may have written since.
    Fenced,
    /// Nothing is held, and writes without a lock are not allowed here.
    Unlocked,
}

/// Whether somebody who names `id` may write while these locks are held.
pub(crate) fn writable(holders: &[Holder], id: Option<&str>, unlocked: UnlockedWrites) -> Result<(), Locked> {
    match (holders.is_empty(), id) {
        (true, None) if unlocked == UnlockedWrites::Allow => Ok(()),
        (true, None) => Err(Locked::Unlocked),
        (true, Some(_)) => Err(Locked::Fenced),
        (false, None) => Err(Locked::Unnamed),
        (false, Some(_)) if holder_besides(holders, id).is_some() => Err(Locked::Others),
        (false, Some(_)) => Ok(()),
    }
}

/// What a write comes to, by its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// It is stored.
    Store,
    /// It is stored already, byte for byte.
    Same,
    /// The stored serial is the same, and the document isn't.
    SameSerial,
    /// The stored serial is higher.
    Older,
    /// The stored lineage is another.
    Unrelated,
}

/// Compares a document with the stored one; `same_lock`: the stored one was written under the lock that this one names.
pub(crate) fn compare(stored: Option<&Summary>, sent: &Summary, same_lock: bool) -> Content {
    let Some(stored) = stored else { return Content::Store };
    if stored.md5 == sent.md5 {
        return Content::Same;
    }
    if let (Some(ours), Some(theirs)) = (&sent.lineage, &stored.lineage)
        && ours != theirs
    {
        return Content::Unrelated;
    }
    match (sent.serial, stored.serial) {
        (Some(ours), Some(theirs)) if ours < theirs => Content::Older,
        (Some(ours), Some(theirs)) if ours == theirs && !same_lock => Content::SameSerial,
        _ => Content::Store,
    }
}

/// What a release asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// The end of a command of the holder's own.
    Own,
    /// Breaking a lock: by its ID, or whichever it is.
    Break,
}

/// How a release is to be judged: `sent` is `None` for Terraform's `force-unlock`, which names nothing.
///
/// OpenTofu's names the ID alone. Whoever didn't take the lock breaks it, whatever they send.
pub(crate) fn release(sent: Option<&LockInfo>, held: &LockInfo, principal: &str) -> Release {
    match sent {
        Some(sent) if !sent.operation.is_empty() && taken_by(held).as_deref() == Some(principal) => {
            Release::Own
        }
        _ => Release::Break,
    }
}

/// Whether a lock may be broken here by somebody who may break locks (`granted`), or took it (`own`).
pub(crate) fn breakable(policy: ForceUnlock, granted: bool, own: bool) -> bool {
    match policy {
        ForceUnlock::Deny => false,
        ForceUnlock::BreakLock => granted,
        ForceUnlock::Owner => granted || own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(md5: u8, serial: u64, lineage: &str) -> Summary {
        Summary {
            md5: s3tate::StateDigest::of(&[md5]),
            serial: Some(serial),
            lineage: Some(lineage.to_owned()),
        }
    }

    #[test]
    fn serials_jump_forward_and_never_back() {
        let stored = summary(1, 5, "l");
        let compare = |sent: &Summary, same_lock| super::compare(Some(&stored), sent, same_lock);
        assert_eq!(super::compare(None, &stored, false), Content::Store);
        assert_eq!(compare(&summary(1, 5, "l"), false), Content::Same);
        assert_eq!(compare(&summary(2, 5, "l"), false), Content::SameSerial);
        assert_eq!(compare(&summary(2, 5, "l"), true), Content::Store, "encrypted anew");
        assert_eq!(compare(&summary(2, 9, "l"), false), Content::Store);
        assert_eq!(compare(&summary(2, 4, "l"), true), Content::Older);
        assert_eq!(compare(&summary(2, 9, "m"), true), Content::Unrelated);
        assert_eq!(
            compare(&Summary { serial: None, lineage: None, md5: s3tate::StateDigest::of(&[2]) }, false),
            Content::Store
        );
    }

    #[test]
    fn records_say_who_took_the_lock() {
        let sent = LockInfo { id: "x".into(), info: "more of it".into(), ..LockInfo::default() };
        let record = record_for(sent, "repo:a/b ü", "bucket/key");
        assert_eq!(taken_by(&record).as_deref(), Some("repo:a/b ü"));
        assert!(record.info.ends_with(" more of it"), "{}", record.info);
        assert_eq!((record.who.as_str(), record.path.as_str()), ("repo:a/b ü", "bucket/key"));
        assert_eq!(taken_by(&LockInfo::default()), None);
    }

    #[test]
    fn only_the_holder_releases_without_breaking() {
        let full = LockInfo { id: "x".into(), operation: "OperationTypeApply".into(), ..LockInfo::default() };
        let held = record_for(full.clone(), "dana", "b/k");
        assert_eq!(release(Some(&full), &held, "dana"), Release::Own);
        assert_eq!(release(Some(&full), &held, "eve"), Release::Break);
        assert_eq!(
            release(Some(&LockInfo { id: "x".into(), ..LockInfo::default() }), &held, "dana"),
            Release::Break
        );
        assert_eq!(release(None, &held, "dana"), Release::Break);
        assert_eq!(release(Some(&full), &full, "dana"), Release::Break, "taken through another door");
    }
}
