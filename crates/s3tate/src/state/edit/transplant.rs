//! Taking instances out of one state and putting them into another.

use std::collections::BTreeSet;

use super::EditError;
use super::draft::Draft;
use super::relocate::{forget_dependencies, relocate_in, without_keys};
use crate::state::{ResourceAddress, Target};

/// Two states between which something has moved.
#[derive(Clone, PartialEq, Eq)]
pub struct Transplant {
    /// The state that it left.
    pub source: Vec<u8>,
    /// The state that has it now.
    pub destination: Vec<u8>,
    /// Old and new addresses, as in [`super::Relocation`].
    pub moves: Vec<(String, String)>,
    /// Whether one instance was moved.
    pub of_instance: bool,
}

/// Moves a module with all below it, a resource with all its instances, or one instance into another state, where it
/// may have the same address or another one.
///
/// The rules are those of [`super::relocate`]. Dependencies are kept where all that is depended on moves along under its old
/// address, and else forgotten, since the next plan writes them anew.
///
/// # Errors
/// Any [`EditError`].
pub fn transplant(
    source: &[u8],
    destination: &[u8],
    from: &Target,
    to: &Target,
) -> Result<Transplant, EditError> {
    let (mut giving, mut taking) = (Draft::open(source)?, Draft::open(destination)?);
    let mut moving = giving.split_off(from);
    if moving.resources.is_empty() {
        return Err(EditError::NothingThere(from.to_string()));
    }
    let (moves, of_instance) = if from == to {
        keep_inner_dependencies(&mut moving);
        (unmoved(&moving, from), is_instance(&moving, from))
    } else {
        let moved = relocate_in(&mut moving, from, to)?;
        moving.forget_dependencies(|_| true);
        moved
    };
    forget_dependencies(&mut giving, from);
    put(&mut taking, moving, to)?;
    Ok(Transplant { source: giving.finish()?, destination: taking.finish()?, moves, of_instance })
}

fn is_instance(moving: &Draft<'_>, from: &Target) -> bool {
    match from {
        Target::Instance(..) => true,
        Target::Resource(_) => moving.resources.values().any(|entry| entry.has(None)),
        Target::Module(_) => false,
    }
}

/// The pairs of what keeps its address.
fn unmoved(moving: &Draft<'_>, from: &Target) -> Vec<(String, String)> {
    let same = |address: String| (address.clone(), address);
    match from {
        Target::Module(_) => {
            let modules: BTreeSet<_> =
                moving.resources.keys().map(|address| address.module.to_string()).collect();
            modules.into_iter().map(same).collect()
        }
        _ => vec![same(from.to_string())],
    }
}

fn keep_inner_dependencies(moving: &mut Draft<'_>) {
    let plain = |address: &ResourceAddress| ResourceAddress {
        module: without_keys(&address.module),
        ..address.clone()
    };
    let inner: BTreeSet<_> = moving.resources.keys().map(plain).collect();
    let is_inner = |dependency: &str| match Target::parse(dependency) {
        Ok(Target::Resource(address)) => inner.contains(&plain(&address)),
        _ => false,
    };
    moving.forget_dependencies(|dependency| !is_inner(dependency));
}

/// Puts resources in, unless something is there already.
fn put<'a>(taking: &mut Draft<'a>, moving: Draft<'a>, to: &Target) -> Result<(), EditError> {
    let taken = |what| EditError::Taken { what, target: to.to_string() };
    let is_there =
        |address: &ResourceAddress| taking.resources.keys().any(|other| other.module == address.module);
    if matches!(to, Target::Module(_)) && moving.resources.keys().any(is_there) {
        return Err(taken("module"));
    }
    for (address, mut entry) in moving.resources {
        let Some(there) = taking.resources.get_mut(&address) else {
            entry.change();
            taking.resources.insert(address, entry);
            continue;
        };
        match to {
            Target::Resource(_) if !entry.has(None) => return Err(taken("resource")),
            _ if entry.objects.iter().any(|object| there.has(object.key.as_ref())) => {
                return Err(taken("resource instance"));
            }
            _ => there.change().append(&mut entry.objects),
        }
    }
    Ok(())
}

impl std::fmt::Debug for Transplant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transplant").field("moves", &self.moves).finish_non_exhaustive()
    }
}
