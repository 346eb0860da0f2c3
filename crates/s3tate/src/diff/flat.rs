//! Flat attributes, as Terraform kept them until 0.11, beside the typed ones that replaced them.
//!
//! Flat ones are all texts, know no null, and name the elements of a set by a hash. So where only one of two instances is
//! flat, both are brought into a form in which equal values are equal: scalars as texts, sets in an order of their own,
//! and what is null, empty text, or an empty list or map left out.

use std::collections::BTreeMap;

use super::attributes::plain_text;
use crate::state::{Kind, Raw};

/// A value of either kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Text(String),
    List(Vec<Node>),
    /// A list whose order means nothing.
    Set(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

impl Node {
    /// Flat attributes as a tree: `a.#` counts the elements of a list or set, `a.%` those of a map.
    pub(super) fn of_flat(flat: &BTreeMap<String, String>) -> Self {
        let pairs: Vec<_> = flat.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::Map(members(&pairs))
    }

    /// Typed attributes as a tree.
    pub(super) fn of_json(raw: Raw<'_>) -> Option<Self> {
        match raw.kind() {
            Kind::Null => None,
            Kind::Object => {
                let members = raw.members()?;
                let members: BTreeMap<_, _> = members
                    .filter_map(|(name, value)| Some((name.into_owned(), Self::of_json(value)?)))
                    .collect();
                Some(Self::Map(members)).filter(Self::is_something)
            }
            Kind::Array => {
                let elements = raw.elements()?.filter_map(Self::of_json).collect();
                Some(Self::List(elements)).filter(Self::is_something)
            }
            _ => plain_text(raw)
                .or_else(|| Some(String::from_utf8_lossy(raw.as_bytes()).into_owned()))
                .map(Self::Text)
                .filter(Self::is_something),
        }
    }

    fn is_something(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::List(elements) | Self::Set(elements) => !elements.is_empty(),
            Self::Map(members) => !members.is_empty(),
        }
    }

    /// Orders the lists that are sets in the other tree as those are.
    pub(super) fn ordered_as(self, other: Option<&Self>) -> Self {
        match (self, other) {
            (Self::List(mut elements), Some(Self::Set(_))) => {
                elements.sort();
                Self::Set(elements)
            }
            (Self::List(elements), Some(Self::List(others))) => {
                let each = elements.into_iter().enumerate();
                Self::List(each.map(|(at, element)| element.ordered_as(others.get(at))).collect())
            }
            (Self::Map(members), Some(Self::Map(others))) => {
                let each = members.into_iter();
                Self::Map(
                    each.map(|(name, member)| (name.clone(), member.ordered_as(others.get(&name)))).collect(),
                )
            }
            (node, _) => node,
        }
    }
}

fn members(pairs: &[(&str, &str)]) -> BTreeMap<String, Node> {
    let mut groups: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut plain = BTreeMap::new();
    for (name, value) in pairs {
        match name.split_once('.') {
            Some((first, rest)) => groups.entry(first).or_default().push((rest, value)),
            None if value.is_empty() => {}
            None => drop(plain.insert((*name).to_owned(), Node::Text((*value).to_owned()))),
        }
    }
    for (name, group) in groups {
        if group.iter().any(|(rest, _)| *rest == "#") {
            plain.extend(elements(&group).map(|node| (name.to_owned(), node)));
        } else {
            plain.extend(map(&group).map(|node| (name.to_owned(), node)));
        }
    }
    plain
}

/// Keys of maps may hold dots, so all that follows is the key.
fn map(group: &[(&str, &str)]) -> Option<Node> {
    let members = group.iter().filter(|(rest, value)| *rest != "%" && !value.is_empty());
    let members = members.map(|(rest, value)| ((*rest).to_owned(), Node::Text((*value).to_owned())));
    Some(Node::Map(members.collect())).filter(Node::is_something)
}

fn elements(group: &[(&str, &str)]) -> Option<Node> {
    let mut by_key: BTreeMap<u64, Vec<(&str, &str)>> = BTreeMap::new();
    for (rest, value) in group {
        let (key, below) = rest.split_once('.').unwrap_or((rest, ""));
        // A key that is unknown, such as `~123`, is a hash as well.
        if let Ok(key) = key.trim_start_matches('~').parse() {
            by_key.entry(key).or_default().push((below, value));
        }
    }
    let is_list = by_key.keys().copied().eq(0..by_key.len() as u64);
    let mut nodes: Vec<_> = by_key.into_values().filter_map(|below| element(&below)).collect();
    if !is_list {
        nodes.sort();
    }
    Some(if is_list { Node::List(nodes) } else { Node::Set(nodes) }).filter(Node::is_something)
}

fn element(below: &[(&str, &str)]) -> Option<Node> {
    let node = match below {
        [("", value)] => Node::Text((*value).to_owned()),
        below => Node::Map(members(below)),
    };
    Some(node).filter(Node::is_something)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::StateFile;

    fn tree(pairs: &[(&str, &str)]) -> Node {
        Node::of_flat(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn json(text: &str) -> Node {
        let instance = format!(r#"{{"schema_version":0,"attributes":{text}}}"#);
        let resource = format!(r#"{{"mode":"managed","type":"t","name":"a","instances":[{instance}]}}"#);
        let state = format!(r#"{{"version":4,"outputs":{{}},"resources":[{resource}]}}"#);
        let state = StateFile::parse(state.as_bytes()).unwrap().unwrap();
        Node::of_json(state.resources().unwrap()[0].instances[0].attributes.unwrap()).unwrap()
    }

    fn fit(flat: &[(&str, &str)], typed: &str) -> bool {
        let (flat, typed) = (tree(flat), json(typed));
        let (left, right) = (flat.clone().ordered_as(Some(&typed)), typed.ordered_as(Some(&flat)));
        left == right
    }

    #[test]
    fn flat_and_typed_values_are_the_same_tree() {
        let flat = [
            ("id", "i-1"),
            ("size", "3"),
            ("on", "true"),
            ("none", ""),
            ("tags.%", "2"),
            ("tags.a.b/c", "x"),
            ("tags.n", "1"),
        ];
        assert!(fit(
            &flat,
            r#"{"id":"i-1","size":3,"on":true,"none":null,"tags":{"a.b/c":"x","n":"1"},"list":[]}"#
        ));
        let lists = [
            ("l.#", "2"),
            ("l.0", "a"),
            ("l.1", "b"),
            ("b.#", "1"),
            ("b.0.p", "80"),
            ("b.0.z.#", "0"),
            ("e.%", "0"),
        ];
        assert!(fit(&lists, r#"{"l":["a","b"],"b":[{"p":80,"z":[]}],"e":{}}"#));
        assert!(!fit(&lists, r#"{"l":["b","a"],"b":[{"p":80}]}"#));
    }

    #[test]
    fn sets_have_no_order() {
        let flat =
            [("s.#", "2"), ("s.99", "a"), ("s.7", "b"), ("r.#", "2"), ("r.55.p", "80"), ("r.4.p", "443")];
        assert!(fit(&flat, r#"{"s":["b","a"],"r":[{"p":443},{"p":80}]}"#));
        assert!(!fit(&flat, r#"{"s":["b","c"],"r":[{"p":443},{"p":80}]}"#));
    }
}
