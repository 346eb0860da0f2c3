//! Giving instances, resources and modules of a state other addresses.

use super::EditError;
use super::draft::Draft;
use crate::state::address::{InstanceKey, ModuleAddress, ModuleStep};
use crate::state::{ResourceAddress, Target};

/// A state in which something has another address.
#[derive(Clone, PartialEq, Eq)]
pub struct Relocation {
    /// The state.
    pub bytes: Vec<u8>,
    /// Old and new addresses: one pair, or one for each module instance.
    pub moves: Vec<(String, String)>,
    /// Whether one instance was moved, and not a resource or module with all that belongs to it.
    pub of_instance: bool,
}

/// Moves a module with all below it, a resource with all its instances, or one instance.
///
/// A resource that has an instance without a key stands for that instance. Current objects which depend on what was
/// moved lose their dependencies, as with Terraform. Modules must be named with all their keys.
///
/// # Errors
/// Any [`EditError`].
pub fn relocate(bytes: &[u8], from: &Target, to: &Target) -> Result<Relocation, EditError> {
    let mut draft = Draft::open(bytes)?;
    let (moves, of_instance) = relocate_in(&mut draft, from, to)?;
    forget_dependencies(&mut draft, from);
    Ok(Relocation { bytes: draft.finish()?, moves, of_instance })
}

/// Moves within a draft, dependencies left as they are: old and new addresses, and whether one instance was moved.
pub(super) fn relocate_in(
    draft: &mut Draft<'_>,
    from: &Target,
    to: &Target,
) -> Result<(Vec<(String, String)>, bool), EditError> {
    let mut of_instance = false;
    let moves = match from {
        Target::Module(module) => module_moves(draft, module, to)?,
        Target::Resource(address) => {
            let nothing = || EditError::NothingThere(from.to_string());
            let entry = draft.resources.get(address).ok_or_else(nothing)?;
            of_instance = entry.has(None);
            if of_instance {
                move_instance(draft, from, (address, None), to)?;
            } else {
                move_resource(draft, address, to)?;
            }
            vec![(from.to_string(), to.to_string())]
        }
        Target::Instance(address, key) => {
            of_instance = true;
            move_instance(draft, from, (address, Some(key)), to)?;
            vec![(from.to_string(), to.to_string())]
        }
    };
    Ok((moves, of_instance))
}

/// Makes objects forget what has moved.
pub(super) fn forget_dependencies(draft: &mut Draft<'_>, from: &Target) {
    match from {
        // Dependencies name modules without keys, so Terraform finds those on a keyed module to be none of this one's.
        Target::Module(from) if from.0.iter().all(|step| step.key.is_none()) => {
            draft.forget_dependencies(|dependency| match Target::parse(dependency) {
                Ok(Target::Resource(address)) => address.module.0.starts_with(&from.0),
                _ => false,
            });
        }
        Target::Module(_) => {}
        Target::Resource(address) | Target::Instance(address, _) => forget_dependencies_on(draft, address),
    }
}

fn module_moves(
    draft: &mut Draft<'_>,
    from: &ModuleAddress,
    to: &Target,
) -> Result<Vec<(String, String)>, EditError> {
    let Target::Module(to) = to else {
        return Err(EditError::NotAModule { from: from.to_string(), to: to.to_string() });
    };
    let moved: Vec<_> =
        draft.resources.keys().filter(|address| address.module.0.starts_with(&from.0)).cloned().collect();
    let mut moves = Vec::new();
    for address in &moved {
        let target = ModuleAddress([&to.0, &address.module.0[from.0.len()..]].concat());
        if draft.resources.keys().any(|other| other.module == target) {
            return Err(EditError::Taken { what: "module", target: target.to_string() });
        }
        moves.push((address.module.to_string(), target.to_string()));
    }
    moves.dedup();
    if moves.is_empty() {
        return Err(EditError::NothingThere(from.to_string()));
    }
    for address in moved {
        let module = ModuleAddress([&to.0, &address.module.0[from.0.len()..]].concat());
        let target = ResourceAddress { module, ..address.clone() };
        rename(draft, &address, target);
    }
    Ok(moves)
}

fn rename(draft: &mut Draft<'_>, from: &ResourceAddress, to: ResourceAddress) {
    if let Some(mut entry) = draft.resources.remove(from) {
        entry.change();
        draft.resources.insert(to, entry);
    }
}

fn move_resource(draft: &mut Draft<'_>, from: &ResourceAddress, to: &Target) -> Result<(), EditError> {
    let target = resource_of(from, &from.to_string(), to)?;
    if let Target::Instance(..) = to {
        return Err(EditError::WholeResource { from: from.to_string(), to: to.to_string() });
    }
    if draft.resources.contains_key(target) {
        return Err(EditError::Taken { what: "resource", target: to.to_string() });
    }
    rename(draft, from, target.clone());
    Ok(())
}

fn move_instance(
    draft: &mut Draft<'_>,
    from: &Target,
    (address, key): (&ResourceAddress, Option<&InstanceKey>),
    to: &Target,
) -> Result<(), EditError> {
    let nothing = || EditError::NothingThere(from.to_string());
    let source = draft.resources.get(address).filter(|entry| entry.has(key)).ok_or_else(nothing)?;
    let target = resource_of(address, &from.to_string(), to)?;
    let new_key = if let Target::Instance(_, key) = to { Some(key) } else { None };
    if draft.resources.get(target).is_some_and(|entry| entry.has(new_key)) {
        return Err(EditError::Taken { what: "resource instance", target: to.to_string() });
    }
    let emptied = source.emptied();
    let mut moved = Vec::new();
    if let Some(source) = draft.resources.get_mut(address) {
        moved.extend(source.change().extract_if(.., |object| object.key.as_ref() == key));
        if source.objects.is_empty() {
            draft.resources.remove(address);
        }
    }
    for object in &mut moved {
        object.set_key(new_key.cloned());
    }
    draft.resources.entry(target.clone()).or_insert(emptied).change().extend(moved);
    Ok(())
}

/// The resource that a target is or belongs to, if the source can become that.
fn resource_of<'t>(
    address: &ResourceAddress,
    from: &str,
    to: &'t Target,
) -> Result<&'t ResourceAddress, EditError> {
    let (from, to_text) = (from.to_owned(), to.to_string());
    match to {
        Target::Module(_) => Err(EditError::NotAResource { from, to: to_text }),
        Target::Resource(target) | Target::Instance(target, _) if target.mode != address.mode => {
            Err(EditError::OtherMode { from, to: to_text })
        }
        Target::Resource(target) | Target::Instance(target, _) if target.type_name != address.type_name => {
            Err(EditError::OtherType { from, to: to_text })
        }
        Target::Resource(target) | Target::Instance(target, _) => Ok(target),
    }
}

pub(super) fn without_keys(module: &ModuleAddress) -> ModuleAddress {
    let steps = module.0.iter().map(|step| ModuleStep { name: step.name.clone(), key: None });
    ModuleAddress(steps.collect())
}

/// Dependencies name resources as the configuration does, without any keys.
fn forget_dependencies_on(draft: &mut Draft<'_>, address: &ResourceAddress) {
    let meant = ResourceAddress { module: without_keys(&address.module), ..address.clone() };
    draft.forget_dependencies(|dependency| match Target::parse(dependency) {
        Ok(Target::Resource(mut address)) => {
            address.module = without_keys(&address.module);
            address == meant
        }
        _ => false,
    });
}

impl std::fmt::Debug for Relocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relocation").field("moves", &self.moves).finish_non_exhaustive()
    }
}
