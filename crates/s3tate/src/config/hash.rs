//! The hash of a backend block, by which Terraform recognises that a block has changed.
//!
//! CRC-32 of the block's values in the order of the attributes' names, as Terraform 0.12 and later and OpenTofu
//! store it in the cache file. Only the literal block counts, not the options laid over it. Every release hashes the
//! attributes of its own schema, so that one block has several hashes.

use super::Arguments;
use super::attributes::{ATTRIBUTES, Attribute, Kind, attribute};
use super::cache::Cache;
use super::release::Release;
use super::value::Value;
use crate::state::go_quote;

/// Releases that changed the schema: one of each generation since caches have these hashes, Terraform's last.
const GENERATIONS: &[&str] = &[
    "opentofu-1.7",
    "opentofu-1.8",
    "opentofu-1.10",
    "opentofu-1.11",
    "0.12",
    "0.13",
    "1.0",
    "1.6.0",
    "1.6.3",
    "1.6",
    "1.7",
    "1.8",
    "1.10",
    Release::CURRENT,
];

/// The hash of a block under the schema of a release.
pub fn block_hash(block: &Arguments, release: Release) -> u32 {
    let mut text = String::from("<\"s3\";<");
    for attribute in ATTRIBUTES.iter().filter(|attribute| attribute.is_in(release)) {
        let value = block.get(attribute.name).unwrap_or(&Value::Null);
        encode(value, attribute.kind, release, &mut text);
        text.push(';');
    }
    text.push_str(">;>");
    crc32fast::hash(text.as_bytes())
}

/// Whether a cache was made from this block, whichever release wrote it.
///
/// A hash says nothing of what its release doesn't know, so there the cache has to hold what the block holds.
pub fn is_made_from(block: &Arguments, cache: &Cache) -> bool {
    generations().any(|release| {
        let agrees = |(name, value, _): (&str, &Value, _)| {
            is_hashed(name, value, release) || cache.arguments.get(name) == Some(value)
        };
        u64::from(block_hash(block, release)) == cache.hash && block.iter().all(agrees)
    })
}

/// The newest release that knows all that a block holds, Terraform's before OpenTofu's; the current one where none does.
pub fn release_of(block: &Arguments) -> Release {
    let knows_all = |release: &Release| block.iter().all(|(name, value, _)| is_hashed(name, value, *release));
    generations().find(knows_all).unwrap_or_default()
}

/// From the current one back.
fn generations() -> impl Iterator<Item = Release> {
    GENERATIONS.iter().rev().filter_map(|release| release.parse().ok())
}

/// Whether a release knows the attribute, and the members that are set.
fn is_hashed(name: &str, value: &Value, release: Release) -> bool {
    let is_unset = |member: &Attribute| value.member(member.name).is_none_or(|value| *value == Value::Null);
    attribute(name).is_some_and(|attribute| {
        attribute.is_in(release)
            && match attribute.kind {
                Kind::Object(members) => {
                    members.iter().all(|member| member.is_in(release) || is_unset(member))
                }
                _ => true,
            }
    })
}

fn encode(value: &Value, kind: Kind, release: Release, text: &mut String) {
    match value {
        Value::Null => text.push('~'),
        Value::Bool(flag) => text.push(if *flag { 'T' } else { 'F' }),
        Value::Number(number) => text.push_str(number),
        Value::String(string) => text.push_str(&go_quote(string)),
        Value::List(items) => {
            encode_each('[', items.iter().map(|item| ("", item, Kind::String)), ']', release, text);
        }
        Value::Map(members) => {
            if let Kind::Object(schema) = kind {
                encode_object(value, schema, release, text);
            } else {
                let members: Vec<_> = members.iter().map(|(key, item)| (go_quote(key) + ":", item)).collect();
                let members = members.iter().map(|(key, item)| (key.as_str(), *item, Kind::String));
                encode_each('{', members, '}', release, text);
            }
        }
    }
}

fn encode_object(value: &Value, schema: &'static [Attribute], release: Release, text: &mut String) {
    let known = schema.iter().filter(|member| member.is_in(release));
    let members = known.map(|member| ("", value.member(member.name).unwrap_or(&Value::Null), member.kind));
    encode_each('<', members, '>', release, text);
}

fn encode_each<'a>(
    open: char,
    items: impl Iterator<Item = (&'a str, &'a Value, Kind)>,
    close: char,
    release: Release,
    text: &mut String,
) {
    text.push(open);
    for (prefix, item, kind) in items {
        text.push_str(prefix);
        encode(item, kind, release, text);
        text.push(';');
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::partial;

    /// Source: recorded from Terraform 1.11.4; worked out for 0.15 to 1.0.
    #[test]
    fn an_empty_block_hashes_as_terraform_does() {
        let empty = Arguments::default();
        for (release, hash) in [(Release::CURRENT, 1_410_938_009), ("1.0", 893_988_343)] {
            assert_eq!(block_hash(&empty, release.parse().unwrap()), hash, "{release}");
            assert!(is_made_from(&empty, &cache(&[], u64::from(hash))), "{release}");
        }
        assert!(!is_made_from(&empty, &cache(&[], 1)));
    }

    fn given(options: &[&str]) -> Arguments {
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        partial::read(&options, Path::new(".")).unwrap()
    }

    fn cache(options: &[&str], hash: u64) -> Cache {
        Cache { path: "cache".into(), kind: "s3".into(), arguments: given(options), hash }
    }

    #[test]
    fn what_a_hash_does_not_cover_has_to_be_in_the_cache() {
        for old in ["lock_table=t", "role_arn=r", "state_tags={a=\"b\"}"] {
            let block = given(&["bucket=b", old]);
            let hash = u64::from(block_hash(&block, Release::CURRENT.parse().unwrap()));
            assert!(!is_made_from(&block, &cache(&["bucket=b"], hash)), "{old}");
            assert!(is_made_from(&block, &cache(&["bucket=b", "key=given", old], hash)), "{old}");
        }
    }

    #[test]
    fn caches_of_every_generation_are_recognised() {
        let block = given(&["bucket=b", "assume_role={role_arn=\"r\"}"]);
        for release in ["1.6.3", "1.11", "opentofu-1.6", "opentofu-1.8", "opentofu-1.10", "opentofu-1.12"] {
            let hash = u64::from(block_hash(&block, release.parse().unwrap()));
            assert!(is_made_from(&block, &cache(&["bucket=b", "key=given"], hash)), "{release}");
        }
    }

    #[test]
    fn a_block_is_hashed_for_the_newest_release_that_knows_it() {
        for (options, release) in [
            (&["bucket=b"][..], Release::CURRENT),
            (&["role_arn=r"], "1.8"),
            (&["lock_table=t"], "0.12"),
            (&["endpoints={sso=\"https://h\"}", "use_legacy_workflow=true"], "1.7"),
            (&["role_arn=r", "use_lockfile=true"], "opentofu-1.11"),
            (&["state_tags={a=\"b\"}"], "opentofu-1.11"),
            (&["lock_table=t", "use_lockfile=true"], Release::CURRENT),
        ] {
            assert_eq!(release_of(&given(options)), release.parse().unwrap(), "{options:?}");
        }
    }
}
