//! The resources of a document, taken apart far enough to move them about.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::EditError;
use crate::state::address::InstanceKey;
use crate::state::content::{ObjectWriter, push_array};
use crate::state::fields::{elements, known, members};
use crate::state::json::{Raw, compact, indented};
use crate::state::write::with_fields;
use crate::state::{Mode, Resource, ResourceAddress, StateError, StateFile, Target};

/// A document whose resources are being edited.
pub(super) struct Draft<'a> {
    bytes: &'a [u8],
    serial: u64,
    /// By address, in the order of `terraform state list`.
    pub(super) resources: BTreeMap<ResourceAddress, Entry<'a>>,
}

/// One resource.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    /// The text as it stands; `None` once something in it has changed.
    text: Option<Raw<'a>>,
    /// Its fields besides address and instances.
    fields: Vec<(Cow<'a, str>, Raw<'a>)>,
    pub(super) objects: Vec<Object<'a>>,
}

/// One object of an instance.
#[derive(Clone)]
pub(super) struct Object<'a> {
    pub(super) key: Option<InstanceKey>,
    pub(super) deposed: Option<Cow<'a, str>>,
    pub(super) dependencies: Vec<Cow<'a, str>>,
    text: Raw<'a>,
    is_changed: bool,
}

impl<'a> Draft<'a> {
    /// Takes a document apart.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, EditError> {
        let state = StateFile::parse(bytes)?.ok_or(StateError::NoVersion)?;
        state.check()?;
        let serial = state.header.serial.checked_add(1).ok_or(EditError::LastSerial)?;
        let mut resources: BTreeMap<ResourceAddress, Entry<'a>> = BTreeMap::new();
        for raw in state.resource_elements()? {
            let (address, entry) = Entry::parse(raw)?;
            match resources.get_mut(&address) {
                Some(earlier) => {
                    earlier.change().extend(entry.objects);
                    earlier.fields = entry.fields;
                }
                None => drop(resources.insert(address, entry)),
            }
        }
        Ok(Self { bytes, serial, resources })
    }

    /// Takes out what is at a target: a module with all below it, a resource or one instance. A resource that has an
    /// instance without a key stands for that instance.
    pub(super) fn split_off(&mut self, target: &Target) -> Self {
        let mut taken = Self { bytes: self.bytes, serial: self.serial, resources: BTreeMap::new() };
        let meant: Vec<_> =
            self.resources.keys().filter(|address| is_meant(target, address)).cloned().collect();
        for address in meant {
            let Some(mut entry) = self.resources.remove(&address) else { continue };
            let key = match target {
                Target::Instance(_, key) => Some(Some(key)),
                Target::Resource(_) if entry.has(None) => Some(None),
                _ => None,
            };
            if let Some(key) = key.filter(|_| !entry.objects.is_empty()) {
                let mut part = entry.emptied();
                part.objects = entry.change().extract_if(.., |object| object.key.as_ref() == key).collect();
                let rest = std::mem::replace(&mut entry, part);
                if !rest.objects.is_empty() {
                    self.resources.insert(address.clone(), rest);
                }
            }
            // An instance that isn't there leaves nothing to take.
            if !entry.objects.is_empty() || key.is_none() {
                taken.resources.insert(address, entry);
            }
        }
        taken
    }

    /// Makes current objects forget their dependencies where one of these is meant.
    ///
    /// Terraform forgets the whole list, since it is written anew by the next plan.
    pub(super) fn forget_dependencies(&mut self, is_meant: impl Fn(&str) -> bool) {
        for entry in self.resources.values_mut() {
            let meant = |object: &Object<'_>| {
                object.deposed.is_none() && object.dependencies.iter().any(|address| is_meant(address))
            };
            if entry.objects.iter().any(meant) {
                for object in entry.change().iter_mut().filter(|object| meant(object)) {
                    object.dependencies.clear();
                    object.is_changed = true;
                }
            }
        }
    }

    /// The document with its resources as they are now, and the next serial.
    pub(super) fn finish(self) -> Result<Vec<u8>, EditError> {
        let mut resources: Vec<_> = self.resources.iter().collect();
        resources.sort_by_cached_key(|(address, _)| {
            (address.module.to_string(), address.mode, &*address.type_name, &*address.name)
        });
        let mut list = String::new();
        push_array(&mut list, resources.into_iter(), push_entry);
        if self.bytes.trim_ascii_end().contains(&b'\n') {
            list = laid_out(&list);
        }
        Ok(with_fields(self.bytes, &[("serial", &self.serial.to_string()), ("resources", &list)])?)
    }
}

