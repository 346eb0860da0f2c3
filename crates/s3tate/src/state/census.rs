//! Which resource instances a state has and what each of them holds, as hashes: enough to count what differs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::content::push_object;
use super::json::Raw;
use super::{Resource, ResourcesReader, StateError, in_format_4};

/// The instances of a state by the hash of their address, each with a hash of its objects: 16 bytes an instance.
///
/// Hashes are those of this build of the program: they are compared, never kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census(HashMap<u64, u64>);

/// How many resource instances two states differ in, by address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that the second one alone has.
    pub added: u64,
    /// Those that both have, with other content.
    pub changed: u64,
    /// Those that the first one alone has.
    pub removed: u64,
}

/// One object: the hash of its instance's address, and its own.
type Object = (u64, u64);

/// What is made of a resource.
type Pick = fn(&Resource<'_>, Raw<'_>) -> Option<Vec<Object>>;

/// Takes the census of a format 4 document that arrives in pieces.
#[derive(Debug)]
pub struct CensusReader(ResourcesReader<Vec<Object>, Pick>);

impl Default for CensusReader {
    fn default() -> Self {
        Self(ResourcesReader::new(objects))
    }
}

impl CensusReader {
    /// Takes the next bytes of the document.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.0.feed(chunk);
    }

    /// Ends the document.
    ///
    /// # Errors
    /// As for [`ResourcesReader::finish`].
    pub fn finish(self) -> Result<Census, StateError> {
        Ok(self.end()?.0)
    }

    /// Ends the document, and gives all of it but the resources as well, as a document of its own.
    ///
    /// # Errors
    /// As for [`ResourcesReader::finish`].
    pub(crate) fn end(self) -> Result<(Census, Vec<u8>), StateError> {
        let (objects, rest) = self.0.end()?;
        let mut census = HashMap::new();
        for (address, content) in objects.into_iter().flatten() {
            // A sum, since deposed objects of an instance stand beside its current one in any order.
            let known: &mut u64 = census.entry(address).or_default();
            *known = known.wrapping_add(content);
        }
        Ok((Census(census), rest))
    }
}

impl Census {
    /// Takes the census of a document of any format.
    ///
    /// # Errors
    /// Those of reading a state in full; [`StateError::NoVersion`] if there are no bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = CensusReader::default();
        reader.feed(&in_format_4(bytes)?);
        reader.finish()
    }

    /// How many instances there are, as `terraform state list` counts them.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// What differs in a later one. The order of instances and the layout of the document don't count.
    pub fn changes_to(&self, after: &Self) -> Changes {
        let of = |address: &u64| after.0.get(address);
        let removed = self.0.keys().filter(|address| of(address).is_none()).count() as u64;
        let changed =
            self.0.iter().filter(|(address, content)| of(address).is_some_and(|now| now != *content));
        let both = self.count() - removed;
        Changes { added: after.count() - both, changed: changed.count() as u64, removed }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the reader asks for what is picked, if anything")]
fn objects(resource: &Resource<'_>, _: Raw<'_>) -> Option<Vec<Object>> {
    let mut text = String::new();
    let objects = resource.instances.iter().map(|instance| {
        text.clear();
        push_object(&mut text, resource, instance);
        (hash(&resource.address(instance.key.as_ref())), hash(&text))
    });
    Some(objects.collect())
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(resources: &str) -> Census {
        let text =
            format!(r#"{{"version":4,"serial":1,"lineage":"l","outputs":{{}},"resources":[{resources}]}}"#);
        Census::of(text.as_bytes()).unwrap()
    }

    fn resource(name: &str, instances: &str) -> String {
        format!(
            r#"{{"mode":"managed","type":"t","name":"{name}","provider":"provider[\"example.com/a/b\"]","instances":[{instances}]}}"#
        )
    }

    fn instance(key: u8, id: &str) -> String {
        format!(r#"{{"index_key":{key},"schema_version":0,"attributes":{{"id":"{id}"}}}}"#)
    }

    #[test]
    fn what_came_changed_and_went_is_counted_by_address() {
        let a = |ids: &[(u8, &str)]| {
            let all: Vec<_> = ids.iter().map(|(key, id)| instance(*key, id)).collect();
            resource("a", &all.join(","))
        };
        let before = census(&[a(&[(0, "x"), (1, "y")]), resource("b", &instance(0, "b"))].join(","));
        let after = census(&a(&[(2, "z"), (1, "other"), (0, "x")]));
        assert_eq!((before.count(), after.count()), (3, 3));
        assert_eq!(before.changes_to(&after), Changes { added: 1, changed: 1, removed: 1 });
        assert_eq!(after.changes_to(&before), Changes { added: 1, changed: 1, removed: 1 });
        assert_eq!(before.changes_to(&before), Changes::default());
        assert_eq!(Census::default().changes_to(&after), Changes { added: 3, ..Changes::default() });
    }

    #[test]
    fn deposed_objects_belong_to_their_instance() {
        let current = r#"{"schema_version":0,"attributes":{"id":"x"}}"#;
        let deposed = r#"{"deposed":"00000001","schema_version":0,"attributes":{"id":"y"}}"#;
        let one = census(&resource("a", current));
        let both = census(&resource("a", &format!("{current},{deposed}")));
        let turned = census(&resource("a", &format!("{deposed},{current}")));
        assert_eq!(both.count(), 1);
        assert_eq!(one.changes_to(&both), Changes { changed: 1, ..Changes::default() });
        assert_eq!(both.changes_to(&turned), Changes::default());
    }

    #[test]
    fn pieces_and_layout_make_no_difference() {
        let text = format!(
            "{{\"version\": 4, \"serial\": 1, \"lineage\": \"l\",\n \"resources\": [ {} ]\n}}",
            resource("a", &instance(0, "x")).replace(':', " : ")
        );
        let mut reader = CensusReader::default();
        for piece in text.as_bytes().chunks(7) {
            reader.feed(piece);
        }
        let spaced = reader.finish().unwrap();
        assert_eq!(spaced.count(), 1);
        assert_eq!(spaced.changes_to(&census(&resource("a", &instance(0, "x")))), Changes::default());
    }
}
