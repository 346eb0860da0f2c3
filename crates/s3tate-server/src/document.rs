//! What a state document says of itself, read without holding it.

use std::io::Read;

use s3tate::StateDigest;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

/// What decides whether one document is written over another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    /// MD5 of its bytes.
    pub(crate) md5: StateDigest,
    /// Its serial, where it has one.
    pub(crate) serial: Option<u64>,
    /// Its lineage, where it has one.
    pub(crate) lineage: Option<String>,
}

/// The members that are looked at.
#[derive(Debug, Default)]
pub(crate) struct Members {
    serial: Option<u64>,
    lineage: Option<String>,
    /// Whether it has any member that states have, encrypted ones included.
    looks_like_a_state: bool,
}

/// Reads a document to its end; unknown members are checked for their syntax alone, numbers of any size included.
///
/// # Errors
/// Why it is no state. `(true, …)`: it is JSON, nevertheless.
pub(crate) fn read(document: impl Read, md5: StateDigest) -> Result<Summary, (bool, String)> {
    let members: Result<Members, _> = serde_json::from_reader(document);
    match members {
        Ok(members) if members.looks_like_a_state => {
            Ok(Summary { md5, serial: members.serial, lineage: members.lineage })
        }
        Ok(_) => Err((true, "the body is JSON, but has no member that a state has".to_owned())),
        Err(error) if error.is_data() => Err((true, format!("the body is no state: {error}"))),
        Err(error) => Err((false, format!("the body is no JSON: {error}"))),
    }
}

/// Serial and lineage of a state, which is read no further than both: they stand before the resources.
pub(crate) fn head(document: impl Read) -> (Option<u64>, Option<String>) {
    let mut head = (None, None);
    // It ends with an error of its own once both are there, and what else it may be is not told here.
    drop(Head(&mut head).deserialize(&mut serde_json::Deserializer::from_reader(document)));
    head
}

struct Head<'a>(&'a mut (Option<u64>, Option<String>));

impl<'de> DeserializeSeed<'de> for Head<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "serial" => self.0.0 = map.next_value()?,
                "lineage" => self.0.1 = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if self.0.0.is_some() && self.0.1.is_some() {
                return Err(A::Error::custom("that is enough"));
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "serial" => members.serial = map.next_value()?,
                "lineage" => {
                    members.lineage = map.next_value::<Option<String>>()?.filter(|text| !text.is_empty());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            members.looks_like_a_state |=
                ["version", "serial", "lineage", "encrypted_data"].contains(&name.as_str());
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_and_no_more() {
        let head = |text: &str| head(text.as_bytes());
        let lineage = || Some("l".to_owned());
        assert_eq!(
            head(r#"{"version":4,"serial":7,"lineage":"l","resources":[ and so on"#),
            (Some(7), lineage())
        );
        assert_eq!(head(r#"{"resources":[{}],"lineage":"l"}"#), (None, lineage()));
        assert_eq!(head("<html>"), (None, None));
    }

    #[test]
    fn documents_of_all_kinds_are_read() {
        let read = |text: &str| {
            read(text.as_bytes(), StateDigest::of(text.as_bytes())).map(|read| (read.serial, read.lineage))
        };
        let lineage = || Some("l".to_owned());
        assert_eq!(
            read(r#"{"version":4,"serial":7,"lineage":"l","x":[1e400,12345678901234567890]}"#),
            Ok((Some(7), lineage()))
        );
        assert_eq!(read(r#"{"resources":{"a":[{}]},"lineage":"l","version":4}"#), Ok((None, lineage())));
        assert_eq!(
            read(r#"{"serial":1,"lineage":"l","meta":{},"encrypted_data":"eA==","encryption_version":"v0"}"#),
            Ok((Some(1), lineage()))
        );
        for (text, json) in [
            ("", false),
            ("<html>", false),
            ("[]", true),
            ("{}", true),
            (r#"{"serial":1}x"#, false),
            (r#"{"serial":-1}"#, true),
        ] {
            assert_eq!(read(text).map_err(|(json, _)| json), Err(json), "{text}");
        }
    }
}
