//! Resource objects that differ: current and deposed ones, by address.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{self, AttributeChange, plain_text};
use super::{Action, Sensitive, pair};
use crate::state::{Instance, InstanceKey, Mode, ModuleAddress, Resource, StateError, StateFile};

/// A resource object that differs.
#[derive(Debug, Clone)]
pub struct ObjectChange {
    /// Its address in the second state; in the first one where it was removed.
    pub address: String,
    /// Its address in the first state, where it was moved.
    pub from: Option<String>,
    /// The key of a deposed object.
    pub deposed: Option<String>,
    /// What became of it.
    pub action: Action,
    /// What differs besides attributes: what, before, after.
    pub facts: Vec<(&'static str, String, String)>,
    /// Attributes that differ, by path; none for what was added or removed.
    pub attributes: Vec<AttributeChange>,
}

/// Where an object stands in the order of `terraform state list`.
type Place = (ModuleAddress, Mode, String, String, Option<InstanceKey>, Option<String>);

/// An object in the first state and in the second one.
type Pair<'s> = (Option<Object<'s>>, Option<Object<'s>>);

struct Object<'s> {
    resource: &'s Resource<'s>,
    instance: &'s Instance<'s>,
}

impl Object<'_> {
    fn address(&self) -> String {
        self.resource.address(self.instance.key.as_ref())
    }

    fn deposed(&self) -> Option<String> {
        self.instance.deposed.as_ref().map(Cow::to_string)
    }

    /// The attribute `id`, by which providers tell objects apart.
    fn id(&self) -> Option<String> {
        if let Some(flat) = &self.instance.attributes_flat {
            return flat.get("id").cloned();
        }
        let mut members = self.instance.attributes?.members()?;
        let (_, id) = members.find(|(name, _)| name == "id")?;
        plain_text(id).filter(|id| !id.is_empty())
    }

    fn kind(&self) -> (Mode, &str) {
        (self.resource.mode, &self.resource.type_name)
    }
}

pub(super) fn compare(
    before: Option<&StateFile<'_>>,
    after: Option<&StateFile<'_>>,
    sensitive: Sensitive,
) -> Result<Vec<ObjectChange>, StateError> {
    let (before, after) = (resources(before)?, resources(after)?);
    let mut pairs = pair(objects(&before), objects(&after));
    let moved = moves(&pairs);
    let mut changes = Vec::new();
    for (from, to) in &moved {
        let old = pairs.get_mut(from).and_then(|pair| pair.0.take());
        if let Some(pair) = pairs.get_mut(to) {
            pair.0 = old;
        }
    }
    for pair in pairs.into_values() {
        changes.extend(change(&pair, sensitive));
    }
    Ok(changes)
}

fn resources<'s>(state: Option<&StateFile<'s>>) -> Result<Vec<Resource<'s>>, StateError> {
    state.map(StateFile::resources).transpose().map(Option::unwrap_or_default)
}

fn objects<'s>(resources: &'s [Resource<'s>]) -> impl Iterator<Item = (Place, Object<'s>)> {
    resources.iter().flat_map(|resource| {
        resource.instances.iter().map(move |instance| {
            let object = Object { resource, instance };
            let place = (
                resource.module.clone(),
                resource.mode,
                resource.type_name.to_string(),
                resource.name.to_string(),
                instance.key.clone(),
                object.deposed(),
            );
            (place, object)
        })
    })
}

/// Objects that one state has under one address and the other under another: same type, same `id`, which no other
/// object that comes or goes has.
fn moves(pairs: &BTreeMap<Place, Pair<'_>>) -> Vec<(Place, Place)> {
    let mut gone: BTreeMap<_, Vec<&Place>> = BTreeMap::new();
    let mut new: BTreeMap<_, Vec<&Place>> = BTreeMap::new();
    for (place, pair) in pairs {
        let (object, side) = match pair {
            (Some(object), None) => (object, &mut gone),
            (None, Some(object)) => (object, &mut new),
            _ => continue,
        };
        if let (Some(id), None, Mode::Managed) = (object.id(), object.deposed(), object.resource.mode) {
            side.entry((object.kind().1.to_owned(), id)).or_default().push(place);
        }
    }
    let both = gone.into_iter().filter_map(|(key, from)| Some((from, new.get(&key)?)));
    both.filter_map(|(from, to)| match (&*from, &**to) {
        ([from], [to]) => Some(((*from).clone(), (*to).clone())),
        _ => None,
    })
    .collect()
}

fn change(pair: &Pair<'_>, sensitive: Sensitive) -> Option<ObjectChange> {
    let of = |object: &Object<'_>, action| ObjectChange {
        address: object.address(),
        from: None,
        deposed: object.deposed(),
        action,
        facts: Vec::new(),
        attributes: Vec::new(),
    };
    let (before, after) = match pair {
        (Some(before), Some(after)) => (before, after),
        (None, Some(after)) => return Some(of(after, Action::Added)),
        (Some(before), None) => return Some(of(before, Action::Removed)),
        (None, None) => return None,
    };
    let facts = facts(before, after);
    let attributes = attributes::compare(before.instance, after.instance, sensitive);
    let from = Some(before.address()).filter(|from| *from != after.address());
    if facts.is_empty() && attributes.is_empty() && from.is_none() {
        return None;
    }
    let action = match from {
        Some(_) => Action::Moved,
        None if before.id() != after.id() => Action::Replaced,
        None => Action::Changed,
    };
    Some(ObjectChange { from, facts, attributes, ..of(after, action) })
}

/// What differs besides attributes.
fn facts(before: &Object<'_>, after: &Object<'_>) -> Vec<(&'static str, String, String)> {
    let looks = looks(before).into_iter().zip(looks(after));
    let differing = looks.filter(|((_, before), (_, after))| before != after);
    let mut facts: Vec<_> = differing.map(|((what, before), (_, after))| (what, before, after)).collect();
    if before.instance.private != after.instance.private {
        // What a provider keeps for itself is never shown.
        facts.push(("private data", "one".to_owned(), "another".to_owned()));
    }
    facts
}

fn looks(object: &Object<'_>) -> [(&'static str, String); 5] {
    let instance = object.instance;
    let dependencies: BTreeSet<&str> = instance.dependencies.iter().map(AsRef::as_ref).collect();
    [
        ("status", if instance.is_tainted() { "tainted" } else { "ready" }.to_owned()),
        ("provider", object.resource.provider.to_string()),
        ("schema version", instance.schema_version.to_string()),
        ("dependencies", dependencies.into_iter().collect::<Vec<_>>().join(", ")),
        ("create before destroy", instance.create_before_destroy.to_string()),
    ]
}
