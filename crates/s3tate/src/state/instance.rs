//! Instances of resources in a format 4 state.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use super::address::{InstanceKey, check_resource};
use super::fields::{known, members, set, text_or_empty, texts};
use super::json::{Kind, Raw, optional};
use super::{Number, StateError, Type, value};

/// Length of the key of a deposed object.
const DEPOSED_KEY_BYTES: usize = 8;
/// Base64 as Go's decoder accepts it, which overlooks stray bits at the end.
const PRIVATE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// One object of a resource instance: the current one, or a deposed one that is still to be destroyed.
#[derive(Debug, Clone, Default)]
pub struct Instance<'a> {
    /// Which instance, if the resource has `count` or `for_each`.
    pub key: Option<InstanceKey>,
    /// The key of a deposed object; the current object has none.
    pub deposed: Option<Cow<'a, str>>,
    /// Version of the provider's schema for the attributes.
    pub schema_version: u64,
    /// The attributes, a JSON object.
    pub attributes: Option<Raw<'a>>,
    /// Attributes in the dotted form of old formats, if `attributes` is missing.
    pub attributes_flat: Option<BTreeMap<String, String>>,
    /// Paths of the sensitive attributes.
    pub sensitive_attributes: Option<Raw<'a>>,
    /// Version of the provider's schema for the identity; Terraform 1.12 and later.
    pub identity_schema_version: Option<u64>,
    /// The identity, a JSON object; Terraform 1.12 and later.
    pub identity: Option<Raw<'a>>,
    /// What the provider keeps for itself, in base64.
    pub private: Option<Cow<'a, str>>,
    /// Addresses of resources that this one depends on.
    pub dependencies: Vec<Cow<'a, str>>,
    /// Whether a replacement is made before this object goes.
    pub create_before_destroy: bool,
    /// Empty or `tainted`.
    status: Cow<'a, str>,
}

impl<'a> Instance<'a> {
    /// Reads one element of `instances`.
    pub(super) fn parse(raw: Raw<'a>) -> Result<Self, StateError> {
        const FIELDS: [&str; 14] = [
            "index_key",
            "status",
            "deposed",
            "schema_version",
            "attributes",
            "attributes_flat",
            "sensitive_attributes",
            "identity_schema_version",
            "identity",
            "private",
            "dependencies",
            "create_before_destroy",
            "each",
            "depends_on",
        ];
        let mut instance = Self::default();
        for (name, raw) in members(raw, "resources.instances")? {
            instance.set_field(known(&name, &FIELDS), raw)?;
        }
        Ok(instance)
    }

    fn set_field(&mut self, name: &str, raw: Raw<'a>) -> Result<(), StateError> {
        let field = InstanceField(name);
        match name {
            "index_key" => self.key = optional(raw, field, instance_key)?,
            "status" => set(&mut self.status, raw, field, Raw::text)?,
            "deposed" => {
                let deposed = optional(raw, field, Raw::text)?;
                self.deposed = deposed.filter(|key| !key.is_empty());
            }
            "schema_version" => set(&mut self.schema_version, raw, field, unsigned)?,
            "attributes" => self.attributes = Some(raw),
            "attributes_flat" => self.attributes_flat = optional(raw, field, text_map)?,
            "sensitive_attributes" => self.sensitive_attributes = Some(raw),
            "identity_schema_version" => self.identity_schema_version = optional(raw, field, unsigned)?,
            "identity" => self.identity = Some(raw),
            "private" => self.private = optional(raw, field, Raw::text)?,
            "dependencies" => self.dependencies = optional(raw, field, texts)?.unwrap_or_default(),
            "create_before_destroy" => set(&mut self.create_before_destroy, raw, field, Raw::bool)?,
            _ => {}
        }
        Ok(())
    }

    /// Whether the object is to be replaced.
    pub fn is_tainted(&self) -> bool {
        self.status == "tainted"
    }

    /// The value of an attribute that is a text.
    pub(super) fn text_attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        match (self.attributes, &self.attributes_flat) {
            (Some(attributes), _) => attributes.members()?.filter(|(own, _)| own == name).last()?.1.text(),
            (None, flat) => flat.as_ref()?.get(name).map(|text| Cow::Borrowed(text.as_str())),
        }
    }

    /// Checks what doesn't show in the JSON types.
    pub(super) fn check(&self) -> Result<(), String> {
        if !matches!(&*self.status, "" | "tainted") {
            return Err(format!("an instance has invalid status {:?}", self.status));
        }
        if self.deposed.as_ref().is_some_and(|key| key.len() != DEPOSED_KEY_BYTES) {
            return Err("a deposed key must have 8 characters".to_owned());
        }
        if let Some(private) = &self.private {
            let one_line = private.replace(['\r', '\n'], "");
            PRIVATE.decode(one_line).map_err(|error| format!("private data is not base64: {error}"))?;
        }
        for dependency in &self.dependencies {
            check_resource(dependency).map_err(|reason| format!("dependency {dependency:?}: {reason}"))?;
        }
        self.sensitive_attributes.map_or(Ok(()), check_paths)
    }
}

/// The name of a field of an instance, as errors show it.
#[derive(Clone, Copy)]
struct InstanceField<'n>(&'n str);

impl fmt::Display for InstanceField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resources.instances.{}", self.0)
    }
}

/// Reads an instance key; a fraction is cut off, as Terraform does.
fn instance_key(raw: Raw<'_>) -> Option<InstanceKey> {
    if let Some(text) = raw.text() {
        return Some(InstanceKey::Text(text.into_owned()));
    }
    let number = raw.number()?;
    let whole = number.parse().ok().or_else(|| truncated(number))?;
    Some(InstanceKey::Number(whole))
}

/// The whole part of a number that isn't spelled as an integer.
fn truncated(number: &str) -> Option<i64> {
    let plain = Number::parse(number)?.to_string();
    plain.split('.').next()?.parse().ok()
}

fn unsigned(raw: Raw<'_>) -> Option<u64> {
    raw.number()?.parse().ok()
}

fn text_map(raw: Raw<'_>) -> Option<BTreeMap<String, String>> {
    raw.members()?.map(|(name, raw)| Some((name.into_owned(), text_or_empty(raw)?.into_owned()))).collect()
}

/// Checks a list of attribute paths.
fn check_paths(paths: Raw<'_>) -> Result<(), String> {
    for path in list(paths)? {
        for step in list(path)? {
            check_path_step(step)?;
        }
    }
    Ok(())
}

fn list(raw: Raw<'_>) -> Result<Vec<Raw<'_>>, String> {
    match (raw.kind(), raw.elements()) {
        (Kind::Null, _) => Ok(Vec::new()),
        (_, Some(elements)) => Ok(elements.collect()),
        _ => Err("sensitive attribute paths must be arrays".to_owned()),
    }
}

fn check_path_step(step: Raw<'_>) -> Result<(), String> {
    let (mut kind, mut value) = (Cow::Borrowed(""), None);
    for (name, raw) in step.members().ok_or("a step of a sensitive attribute path must be an object")? {
        match known(&name, &["type", "value"]) {
            "type" => kind = raw.text().ok_or("the type of a path step must be a string")?,
            "value" => value = Some(raw),
            _ => {}
        }
    }
    let value = value.ok_or("a path step has no value")?;
    match &*kind {
        "get_attr" if value.kind() == Kind::String => Ok(()),
        "index" => value::decode(&Type::Dynamic, value).map(drop),
        _ => Err(format!("unsupported path step type {kind:?}")),
    }
}
