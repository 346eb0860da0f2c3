//! How a version is named: by id, serial or time.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, civil};

use crate::error::{Error, Result};
use crate::names::VersionId;

/// Which version of a state is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSpec {
    /// The one with this id.
    Id(VersionId),
    /// The newest one with this serial.
    Serial(u64),
    /// The one that was there at this time.
    At(Timestamp),
}

impl VersionSpec {
    /// Reads `serial:N`, `@{TIME}`, or else a version id.
    ///
    /// A time is RFC 3339, or without a zone and then in UTC, or a date, or an age such as `2h ago` or `3 days`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: no number, or no time.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self> {
        if let Some(serial) = text.strip_prefix("serial:") {
            let serial =
                serial.parse().map_err(|_| wrong(text, "a serial is a whole number, as in `serial:12`"))?;
            return Ok(Self::Serial(serial));
        }
        if let Some(time) = text.strip_prefix("@{").and_then(|text| text.strip_suffix('}')) {
            let hint =
                "write `@{2026-05-01T10:00Z}`, `@{2026-05-01}` or `@{2h ago}`, in quotes for the shell";
            return time_of(time.trim(), now).map(Self::At).ok_or_else(|| wrong(text, hint));
        }
        if text.is_empty() {
            return Err(wrong(text, "`s3tate history` shows the ids"));
        }
        Ok(Self::Id(VersionId::from(text.to_owned())))
    }
}

fn wrong(text: &str, hint: &str) -> Error {
    Error::invalid(format!("`{text}` names no version")).hint(hint)
}

fn time_of(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(time) = text.parse::<civil::DateTime>() {
        return time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    }
    let age: Span = text.parse().ok()?;
    now.to_zoned(TimeZone::UTC).checked_sub(age.abs()).ok().map(|time| time.timestamp())
}

impl fmt::Display for VersionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "`{id}`"),
            Self::Serial(serial) => write!(f, "with serial {serial}"),
            Self::At(time) => write!(f, "of {time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        match VersionSpec::parse(text, "2026-05-03T12:00:00Z".parse().unwrap()) {
            Ok(VersionSpec::At(time)) => Some(time.to_string()),
            _ => None,
        }
    }

    #[test]
    fn versions_are_named_by_id_serial_and_time() {
        let parse = |text| VersionSpec::parse(text, Timestamp::UNIX_EPOCH).ok();
        assert_eq!(parse("serial:7"), Some(VersionSpec::Serial(7)));
        assert_eq!(parse("a.B_c"), Some(VersionSpec::Id(VersionId::from("a.B_c".to_owned()))));
        for wrong in ["", "serial:", "serial:-1", "serial:x", "@{}", "@{soon}", "@{2026-13-01}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_absolute_or_ages() {
        assert_eq!(at("@{2026-05-01T10:00:00+02:00}").as_deref(), Some("2026-05-01T08:00:00Z"));
        assert_eq!(at("@{2026-05-01T10:00}").as_deref(), Some("2026-05-01T10:00:00Z"));
        assert_eq!(at("@{2026-05-01}").as_deref(), Some("2026-05-01T00:00:00Z"));
        assert_eq!(at("@{2h ago}").as_deref(), Some("2026-05-03T10:00:00Z"));
        assert_eq!(at("@{ 2 days }").as_deref(), Some("2026-05-01T12:00:00Z"));
        assert_eq!(at("@{1 month ago}").as_deref(), Some("2026-04-03T12:00:00Z"));
    }
}
