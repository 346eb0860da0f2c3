//! What stands in a document of format 1 to 3.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::refused;
use crate::state::StateError;
use crate::state::fields::{elements, known, members, set, text_or_empty, texts};
use crate::state::header;
use crate::state::json::{Kind, Raw, TopLevel, found};

/// A whole document.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    pub(super) version: u64,
    pub(super) modules: Vec<Module<'a>>,
}

/// One module; there is one with the path `root`.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    /// The names of the modules that lead to it, without `root`.
    pub(super) path: Vec<Cow<'a, str>>,
    pub(super) outputs: BTreeMap<Cow<'a, str>, OldOutput<'a>>,
    pub(super) resources: BTreeMap<Cow<'a, str>, OldResource<'a>>,
}

/// One output.
#[derive(Debug, Default)]
pub(super) struct OldOutput<'a> {
    pub(super) sensitive: bool,
    pub(super) value: Option<Raw<'a>>,
}

/// One resource instance, with its previous objects.
#[derive(Debug, Default)]
pub(super) struct OldResource<'a> {
    pub(super) type_name: Cow<'a, str>,
    pub(super) primary: Option<OldObject<'a>>,
    pub(super) deposed: Vec<OldObject<'a>>,
    pub(super) provider: Cow<'a, str>,
}

/// One object.
#[derive(Debug, Default)]
pub(super) struct OldObject<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) attributes: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    pub(super) meta: BTreeMap<Cow<'a, str>, Raw<'a>>,
    pub(super) tainted: bool,
}

impl<'a> Document<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, StateError> {
        let Some((header, document)) = header::open(bytes)? else { return Ok(Self::default()) };
        let mut modules = Vec::new();
        for raw in document.all("modules").last().map_or(Ok(Vec::new()), |raw| elements(raw, "modules"))? {
            modules.push(Module::parse(raw, header.version)?);
        }
        check_places(&document)?;
        Ok(Self { version: header.version, modules })
    }
}

