//! What the text of an attribute must look like: Terraform 1.11's rules, checked without any network.

use base64::Engine as _;

/// Checks a text; the error says what is expected, fit to follow "must".
pub type Check = fn(&str) -> Result<(), String>;

fn must(holds: bool, expected: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(expected.to_owned()) }
}

/// Not empty, not only white space.
pub(super) fn not_blank(text: &str) -> Result<(), String> {
    must(!text.trim().is_empty(), "not be blank")
}

/// A state key: no slash at its ends, none doubled.
pub(super) fn key(text: &str) -> Result<(), String> {
    not_blank(text)?;
    prefix(text)?;
    must(!text.contains("//"), "not contain `//`")
}

/// A key prefix: no slash at its ends; may be empty.
pub(super) fn prefix(text: &str) -> Result<(), String> {
    must(!text.starts_with('/') && !text.ends_with('/'), "not begin or end with `/`")
}

/// A URL with scheme and host; an empty text counts as unset.
pub(super) fn url(text: &str) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { full_url(text) }
}

/// A URL that may lack its scheme, of a service that may never be asked; an empty text counts as unset.
pub(super) fn lax_url(text: &str) -> Result<(), String> {
    let has_port = text.split('/').next().is_some_and(|host| host.contains(':'));
    let bare = !text.contains("://") && !has_port && !text.contains(char::is_whitespace);
    if bare { Ok(()) } else { full_url(text) }
}

/// A URL with scheme and host, where every command needs it.
pub(super) fn full_url(text: &str) -> Result<(), String> {
    let complete = text.split_once("://").is_some_and(|(scheme, rest)| {
        let has_host = !rest.is_empty() && !rest.starts_with(['/', ':', '?']);
        matches!(scheme, "http" | "https") && has_host && !rest.contains(char::is_whitespace)
    });
    must(complete, "be a complete URL, such as `https://HOST`")
}

/// `standard` or `adaptive`.
pub(super) fn retry_mode(text: &str) -> Result<(), String> {
    must(matches!(text, "standard" | "adaptive"), "be `standard` or `adaptive`")
}

/// `IPv4` or `IPv6`.
pub(super) fn ip_mode(text: &str) -> Result<(), String> {
    must(matches!(text, "IPv4" | "IPv6"), "be `IPv4` or `IPv6`")
}

/// `ipv4` or `ipv6`, as the SDKs read their variable.
pub(super) fn ip_mode_in_any_case(text: &str) -> Result<(), String> {
    must(["ipv4", "ipv6"].iter().any(|mode| text.eq_ignore_ascii_case(mode)), "be `IPv4` or `IPv6`")
}

/// Whether DynamoDB's hosts by account are used.
pub(super) fn account_mode(text: &str) -> Result<(), String> {
    let modes = ["preferred", "required", "disabled"];
    must(modes.iter().any(|mode| text.eq_ignore_ascii_case(mode)), "be `preferred`, `required` or `disabled`")
}

/// A whole number, which may be negative.
pub(super) fn whole_number(text: &str) -> Result<(), String> {
    must(text.parse::<i64>().is_ok(), "be a whole number")
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Result<(), String> {
    must(["true", "false"].iter().any(|flag| text.eq_ignore_ascii_case(flag)), "be `true` or `false`")
}

/// Base64 of 32 bytes.
pub(super) fn customer_key(text: &str) -> Result<(), String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    must(
        text.len() == 44 && bytes.is_ok_and(|bytes| bytes.len() == 32),
        "be base64 of 32 bytes, 44 characters",
    )
}

/// A KMS key: a UUID, a multi-region key, an alias, or the ARN of one.
///
/// Like stock clients, which anchor the bare forms loosely, it accepts some garbage around them.
pub(super) fn kms_key(text: &str) -> Result<(), String> {
    if let Some(resource) = arn_resource(text) {
        let key = resource.strip_prefix("key/");
        let exact = key.is_some_and(|key| is_uuid(key) || is_multi_region(key)) || is_alias(resource);
        return must(exact, "name a key or an alias, as `key/UUID`, `key/mrk-…` or `alias/…`");
    }
    let starts_with_uuid = text.get(..36).is_some_and(is_uuid);
    let multi_region =
        text.match_indices("mrk-").any(|(at, _)| text.get(at..at + 36).is_some_and(is_multi_region));
    let alias = text.find("alias/").is_some_and(|at| is_alias(&text[at..]));
    must(starts_with_uuid || multi_region || alias, "be a key's UUID, `mrk-…`, `alias/…`, or the ARN of one")
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    let [first, second, third, fourth, fifth] = groups.as_slice() else { return false };
    let lengths = [first, second, third, fourth, fifth].map(|group| group.len()) == [8, 4, 4, 4, 12];
    lengths
        && groups.iter().all(|group| is_lower_hex(group))
        && third.starts_with(['1', '2', '3', '4', '5'])
        && fourth.starts_with(['8', '9', 'a', 'b'])
}

