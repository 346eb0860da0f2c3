//! The lock record.

use s3tate::lock::LockInfo;

/// What was read is written in one form, which reads as the same.
#[allow(dead_code, reason = "each fuzz target takes one of these functions")]
pub(crate) fn lock(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(info) = LockInfo::read(text) else { return };
    let _line = info.describe("2026-01-31T12:00:00Z".parse().expect("a time"));
    let written = info.encode();
    let again = LockInfo::read(&written);
    assert_eq!(again.as_ref(), Some(&info));
    assert_eq!(again.map(|again| again.encode()), Some(written));
}
