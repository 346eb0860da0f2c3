//! Taking instances out of a state.

use std::collections::BTreeSet;

use super::EditError;
use super::draft::Draft;
use crate::state::Target;
use crate::state::address::InstanceKey;

/// A state without the instances that were named.
#[derive(Clone, PartialEq, Eq)]
pub struct Removal {
    /// The state; the one that was given, with a higher serial, if nothing was removed.
    pub bytes: Vec<u8>,
    /// The instances that went, target by target in the order of `terraform state list`; twice what was named twice.
    pub removed: Vec<String>,
    /// The targets at which there was nothing.
    pub unmatched: Vec<String>,
}

/// Removes all objects of the instances at these targets; a resource that is left empty goes too.
///
/// Dependencies on what went stay as they are, as with Terraform.
///
/// # Errors
/// [`EditError::State`], [`EditError::LastSerial`].
pub fn remove(bytes: &[u8], targets: &[Target]) -> Result<Removal, EditError> {
    let mut draft = Draft::open(bytes)?;
    let (mut removed, mut unmatched, mut gone) = (Vec::new(), Vec::new(), BTreeSet::new());
    for target in targets {
        let found = matching(&draft, target);
        if found.is_empty() {
            unmatched.push(target.to_string());
        }
        for (address, key) in found {
            removed.push(address.to_string() + &key.as_ref().map(ToString::to_string).unwrap_or_default());
            gone.insert((address, key));
        }
    }
    for (address, key) in gone {
        if let Some(entry) = draft.resources.get_mut(&address) {
            entry.change().retain(|object| object.key != key);
            if entry.objects.is_empty() {
                draft.resources.remove(&address);
            }
        }
    }
    Ok(Removal { bytes: draft.finish()?, removed, unmatched })
}

type Instance = (crate::state::ResourceAddress, Option<InstanceKey>);

fn matching(draft: &Draft<'_>, target: &Target) -> Vec<Instance> {
    let mut found = Vec::new();
    for (address, entry) in &draft.resources {
        let is_meant = match target {
            Target::Module(module) => address.module.is_within(&module.0),
            Target::Resource(meant) | Target::Instance(meant, _) => address == meant,
        };
        if is_meant {
            let keys: BTreeSet<_> = entry.objects.iter().map(|object| &object.key).collect();
            let only = |key: &&Option<InstanceKey>| match target {
                Target::Instance(_, only) => key.as_ref() == Some(only),
                _ => true,
            };
            found.extend(keys.into_iter().filter(only).map(|key| (address.clone(), key.clone())));
        }
    }
    found
}

impl std::fmt::Debug for Removal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Removal").field("removed", &self.removed).finish_non_exhaustive()
    }
}