fn is_multi_region(text: &str) -> bool {
    text.strip_prefix("mrk-").is_some_and(|id| id.len() == 32 && is_lower_hex(id))
}

fn is_alias(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    text.strip_prefix("alias/").is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
}

/// The last part of an ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn arn_resource(text: &str) -> Option<&str> {
    let mut parts = text.splitn(6, ':');
    let is_arn = parts.next() == Some("arn");
    parts.nth(4).filter(|_| is_arn)
}

/// The ARN of a role.
pub(super) fn role_arn(text: &str) -> Result<(), String> {
    let role = arn_resource(text).is_some_and(|resource| resource.starts_with("role/"));
    must(role, "be the ARN of a role, such as `arn:aws:iam::123456789012:role/NAME`")
}

/// The ARN of a managed policy.
pub(super) fn policy_arn(text: &str) -> Result<(), String> {
    let policy = arn_resource(text).is_some_and(|resource| resource.starts_with("policy/"));
    must(policy, "be the ARN of a policy, such as `arn:aws:iam::123456789012:policy/NAME`")
}

/// A JSON object.
pub(super) fn policy(text: &str) -> Result<(), String> {
    not_blank(text)?;
    match serde_json::from_str(text.trim()) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(serde_json::Value::String(_)) => Err("be a JSON object; this is a text, encoded twice".to_owned()),
        _ => Err("be a JSON object, the policy itself and not a file's name".to_owned()),
    }
}

fn word(text: &str, lengths: std::ops::RangeInclusive<usize>, more: &str) -> Result<(), String> {
    must(lengths.contains(&text.len()), &format!("have {} to {} bytes", lengths.start(), lengths.end()))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    must(text.chars().all(allowed), &format!("hold only letters, digits and _{more}"))
}

/// The name of a role's session, or its source identity.
pub(super) fn session_name(text: &str) -> Result<(), String> {
    word(text, 2..=64, "+=,.@-")
}

/// An external ID.
pub(super) fn external_id(text: &str) -> Result<(), String> {
    word(text, 2..=1224, "+=,.@:/-")
}

/// A web identity token, or the name of its file.
pub(super) fn token(text: &str) -> Result<(), String> {
    must((4..=20_000).contains(&text.len()), "have 4 to 20000 bytes")
}

/// A duration between 15 minutes and 12 hours.
pub(super) fn role_duration(text: &str) -> Result<(), String> {
    let duration = crate::parse_duration(text).map_err(|_| "be a duration, such as `1h30m`".to_owned())?;
    must((15 * 60..=12 * 3600).contains(&duration.as_secs()), "lie between 15m and 12h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_keys_are_stocks() {
        let uuid = "57ff7a43-341d-46b6-aee3-a450c9de6dc8";
        let mrk = "mrk-f827515944fb43f9b902a09d2c8b554f";
        for good in [
            uuid.to_owned(),
            format!("{uuid}-and-garbage"),
            mrk.to_owned(),
            format!("x{mrk}"),
            "alias/arbitrary-key".to_owned(),
            format!("arn:aws:kms:us-west-2:111122223333:key/{uuid}"),
            format!("arn:aws:kms:us-west-2:111122223333:key/{mrk}"),
            "arn:aws:kms:us-west-2:111122223333:alias/arbitrary-key".to_owned(),
        ] {
            assert_eq!(kms_key(&good), Ok(()), "{good}");
        }
        for bad in [
            String::new(),
            "$%wrongkey".to_owned(),
            uuid.replace("-46b6", "-66b6"),
            uuid.to_uppercase(),
            "mrk-f827".to_owned(),
            format!("arn:aws:kms:us-west-2:111122223333:key/{uuid}x"),
            "arn:aws:lambda:foo:bar:key/xyz".to_owned(),
        ] {
            assert!(kms_key(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_and_ranges_are_stocks() {
        for (check, good, bad) in [
            (session_name as Check, "ab", "a"),
            (session_name, "a@b", "a/b"),
            (external_id, "a/b:c", "a b"),
            (role_duration, "15m", "14m59s"),
            (role_duration, "12h", "12h1s"),
            (role_duration, "1h30m", "90"),
            (token, "abcd", "abc"),
            (role_arn, "arn:aws:iam::1:role/x", "arn:aws:iam::1:user/x"),
            (policy_arn, "arn:aws:iam::1:policy/x", "policy/x"),
            (policy, " {} ", "\"{}\""),
            (url, "https://h", "h:1"),
            (url, "http://127.0.0.1:1/x", "http://"),
            (url, "", "http://a b/"),
            (lax_url, "sts.example.com/x", "localhost:1"),
            (lax_url, "", "http://a b/"),
            (retry_mode, "adaptive", "legacy"),
            (ip_mode, "IPv6", "ipv6"),
            (prefix, "a/b", "a/"),
            (key, "a/b", "a//b"),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
