//! Which state a path names. One path, one name: decoded once, compared byte for byte, nothing cleaned or folded.

use percent_encoding::percent_decode_str;
use s3tate::WorkspaceName;
use s3tate::config::BackendConfig;

/// The first part of keys that the server keeps things of its own under.
pub(crate) const OWN: &str = ".s3tate";
/// Keys of S3 have up to 1,024 bytes; the lock object's is longer than the state's.
const MOST_KEY_BYTES: usize = 1024 - ".tflock".len();
/// The longest path that is looked at.
pub(crate) const MOST_PATH_BYTES: usize = 8 << 10;

/// The key of the state that `path` (percent-encoded, without a leading slash) and `workspace` (decoded) name.
///
/// # Errors
/// Why it names none.
pub(crate) fn state_key(
    path: &str,
    workspace: Option<&str>,
    config: &BackendConfig,
) -> Result<String, String> {
    let key = decoded(path)?;
    check(&key)?;
    let Some(name) = workspace else { return Ok(key) };
    let name = WorkspaceName::new(name).map_err(|error| error.to_string())?;
    let config = BackendConfig { key, ..config.clone() };
    let key = name.state_key(&config).to_string();
    check(&key).map(|()| key)
}

fn decoded(path: &str) -> Result<String, String> {
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let digits = rest.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err("the path has a `%` that encodes nothing".to_owned());
        }
        if digits.eq_ignore_ascii_case(b"2f") {
            return Err("the path has an encoded `/`".to_owned());
        }
        rest = &rest[at + 3..];
    }
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| "the path is not UTF-8".to_owned())?;
    Ok(decoded.into_owned())
}

/// Whether a key may be a state's.
///
/// # Errors
/// Why not.
pub(crate) fn check(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("the path names no state".to_owned());
    }
    if key.len() > MOST_KEY_BYTES {
        return Err(format!("the name of a state has at most {MOST_KEY_BYTES} bytes"));
    }
    if let Some(refused) = key.chars().find(|c| c.is_control() || "\\%?#".contains(*c)) {
        return Err(format!("the name of a state can't have {refused:?}"));
    }
    let mut segments = key.split('/');
    if let Some(segment) = segments.clone().find(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(format!("the path has the segment `{segment}`, which is not resolved here"));
    }
    if segments.next() == Some(OWN) {
        return Err(format!("names below `{OWN}/` are the server's own"));
    }
    if key.rsplit('/').next() == Some("lock") || key.ends_with(".tflock") || key.ends_with("-md5") {
        return Err("names that end with `/lock`, `.tflock` or `-md5` belong to locks and digests".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_keys() {
        for (path, key) in [
            ("app", "app"),
            ("a/b.tfstate", "a/b.tfstate"),
            ("a%20b/%C3%BC", "a b/ü"),
            ("env:/x/y", "env:/x/y"),
        ] {
            assert_eq!(decoded(path).and_then(|key| check(&key).map(|()| key)).as_deref(), Ok(key), "{path}");
        }
    }

    /// Check C68: tricks with paths name no state.
    #[test]
    fn tricks_name_no_state() {
        for path in [
            "",
            "a/",
            "/a",
            "a//b",
            "a/../b",
            "a/./b",
            "..",
            "%2e%2e",
            "%2E./a",
            "a/%2e%2e/b",
            "a%2fb",
            "a%2Fb",
            "a%00b",
            "a%0Ab",
            "a%5cb",
            "%",
            "%2",
            "%zz",
            "%ff",
            "a%252e",
            "a%23",
            "a%3fb",
            "lock",
            "a/lock",
            "a.tflock",
            "a-md5",
            ".s3tate/why/x",
            "%2es3tate/x",
        ] {
            assert!(decoded(path).and_then(|key| check(&key)).is_err(), "{path}");
        }
        assert!(check(&"k".repeat(MOST_KEY_BYTES + 1)).is_err());
    }
}
