//! The hash of a backend block, by which Terraform recognises that a block has changed.
//!
//! CRC-32 of the block's values in the order of the attributes' names, as Terraform 0.12 and later and OpenTofu
//! store it in the cache file. Only the literal block counts, not the options laid over it. Every release hashes the
//! attributes of its own schema, so that one block has several hashes.

use super::Arguments;
use super::attributes::{ATTRIBUTES, Attribute, Kind};
use super::release::Release;
use super::value::Value;
use crate::state::go_quote;

/// Releases of Terraform that changed the schema: one of each generation since caches have these hashes.
const GENERATIONS: &[&str] =
    &["0.12", "0.13", "1.0", "1.6.0", "1.6.3", "1.6", "1.7", "1.8", "1.10", Release::CURRENT];

/// The hash of a block under the schema of a Terraform release.
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

/// Whether a cache's hash is that of this block, whichever release wrote it.
pub fn is_hash_of(block: &Arguments, hash: u64) -> bool {
    let releases = GENERATIONS.iter().filter_map(|release| release.parse().ok());
    releases.map(|release| u64::from(block_hash(block, release))).any(|known| known == hash)
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
    use super::*;

    /// Source: recorded from Terraform 1.11.4; worked out for 0.15 to 1.0.
    #[test]
    fn an_empty_block_hashes_as_terraform_does() {
        let empty = Arguments::default();
        for (release, hash) in [(Release::CURRENT, 1_410_938_009), ("1.0", 893_988_343)] {
            assert_eq!(block_hash(&empty, release.parse().unwrap()), hash, "{release}");
            assert!(is_hash_of(&empty, u64::from(hash)), "{release}");
        }
        assert!(!is_hash_of(&empty, 1));
    }
}
