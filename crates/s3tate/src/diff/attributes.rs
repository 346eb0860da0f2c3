//! Attributes that differ, leaf by leaf, and which of them are sensitive.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::flat::Node;
use super::{Sensitive, Shown, pair};
use crate::state::{Instance, Kind, Number, Raw};

/// An attribute that differs, or a part of one.
#[derive(Debug, Clone)]
pub struct AttributeChange {
    /// Such as `tags["a b"]` or `ingress[0].port`.
    pub path: String,
    /// Its value in the first state; `None` where it isn't there.
    pub before: Option<Shown>,
    /// Its value in the second state; `None` where it isn't there.
    pub after: Option<Shown>,
}

/// One step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Name(String),
    Index(usize),
}

/// Where a leaf stands, as shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Path(Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if is_identifier(name) => {
                    write!(f, "{}{name}", if at == 0 { "" } else { "." })?;
                }
                Step::Name(name) => write!(f, "[{}]", quoted(name))?,
            }
        }
        Ok(())
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}

/// A value without parts, or an empty list or map.
struct Leaf {
    json: String,
    sensitive: bool,
}

pub(super) fn compare(
    before: &Instance<'_>,
    after: &Instance<'_>,
    sensitive: Sensitive,
) -> Vec<AttributeChange> {
    let unchanged = before.attributes == after.attributes && before.attributes_flat == after.attributes_flat;
    if unchanged && before.identity == after.identity {
        return Vec::new();
    }
    let marks = Marks::of([before, after]);
    let pairs = if before.attributes_flat.is_some() == after.attributes_flat.is_some() {
        pair(leaves(before, &marks), leaves(after, &marks))
    } else {
        let (before, after) = (tree(before), tree(after));
        let (old, new) = (before.clone().ordered_as(Some(&after)), after.ordered_as(Some(&before)));
        pair(leaves_of(&old, &marks), leaves_of(&new, &marks))
    };
    pairs.into_iter().filter_map(|(path, (before, after))| change(&path, before, after, sensitive)).collect()
}

fn change(
    path: &Path,
    before: Option<Leaf>,
    after: Option<Leaf>,
    sensitive: Sensitive,
) -> Option<AttributeChange> {
    if before.as_ref().map(|leaf| &leaf.json) == after.as_ref().map(|leaf| &leaf.json) {
        return None;
    }
    let is_sensitive = [&before, &after].into_iter().flatten().any(|leaf| leaf.sensitive);
    let masked = is_sensitive && sensitive == Sensitive::Masked;
    let shown =
        |leaf: Option<Leaf>| leaf.map(|leaf| if masked { Shown::Masked } else { Shown::Json(leaf.json) });
    Some(AttributeChange { path: path.to_string(), before: shown(before), after: shown(after) })
}

/// The attributes that the instance doesn't mark as sensitive, leaf by leaf: path, and value as plain text.
pub(crate) fn plain_attributes(instance: &Instance<'_>) -> impl Iterator<Item = (String, String)> + use<> {
    let leaves = leaves(instance, &Marks::of([instance])).into_iter();
    leaves.filter(|(_, leaf)| !leaf.sensitive).map(|(path, leaf)| {
        let text = if leaf.json.starts_with('"') { serde_json::from_str(&leaf.json).ok() } else { None };
        (path.to_string(), text.unwrap_or(leaf.json))
    })
}

fn leaves(instance: &Instance<'_>, marks: &Marks) -> BTreeMap<Path, Leaf> {
    let mut walk = Walk::new(marks);
    for (name, value) in instance.attributes_flat.iter().flatten() {
        walk.enter(Step::Name(name.clone()), false, |walk| walk.leaf(quoted(value)));
    }
    if let Some(attributes) = instance.attributes {
        walk.value(attributes);
    }
    if let Some(identity) = instance.identity {
        walk.enter(Step::Name("(identity)".to_owned()), false, |walk| walk.value(identity));
    }
    walk.leaves
}

/// The attributes, flat or typed, in the form in which both can be compared.
fn tree(instance: &Instance<'_>) -> Node {
    let typed = || instance.attributes.and_then(Node::of_json).unwrap_or(Node::Map(BTreeMap::new()));
    instance.attributes_flat.as_ref().map_or_else(typed, Node::of_flat)
}

fn leaves_of(node: &Node, marks: &Marks) -> BTreeMap<Path, Leaf> {
    let mut walk = Walk::new(marks);
    walk.node(node, false);
    walk.leaves
}

struct Walk<'m> {
    marks: &'m Marks,
    path: Path,
    /// For each step whether it may only lead into the wrapper of an attribute whose type is open, which marks leave out.
    wrappers: Vec<bool>,
    leaves: BTreeMap<Path, Leaf>,
}

impl<'m> Walk<'m> {
    fn new(marks: &'m Marks) -> Self {
        Self { marks, path: Path::default(), wrappers: Vec::new(), leaves: BTreeMap::new() }
    }

