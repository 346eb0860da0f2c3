//! Sizes, times and addresses as people read them.

use form_urlencoded::Serializer;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a path as it is.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// The address of a page about a state.
pub(super) fn href(page: &str, key: &str) -> String {
    format!("/ui/{page}/{}", utf8_percent_encode(key, PATH))
}

/// The same with a query.
pub(super) fn href_with(page: &str, key: &str, query: &[(&str, &str)]) -> String {
    format!("{}?{}", href(page, key), Serializer::new(String::new()).extend_pairs(query).finish())
}

/// A time and how long ago it was.
#[derive(Debug, Clone)]
pub(super) struct When {
    /// As machines read it.
    pub(super) exact: String,
    pub(super) shown: String,
    pub(super) ago: String,
}

/// What time it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) Timestamp);

impl Clock {
    pub(super) fn when(self, time: Timestamp) -> When {
        When {
            exact: time.to_string(),
            shown: time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            ago: ago(self.0.duration_since(time).as_secs()),
        }
    }
}

fn ago(seconds: i64) -> String {
    let counted =
        |number: i64, unit: &str| format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" });
    match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => counted(seconds / 60, "minute"),
        3600..86400 => counted(seconds / 3600, "hour"),
        _ => counted(seconds / 86400, "day"),
    }
}

/// Such as `17 B`, `4.2 KiB` or `70 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let (mut value, mut shift) = (bytes, 0);
    while value >= 1024 && shift < 40 {
        (value, shift) = (value >> 10, shift + 10);
    }
    let unit = ["B", "KiB", "MiB", "GiB", "TiB"].get(shift / 10).copied().unwrap_or_default();
    if shift == 0 || value >= 10 {
        return format!("{value} {unit}");
    }
    format!("{value}.{} {unit}", ((bytes >> (shift - 10)) & 1023) * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_digits_that_count() {
        let sizes = [0, 1023, 1024, 4300, 10_240, 70 << 20, 5 << 30].map(size);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "4.1 KiB", "10 KiB", "70 MiB", "5.0 GiB"]);
    }

    #[test]
    fn ages_are_whole_units() {
        let ages = [-5, 59, 60, 7300, 86_400, 900_000].map(ago);
        assert_eq!(ages, ["just now", "just now", "1 minute ago", "2 hours ago", "1 day ago", "10 days ago"]);
    }

    #[test]
    fn keys_become_paths_that_name_them_alone() {
        assert_eq!(href("state", "a b/ü<\"&+"), "/ui/state/a%20b/%C3%BC%3C%22%26%2B");
        assert_eq!(href_with("diff", "k", &[("from", "a&b")]), "/ui/diff/k?from=a%26b");
    }
}
