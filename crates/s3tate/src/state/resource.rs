//! Resources of a format 4 state.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::address::{InstanceKey, ModuleAddress};
use super::fields::{elements, known, members, set};
use super::json::Raw;
use super::{Instance, ResourceAddress, StateError};

/// Whether Terraform manages a resource or only reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// A `data` block.
    Data,
    /// A `resource` block.
    Managed,
}

/// A resource with its instances, everything borrowed from the document.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// The module instance it is in.
    pub module: ModuleAddress,
    /// Managed or data.
    pub mode: Mode,
    /// The resource type.
    pub type_name: Cow<'a, str>,
    /// The name.
    pub name: Cow<'a, str>,
    /// The provider address as it stands in the document.
    pub provider: Cow<'a, str>,
    /// Its instance objects in the order of the document.
    pub instances: Vec<Instance<'a>>,
}

impl<'a> Resource<'a> {
    /// Reads one element of `resources`, its instances included.
    pub(super) fn parse(raw: Raw<'a>) -> Result<Self, StateError> {
        let fields = Fields::parse(raw)?;
        let label = fields.label();
        let invalid = |reason: String| StateError::Resource { resource: label.clone(), reason };
        let mode = match &*fields.mode {
            "managed" => Mode::Managed,
            "data" => Mode::Data,
            other => return Err(invalid(format!("mode {other:?} is not supported"))),
        };
        let module = ModuleAddress::parse(&fields.module).map_err(invalid)?;
        let mut instances = Vec::new();
        for raw in fields.instances {
            let instance = Instance::parse(raw)?;
            instance.check().map_err(invalid)?;
            instances.push(instance);
        }
        let (type_name, name, provider) = (fields.type_name, fields.name, fields.provider);
        Ok(Self { module, mode, type_name, name, provider, instances })
    }

    /// How many instances it has; deposed objects of an instance don't count beside it.
    pub(crate) fn count_instances(&self) -> u64 {
        let keys: BTreeSet<_> = self.instances.iter().map(|instance| &instance.key).collect();
        keys.len() as u64
    }

    /// Reads all elements of `resources`; those with the same address become one, with the provider of the last.
    pub(super) fn parse_all(raws: Vec<Raw<'a>>) -> Result<Vec<Self>, StateError> {
        let mut resources: Vec<Self> = Vec::with_capacity(raws.len());
        let mut places = HashMap::new();
        for raw in raws {
            let resource = Self::parse(raw)?;
            match places.entry(resource.address(None)) {
                Entry::Vacant(place) => {
                    place.insert(resources.len());
                    resources.push(resource);
                }
                Entry::Occupied(place) => {
                    let earlier = &mut resources[*place.get()];
                    earlier.provider = resource.provider;
                    earlier.instances.extend(resource.instances);
                }
            }
        }
        resources.iter().try_for_each(Self::check_distinct)?;
        Ok(resources)
    }

    /// Checks that no object stands twice.
    fn check_distinct(&self) -> Result<(), StateError> {
        let mut seen = HashSet::new();
        for instance in &self.instances {
            if !seen.insert((&instance.key, &instance.deposed)) {
                let resource = self.address(instance.key.as_ref());
                return Err(StateError::Resource {
                    resource,
                    reason: "it appears multiple times".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The address of the resource in its parts.
    pub fn address_parts(&self) -> ResourceAddress {
        let (module, mode) = (self.module.clone(), self.mode);
        ResourceAddress { module, mode, type_name: self.type_name.to_string(), name: self.name.to_string() }
    }

    /// The address of the resource, or of one of its instances.
    pub fn address(&self, key: Option<&InstanceKey>) -> String {
        let mut address = self.module.to_string();
        if !address.is_empty() {
            address.push('.');
        }
        if self.mode == Mode::Data {
            address.push_str("data.");
        }
        let key = key.map(ToString::to_string).unwrap_or_default();
        address + &self.type_name + "." + &self.name + &key
    }
}

/// The fields of a resource before they are understood.
#[derive(Default)]
struct Fields<'a> {
    module: Cow<'a, str>,
    mode: Cow<'a, str>,
    type_name: Cow<'a, str>,
    name: Cow<'a, str>,
    provider: Cow<'a, str>,
    instances: Vec<Raw<'a>>,
}

impl<'a> Fields<'a> {
    fn parse(raw: Raw<'a>) -> Result<Self, StateError> {
        let mut fields = Self::default();
        for (name, raw) in members(raw, "resources")? {
            match known(&name, &["module", "mode", "type", "name", "provider", "instances"]) {
                "module" => set(&mut fields.module, raw, "resources.module", Raw::text)?,
                "mode" => set(&mut fields.mode, raw, "resources.mode", Raw::text)?,
                "type" => set(&mut fields.type_name, raw, "resources.type", Raw::text)?,
                "name" => set(&mut fields.name, raw, "resources.name", Raw::text)?,
                "provider" => set(&mut fields.provider, raw, "resources.provider", Raw::text)?,
                "instances" => fields.instances = elements(raw, "resources.instances")?,
                _ => {}
            }
        }
        Ok(fields)
    }

    fn label(&self) -> String {
        let prefix = if self.module.is_empty() { "" } else { "." };
        format!("{}{prefix}{}.{}", self.module, self.type_name, self.name)
    }
}