    /// Walks a tree; `masked` where a mark may reach what is below.
    fn node(&mut self, node: &Node, masked: bool) {
        match node {
            Node::Text(text) => {
                let sensitive = masked || self.marks.cover(&self.path.0, &self.wrappers);
                self.leaves.insert(self.path.clone(), Leaf { json: quoted(text), sensitive });
            }
            Node::List(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.enter(Step::Index(index), false, |walk| walk.node(element, masked));
                }
            }
            Node::Set(elements) => {
                // Its elements don't stand where a mark of one of them leads.
                let masked = masked || self.marks.lead_through(&self.path.0, &self.wrappers);
                for (index, element) in elements.iter().enumerate() {
                    self.enter(Step::Index(index), false, |walk| walk.node(element, masked));
                }
            }
            Node::Map(members) => {
                let wraps =
                    members.len() == 2 && members.contains_key("value") && members.contains_key("type");
                for (name, member) in members {
                    let wrapper = wraps && name == "value";
                    self.enter(Step::Name(name.clone()), wrapper, |walk| walk.node(member, masked));
                }
            }
        }
    }

    fn enter(&mut self, step: Step, wrapper: bool, walk: impl FnOnce(&mut Self)) {
        self.path.0.push(step);
        self.wrappers.push(wrapper);
        walk(self);
        self.path.0.pop();
        self.wrappers.pop();
    }

    fn value(&mut self, raw: Raw<'_>) {
        let parts = if let Some(members) = raw.members() {
            let members: BTreeMap<_, _> = members.collect();
            let wraps = members.len() == 2 && members.contains_key("value") && members.contains_key("type");
            members
                .into_iter()
                .map(|(name, member)| (wraps && name == "value", Step::Name(name.into_owned()), member))
                .collect()
        } else if let Some(elements) = raw.elements() {
            elements.enumerate().map(|(index, element)| (false, Step::Index(index), element)).collect()
        } else {
            Vec::new()
        };
        // No attributes at all are no attribute.
        if parts.is_empty() && !self.path.0.is_empty() {
            self.leaf(canonical(raw));
        }
        for (wrapper, step, part) in parts {
            self.enter(step, wrapper, |walk| walk.value(part));
        }
    }

    fn leaf(&mut self, json: String) {
        let sensitive = self.marks.cover(&self.path.0, &self.wrappers);
        self.leaves.insert(self.path.clone(), Leaf { json, sensitive });
    }
}

/// The paths that either of two states marks as sensitive.
struct Marks(BTreeSet<Vec<Step>>);

impl Marks {
    fn of<const N: usize>(instances: [&Instance<'_>; N]) -> Self {
        let lists = instances.into_iter().filter_map(|instance| instance.sensitive_attributes?.elements());
        Self(lists.flatten().filter_map(path_of_mark).collect())
    }

    /// Whether a mark stands at this path or above it.
    fn cover(&self, path: &[Step], wrappers: &[bool]) -> bool {
        self.0.iter().any(|mark| reaches(mark, path, wrappers))
    }
}

impl Marks {
    /// Whether a mark stands at this path, above it or below.
    fn lead_through(&self, path: &[Step], wrappers: &[bool]) -> bool {
        self.0.iter().any(|mark| reaches(mark, path, wrappers) || passes(mark, path, wrappers))
    }
}

/// Whether a mark leads to the path and on from there.
fn passes(mark: &[Step], path: &[Step], wrappers: &[bool]) -> bool {
    let (Some((step, below)), Some((wrapper, flags))) = (path.split_first(), wrappers.split_first()) else {
        return true;
    };
    let goes_on =
        mark.split_first().is_some_and(|(wanted, rest)| step == wanted && passes(rest, below, flags));
    goes_on || (*wrapper && passes(mark, below, flags))
}

/// Whether a mark leads to the path or above it, with or without each of the wrappers: rather one too many is masked.
fn reaches(mark: &[Step], path: &[Step], wrappers: &[bool]) -> bool {
    let Some((wanted, rest)) = mark.split_first() else { return true };
    let (Some((step, below)), Some((wrapper, flags))) = (path.split_first(), wrappers.split_first()) else {
        return false;
    };
    (step == wanted && reaches(rest, below, flags)) || (*wrapper && reaches(mark, below, flags))
}

/// `[{"type":"get_attr","value":"a"},{"type":"index","value":{"value":1,"type":"number"}}]` as steps. What isn't
/// understood ends the path: it then covers more, not less.
fn path_of_mark(raw: Raw<'_>) -> Option<Vec<Step>> {
    Some(raw.elements()?.map_while(step_of_mark).collect())
}

fn step_of_mark(raw: Raw<'_>) -> Option<Step> {
    let value = value_of(raw)?;
    let value = if value.kind() == Kind::Object { value_of(value)? } else { value };
    match value.number() {
        Some(index) => index.parse().ok().map(Step::Index),
        None => value.text().map(|name| Step::Name(name.into_owned())),
    }
}

fn value_of(raw: Raw<'_>) -> Option<Raw<'_>> {
    raw.members()?.find(|(name, _)| name == "value").map(|(_, value)| value)
}

/// A plain value as text: a string without quotes, a number as it is spelled.
pub(super) fn plain_text(raw: Raw<'_>) -> Option<String> {
    raw.text().map(std::borrow::Cow::into_owned).or_else(|| raw.number().map(str::to_owned))
}

/// A leaf in the one form in which equal values are equal texts.
fn canonical(raw: Raw<'_>) -> String {
    match raw.kind() {
        Kind::String => quoted(&raw.text().unwrap_or_default()),
        Kind::Number => {
            let text = raw.number().unwrap_or_default();
            Number::parse(text).map_or_else(|| text.to_owned(), |number| number.to_string())
        }
        Kind::Array => "[]".to_owned(),
        Kind::Object => "{}".to_owned(),
        Kind::Bool | Kind::Null => String::from_utf8_lossy(raw.as_bytes()).into_owned(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
