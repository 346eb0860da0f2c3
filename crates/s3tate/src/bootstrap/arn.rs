//! Names of resources as policies write them.

use crate::config::BackendConfig;
use crate::names::clean;

/// Partitions other than `aws`, by how the names of their regions begin.
const PARTITIONS: &[(&str, &str)] = &[
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

fn partition(region: &str) -> &'static str {
    PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

/// The bucket.
pub(super) fn bucket(config: &BackendConfig) -> String {
    format!("arn:{}:s3:::{}", partition(&config.region), config.bucket)
}

/// The objects with these keys.
pub(super) fn objects(config: &BackendConfig, pattern: &str) -> String {
    format!("{}/{pattern}", bucket(config))
}

/// The table, in whichever account the policy is attached.
pub(super) fn table(config: &BackendConfig, table: &str) -> String {
    if table.starts_with("arn:") {
        return table.to_owned();
    }
    format!("arn:{}:dynamodb:{}:*:table/{table}", partition(&config.region), config.region)
}

/// A KMS key, and its alias where it is named by one: policies name keys, so an alias becomes a condition.
pub(super) fn kms_key(config: &BackendConfig, key: &str) -> (String, Option<String>) {
    let place = format!("arn:{}:kms:{}:*", partition(&config.region), config.region);
    match key.split_once(":alias/") {
        Some((place, alias)) => (format!("{place}:key/*"), Some(format!("alias/{alias}"))),
        None if key.starts_with("arn:") => (key.to_owned(), None),
        None if key.starts_with("alias/") => (format!("{place}:key/*"), Some(key.to_owned())),
        None => (format!("{place}:key/{key}"), None),
    }
}

/// The key of the default workspace's state, as a pattern that matches it alone.
pub(super) fn default_state(config: &BackendConfig) -> String {
    literal(&config.key)
}

/// The keys of all other workspaces' states.
pub(super) fn other_states(config: &BackendConfig) -> String {
    clean(&format!("{}/*/{}", literal(&config.workspace_key_prefix), literal(&config.key)))
}

/// Text with the characters escaped that mean something in a policy's patterns.
fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => escaped.extend(['$', '{', c, '}']),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    #[test]
    fn partitions_follow_the_region() {
        for (region, name) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(partition(region), name, "{region}");
        }
    }

    #[test]
    fn keys_match_themselves_alone() {
        let config = config(&["key=a*b/${x}?", "workspace_key_prefix=w$"]);
        assert_eq!(default_state(&config), "a${*}b/${$}{x}${?}");
        assert_eq!(other_states(&config), "w${$}/*/a${*}b/${$}{x}${?}");
    }

    #[test]
    fn an_empty_prefix_leaves_no_empty_segment() {
        assert_eq!(other_states(&config(&["workspace_key_prefix="])), "*/p/s");
    }

    #[test]
    fn keys_of_kms_are_named_as_policies_want_them() {
        let config = config(&["region=cn-north-1"]);
        let place = "arn:aws-cn:kms:cn-north-1:*";
        assert_eq!(kms_key(&config, "1234-ab"), (format!("{place}:key/1234-ab"), None));
        assert_eq!(kms_key(&config, "alias/tf"), (format!("{place}:key/*"), Some("alias/tf".into())));
        let arn = "arn:aws-cn:kms:cn-north-1:111122223333";
        assert_eq!(kms_key(&config, &format!("{arn}:key/k")), (format!("{arn}:key/k"), None));
        assert_eq!(
            kms_key(&config, &format!("{arn}:alias/tf")),
            (format!("{arn}:key/*"), Some("alias/tf".into()))
        );
    }
}