/// Checks where the state and its backend were said to be, which format 4 doesn't tell.
fn check_places(document: &TopLevel<'_>) -> Result<(), StateError> {
    for place in ["remote", "backend"] {
        for raw in document.all(place) {
            for (name, raw) in members(raw, place)? {
                let field = format!("{place}.{name}");
                match known(&name, &["type", "config", "hash"]) {
                    "type" => set(&mut Cow::Borrowed(""), raw, field, Raw::text)?,
                    "config" if place == "remote" => {
                        each(raw, &field, |raw| {
                            let wrong = || StateError::Field { field: field.clone(), found: found(raw) };
                            text_or_empty(raw).ok_or_else(wrong)
                        })?;
                    }
                    "hash" if place == "backend" => {
                        set(&mut 0, raw, field, |raw| raw.number()?.parse::<u64>().ok())?;
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

impl<'a> Module<'a> {
    fn parse(raw: Raw<'a>, version: u64) -> Result<Self, StateError> {
        let (mut module, mut path) = (Self::default(), Vec::new());
        for (name, raw) in members(raw, "modules")? {
            match known(&name, &["path", "outputs", "resources", "depends_on"]) {
                "depends_on" => set(&mut Vec::new(), raw, "modules.depends_on", texts)?,
                "path" => set(&mut path, raw, "modules.path", texts)?,
                "outputs" => {
                    module.outputs = each(raw, "modules.outputs", |raw| OldOutput::parse(raw, version))?;
                }
                "resources" => {
                    module.resources =
                        each(raw, "modules.resources", |raw| OldResource::parse(raw, version))?;
                }
                _ => {}
            }
        }
        let is_root = version == 1 && path.is_empty();
        if !is_root && path.first().is_none_or(|first| first != "root") {
            return Err(refused(version, format!("a module has the invalid path {path:?}")));
        }
        module.path = path.split_off(path.len().min(1));
        Ok(module)
    }
}

impl<'a> OldOutput<'a> {
    fn parse(raw: Raw<'a>, version: u64) -> Result<Self, StateError> {
        let wrong = || StateError::Field { field: "modules.outputs".to_owned(), found: found(raw) };
        if version == 1 {
            // Null is the empty text there.
            return match raw.kind() {
                Kind::String => Ok(Self { sensitive: false, value: Some(raw) }),
                Kind::Null => Ok(Self { sensitive: false, value: Some(Raw::checked(b"\"\"")) }),
                _ => Err(wrong()),
            };
        }
        let mut output = Self::default();
        for (name, raw) in raw.members().ok_or_else(wrong)? {
            match known(&name, &["sensitive", "type", "value"]) {
                "type" => set(&mut Cow::Borrowed(""), raw, "modules.outputs.type", Raw::text)?,
                "sensitive" => set(&mut output.sensitive, raw, "modules.outputs.sensitive", Raw::bool)?,
                "value" => output.value = Some(raw),
                _ => {}
            }
        }
        Ok(output)
    }
}

impl<'a> OldResource<'a> {
    fn parse(raw: Raw<'a>, version: u64) -> Result<Self, StateError> {
        let mut resource = Self::default();
        for (name, raw) in members(raw, "modules.resources")? {
            match known(&name, &["type", "primary", "deposed", "provider", "depends_on"]) {
                "depends_on" => set(&mut Vec::new(), raw, "modules.resources.depends_on", texts)?,
                "type" => set(&mut resource.type_name, raw, "modules.resources.type", Raw::text)?,
                "provider" => set(&mut resource.provider, raw, "modules.resources.provider", Raw::text)?,
                "primary" if raw.kind() != Kind::Null => {
                    resource.primary = Some(OldObject::parse(raw, version)?);
                }
                "deposed" => {
                    let objects = elements(raw, "modules.resources.deposed")?;
                    let objects = objects.into_iter().filter(|raw| raw.kind() != Kind::Null);
                    resource.deposed =
                        objects.map(|raw| OldObject::parse(raw, version)).collect::<Result<_, _>>()?;
                }
                _ => {}
            }
        }
        Ok(resource)
    }
}

impl<'a> OldObject<'a> {
    fn parse(raw: Raw<'a>, version: u64) -> Result<Self, StateError> {
        let mut object = Self::default();
        for (name, raw) in members(raw, "modules.resources.primary")? {
            match known(&name, &["id", "attributes", "meta", "tainted"]) {
                "id" => set(&mut object.id, raw, "modules.resources.primary.id", Raw::text)?,
                "tainted" => set(&mut object.tainted, raw, "modules.resources.primary.tainted", Raw::bool)?,
                "attributes" => {
                    let field = "modules.resources.primary.attributes";
                    let wrong = |raw| StateError::Field { field: field.to_owned(), found: found(raw) };
                    object.attributes = each(raw, field, |raw| text_or_empty(raw).ok_or_else(|| wrong(raw)))?;
                }
                "meta" => {
                    let field = "modules.resources.primary.meta";
                    let wrong = |raw| StateError::Field { field: field.to_owned(), found: found(raw) };
                    // Format 1 has texts alone.
                    let fits = |raw: Raw<'_>| version > 1 || matches!(raw.kind(), Kind::String | Kind::Null);
                    object.meta = each(raw, field, |raw| if fits(raw) { Ok(raw) } else { Err(wrong(raw)) })?;
                }
                _ => {}
            }
        }
        Ok(object)
    }
}

/// The entries of an object; of those with the same key the last.
fn each<'a, T>(
    raw: Raw<'a>,
    field: &str,
    mut parse: impl FnMut(Raw<'a>) -> Result<T, StateError>,
) -> Result<BTreeMap<Cow<'a, str>, T>, StateError> {
    members(raw, field)?.into_iter().map(|(name, raw)| Ok((name, parse(raw)?))).collect()
}
