//! One instance of a state, rendered for people.

use super::json::{Raw, top_level};
use super::{Resource, StateError, Target, render};

/// What became of showing an instance.
pub(crate) enum Showing {
    /// The text.
    Text(String),
    /// The state has no current object at that address.
    Missing,
    /// Its attributes are nested too deeply.
    TooDeep,
}

/// Renders the current object at `target`, as `terraform state show` does; `elements` are the elements of `resources`
/// with its address, as they stand in the document.
pub(crate) fn show(elements: &[Vec<u8>], target: &Target) -> Result<Showing, StateError> {
    let key = match target {
        Target::Instance(_, key) => Some(key),
        Target::Resource(_) => None,
        Target::Module(_) => return Ok(Showing::Missing),
    };
    for element in elements {
        top_level(element)?;
    }
    let resources = Resource::parse_all(elements.iter().map(|element| Raw::checked(element)).collect())?;
    for resource in &resources {
        let mut current = resource.instances.iter().filter(|instance| instance.deposed.is_none());
        if let Some(instance) = current.find(|instance| instance.key.as_ref() == key) {
            return Ok(render::resource(resource, instance).map_or(Showing::TooDeep, Showing::Text));
        }
    }
    Ok(Showing::Missing)
}
