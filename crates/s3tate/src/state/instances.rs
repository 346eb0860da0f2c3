//! Which resource instances a state has, and those that addresses select.

use std::collections::BTreeSet;

use super::address::InstanceKey;
use super::{Instance, Resource, ResourceAddress, Target};

/// A resource in brief: its address and the objects it has.
#[derive(Debug, Clone)]
pub struct ListedResource {
    address: ResourceAddress,
    objects: Vec<ListedObject>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ListedObject {
    key: Option<InstanceKey>,
    deposed: Option<Box<str>>,
    /// Whether it is the current object with the `id` that is looked for.
    is_meant: bool,
}

impl ListedResource {
    /// Takes down the objects of a resource; `id` is the `id` attribute that is looked for, if any.
    pub fn new(resource: &Resource<'_>, id: Option<&str>) -> Self {
        let object = |instance: &Instance<'_>| ListedObject {
            key: instance.key.clone(),
            deposed: instance.deposed.as_deref().map(Into::into),
            is_meant: id.is_none_or(|id| {
                instance.deposed.is_none() && instance.text_attribute("id").is_some_and(|own| own == id)
            }),
        };
        Self { address: resource.address_parts(), objects: resource.instances.iter().map(object).collect() }
    }
}

/// Why an address selects nothing; the words are Terraform's gist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// No such resource.
    #[error("the state has no resource {0}")]
    Resource(String),
    /// The resource is there, but no such instance.
    #[error("the state has no resource instance {0}")]
    Instance(String),
    /// Nothing is in that module or below it.
    #[error("the state has no module at {0}")]
    Module(String),
}

/// All resources of a state in brief, sorted as `terraform state list` prints them.
#[derive(Debug, Clone, Default)]
pub struct Instances {
    resources: Vec<ListedResource>,
}

impl Instances {
    /// Sorts resources in any order; `None` if one object stands twice, which no state may have.
    pub fn new(mut resources: Vec<ListedResource>) -> Option<Self> {
        resources.sort_by(|a, b| a.address.cmp(&b.address));
        let mut merged: Vec<ListedResource> = Vec::with_capacity(resources.len());
        for resource in resources {
            match merged.last_mut() {
                Some(last) if last.address == resource.address => last.objects.extend(resource.objects),
                _ => merged.push(resource),
            }
        }
        let is_sound = merged.iter_mut().all(|resource| {
            resource.objects.sort_unstable();
            let same =
                |pair: &[ListedObject]| (&pair[0].key, &pair[0].deposed) == (&pair[1].key, &pair[1].deposed);
            !resource.objects.windows(2).any(same)
        });
        is_sound.then_some(Self { resources: merged })
    }

    /// The addresses of all instances that were looked for, each once.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        self.resources.iter().flat_map(|resource| resource.addresses(None))
    }

    /// The addresses that one target selects.
    ///
    /// # Errors
    /// [`Unknown`]: the state has nothing at that address.
    pub fn select(&self, target: &Target) -> Result<Vec<String>, Unknown> {
        match target {
            Target::Module(module) => {
                let within = |resource: &&ListedResource| resource.address.module.is_within(&module.0);
                let mut found = self.resources.iter().filter(within).peekable();
                found.peek().ok_or_else(|| Unknown::Module(target.to_string()))?;
                Ok(found.flat_map(|resource| resource.addresses(None)).collect())
            }
            Target::Resource(address) => Ok(self.find(address)?.addresses(None).collect()),
            Target::Instance(address, key) => {
                let resource = self.find(address)?;
                if !resource.objects.iter().any(|object| object.key.as_ref() == Some(key)) {
                    return Err(Unknown::Instance(target.to_string()));
                }
                Ok(resource.addresses(Some(key)).collect())
            }
        }
    }

    fn find(&self, address: &ResourceAddress) -> Result<&ListedResource, Unknown> {
        let at = self.resources.binary_search_by(|resource| resource.address.cmp(address));
        at.map(|at| &self.resources[at]).map_err(|_| Unknown::Resource(address.to_string()))
    }
}

impl ListedResource {
    /// The addresses of its instances, or of one of them, where they have an object that is looked for.
    fn addresses(&self, only: Option<&InstanceKey>) -> impl Iterator<Item = String> {
        let meant = self.objects.iter().filter(|object| object.is_meant).map(|object| &object.key);
        let keys: BTreeSet<_> = meant.filter(|key| only.is_none() || key.as_ref() == only).collect();
        keys.into_iter().map(|key| match key {
            Some(key) => format!("{}{key}", self.address),
            None => self.address.to_string(),
        })
    }
}