fn is_meant(target: &Target, address: &ResourceAddress) -> bool {
    match target {
        Target::Module(module) => address.module.0.starts_with(&module.0),
        Target::Resource(meant) | Target::Instance(meant, _) => address == meant,
    }
}

impl<'a> Entry<'a> {
    fn parse(raw: Raw<'a>) -> Result<(ResourceAddress, Self), StateError> {
        let resource = Resource::parse(raw)?;
        let address = resource.address_parts();
        let (mut fields, mut texts) = (Vec::new(), Vec::new());
        for (name, raw) in members(raw, "resources")? {
            match known(&name, &["module", "mode", "type", "name", "instances"]) {
                "" => fields.push((name, raw)),
                "instances" => texts = elements(raw, "resources.instances")?,
                _ => {}
            }
        }
        let objects = resource.instances.into_iter().zip(texts).map(|(instance, text)| Object {
            key: instance.key,
            deposed: instance.deposed,
            dependencies: instance.dependencies,
            text,
            is_changed: false,
        });
        Ok((address, Self { text: Some(raw), fields, objects: objects.collect() }))
    }

    /// The objects, which are about to change.
    pub(super) fn change(&mut self) -> &mut Vec<Object<'a>> {
        self.text = None;
        &mut self.objects
    }

    /// The same resource without objects.
    pub(super) fn emptied(&self) -> Self {
        Self { text: None, fields: self.fields.clone(), objects: Vec::new() }
    }

    /// Whether an instance has any object.
    pub(super) fn has(&self, key: Option<&InstanceKey>) -> bool {
        self.objects.iter().any(|object| object.key.as_ref() == key)
    }
}

impl Object<'_> {
    /// Makes it an object of another instance.
    pub(super) fn set_key(&mut self, key: Option<InstanceKey>) {
        self.key = key;
        self.is_changed = true;
    }
}

fn push_entry(out: &mut String, (address, entry): (&ResourceAddress, &Entry<'_>)) {
    if let Some(text) = entry.text {
        return compact(out, text.as_bytes());
    }
    let mut fields = ObjectWriter::open(out);
    if !address.module.0.is_empty() {
        fields.text("module", &address.module.to_string());
    }
    fields.text("mode", if address.mode == Mode::Managed { "managed" } else { "data" });
    fields.text("type", &address.type_name);
    fields.text("name", &address.name);
    for (name, raw) in &entry.fields {
        fields.raw(name, raw.as_bytes());
    }
    let mut objects: Vec<_> = entry.objects.iter().collect();
    objects.sort_by_key(|object| (&object.key, &object.deposed));
    fields.name("instances");
    push_array(fields.out, objects.into_iter(), push_object);
    fields.close();
}

fn push_object(out: &mut String, object: &Object<'_>) {
    if !object.is_changed {
        return compact(out, object.text.as_bytes());
    }
    let mut fields = ObjectWriter::open(out);
    match &object.key {
        Some(InstanceKey::Number(index)) => fields.raw("index_key", index.to_string().as_bytes()),
        Some(InstanceKey::Text(key)) => fields.text("index_key", key),
        None => {}
    }
    for (name, raw) in object.text.members().into_iter().flatten() {
        match known(&name, &["index_key", "dependencies"]) {
            "dependencies" if object.dependencies.is_empty() => {}
            "index_key" => {}
            _ => fields.raw(&name, raw.as_bytes()),
        }
    }
    fields.close();
}

/// A compact array laid out as the value of a top-level field.
fn laid_out(list: &str) -> String {
    let document = indented(&format!("{{\"\":{list}}}"));
    let value = document.strip_prefix("{\n  \"\": ").and_then(|rest| rest.strip_suffix("\n}"));
    value.unwrap_or(list).to_owned()
}
