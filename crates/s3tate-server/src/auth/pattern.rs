//! Patterns of state keys and of texts.

/// Why a text is no pattern of state keys; `None` where it is one.
pub fn problem(pattern: &str) -> Option<&'static str> {
    let segments = || pattern.split('/');
    if segments().any(str::is_empty) {
        return Some("its segments can't be empty");
    }
    if segments().any(|segment| segment == "." || segment == "..") {
        return Some("`.` and `..` name no state");
    }
    segments()
        .any(|segment| segment.contains("**") && segment != "**")
        .then_some("`**` stands for whole segments, between slashes")
}

/// Whether a pattern covers a key: `*` within a segment, `**` for any number of whole segments, none included.
pub fn covers(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let key: Vec<&str> = key.split('/').collect();
    covers_segments(&pattern, &key)
}

fn covers_segments(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=key.len()).any(|skipped| covers_segments(rest, &key[skipped..])),
        (Some((first, rest)), Some((segment, others))) => {
            matches(first, segment) && covers_segments(rest, others)
        }
        _ => false,
    }
}

/// Whether a text is like a pattern in which `*` stands for any characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = tail.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_segments_and_double_ones_do_not() {
        for (pattern, key, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/*", "a", false),
            ("a/**", "a", true),
            ("a/**", "a/b/c", true),
            ("a/**", "ab", false),
            ("**", "x/y", true),
            ("**/prod", "a/b/prod", true),
            ("**/prod", "prod", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/x*z", "a/xyz", true),
            ("a/x*z", "a/xy", false),
        ] {
            assert_eq!(covers(pattern, key), expected, "{pattern} {key}");
        }
        assert!(matches("repo:acme/*:ref:*", "repo:acme/x:ref:refs/heads/main"));
        assert!(!matches("repo:acme/*", "repo:acme2/x") && !matches("a*a", "a"));
        for pattern in ["", "a//b", "/a", "a/", "a/../b", "a**"] {
            assert!(problem(pattern).is_some(), "{pattern}");
        }
    }
}
