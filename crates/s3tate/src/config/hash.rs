//! The hash of a backend block, by which Terraform recognises that a block has changed.
//!
//! CRC-32 of the block's values in the order of the attributes' names, as Terraform 0.12 and later and OpenTofu
//! store it in the cache file. Only the literal block counts, not the options laid over it.

use super::Arguments;
use super::attributes::{ATTRIBUTES, Attribute, Kind, Since};
use super::value::Value;
use crate::state::go_quote;

/// The hash of a block under Terraform 1.11's schema.
pub fn block_hash(block: &Arguments) -> u32 {
    let mut text = String::from("<\"s3\";<");
    for attribute in ATTRIBUTES.iter().filter(|attribute| attribute.since == Since::Current) {
        encode(block.get(attribute.name).unwrap_or(&Value::Null), attribute.kind, &mut text);
        text.push(';');
    }
    text.push_str(">;>");
    crc32fast::hash(text.as_bytes())
}

fn encode(value: &Value, kind: Kind, text: &mut String) {
    match value {
        Value::Null => text.push('~'),
        Value::Bool(flag) => text.push(if *flag { 'T' } else { 'F' }),
        Value::Number(number) => text.push_str(number),
        Value::String(string) => text.push_str(&go_quote(string)),
        Value::List(items) => encode_each('[', items.iter().map(|item| ("", item, Kind::String)), ']', text),
        Value::Map(members) => {
            if let Kind::Object(schema) = kind {
                encode_object(value, schema, text);
            } else {
                let members: Vec<_> = members.iter().map(|(key, item)| (go_quote(key) + ":", item)).collect();
                let members = members.iter().map(|(key, item)| (key.as_str(), *item, Kind::String));
                encode_each('{', members, '}', text);
            }
        }
    }
}

fn encode_object(value: &Value, schema: &'static [Attribute], text: &mut String) {
    let members =
        schema.iter().map(|member| ("", value.member(member.name).unwrap_or(&Value::Null), member.kind));
    encode_each('<', members, '>', text);
}

fn encode_each<'a>(
    open: char,
    items: impl Iterator<Item = (&'a str, &'a Value, Kind)>,
    close: char,
    text: &mut String,
) {
    text.push(open);
    for (prefix, item, kind) in items {
        text.push_str(prefix);
        encode(item, kind, text);
        text.push(';');
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: recorded from Terraform 1.11.4.
    #[test]
    fn an_empty_block_hashes_as_terraform_does() {
        assert_eq!(block_hash(&Arguments::default()), 1_410_938_009);
    }
}
