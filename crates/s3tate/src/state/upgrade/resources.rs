//! Resources of the formats before 4, whose addresses are keys such as `data.aws_ami.x.3`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::counts;
use super::document::{Document, OldObject, OldResource};
use super::refused;
use crate::config::cache::go_escapes;
use crate::state::StateError;
use crate::state::address::is_identifier;
use crate::state::content::{ObjectWriter, push_array};
use crate::state::json::{Kind, Raw, push_quoted};

/// A resource by module address, whether it is a data resource, type and name.
type Key<'a> = (String, bool, &'a str, &'a str);
/// Its instances by index, those without one first.
type Instances<'r, 'a> = BTreeMap<Option<i64>, &'r mut OldResource<'a>>;

/// Appends all resources as an array in format 4.
pub(super) fn push(out: &mut String, mut document: Document<'_>) -> Result<(), StateError> {
    let version = document.version;
    let mut found: BTreeMap<Key<'_>, Instances<'_, '_>> = BTreeMap::new();
    for module in &mut document.modules {
        let address = module_address(&module.path).map_err(|why| refused(version, why))?;
        for (key, resource) in &mut module.resources {
            let (is_data, type_name, name, index) = split(key).map_err(|why| refused(version, why))?;
            if version < 3 {
                let objects = resource.primary.iter_mut().chain(&mut resource.deposed);
                objects.for_each(|object| counts::mend(&mut object.attributes));
            }
            // Terraform drops what has no type that could be one.
            if !is_identifier(type_name) {
                continue;
            }
            let instances = found.entry((address.clone(), is_data, type_name, name)).or_default();
            if instances.insert(index, resource).is_some() {
                return Err(refused(version, format!("the resource instance of key {key:?} stands twice")));
            }
        }
    }
    let mut resources = Vec::new();
    for (key, instances) in found {
        let provider = instances.values().next().map(|first| provider(first, &key.0, key.2)).transpose();
        resources.push((key, provider.map_err(|why| refused(version, why))?.unwrap_or_default(), instances));
    }
    push_array(out, resources.iter(), |out, (key, provider, instances)| {
        push_resource(out, key, provider, instances);
    });
    Ok(())
}

fn module_address(path: &[Cow<'_, str>]) -> Result<String, String> {
    let steps: Result<Vec<_>, _> = path
        .iter()
        .map(|name| {
            let wrong = || format!("a module has the invalid name {name:?}");
            is_identifier(name).then(|| format!("module.{name}")).ok_or_else(wrong)
        })
        .collect();
    Ok(steps?.join("."))
}

/// Mode, type, name and index of a key.
fn split(key: &str) -> Result<(bool, &str, &str, Option<i64>), String> {
    let wrong = || format!("a resource has the invalid key {key:?}");
    let parts: Vec<_> = key.split('.').collect();
    let (is_data, parts) = match parts.as_slice() {
        ["data", rest @ ..] if parts.len() > 2 => (true, rest),
        all => (false, all),
    };
    match parts {
        [type_name, name] => Ok((is_data, type_name, name, None)),
        [type_name, name, index] => Ok((is_data, type_name, name, Some(integer(index).ok_or_else(wrong)?))),
        _ => Err(wrong()),
    }
}

/// An integer as Go reads one whose base its prefix tells.
fn integer(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase().replace('_', "");
    let (digits, base) = match lower.strip_prefix('0') {
        Some("") => ("0", 10),
        Some(rest) => match rest.as_bytes().first()? {
            b'x' => (&rest[1..], 16),
            b'b' => (&rest[1..], 2),
            b'o' => (&rest[1..], 8),
            _ => (rest, 8),
        },
        None => (lower.as_str(), 10),
    };
    i64::from_str_radix(digits, base).ok()
}

/// The provider's address in the form of Terraform 0.12, which the layout of format 4 brings into today's.
fn provider(resource: &OldResource<'_>, module: &str, type_name: &str) -> Result<String, String> {
    let old = resource.provider.as_ref();
    if old.contains("${") {
        return Err(format!("the provider {old:?} has an interpolation in its alias, which never worked"));
    }
    let wrong = || format!("the provider {old:?} is no address of one");
    let (module, local) = match old.split_once("provider.") {
        Some((module, local)) => (module.to_owned(), local),
        None if module.is_empty() => (String::new(), old),
        None => (format!("{module}."), old),
    };
    let mut parts = local.split('.');
    let name = match parts.next() {
        Some("") | None if old.is_empty() => type_name.split('_').next().unwrap_or(type_name),
        name => name.unwrap_or_default(),
    };
    let alias = parts.next();
    if !is_identifier(name) || alias.is_some_and(|alias| !is_identifier(alias)) {
        return Err(wrong());
    }
    let alias = alias.map_or_else(String::new, |alias| format!(".{alias}"));
    Ok(format!("{module}provider.{name}{alias}"))
}

fn push_resource(out: &mut String, key: &Key<'_>, provider: &str, instances: &Instances<'_, '_>) {
    let (module, is_data, type_name, name) = key;
    let mut writer = ObjectWriter::open(out);
    if !module.is_empty() {
        writer.text("module", module);
    }
    writer.text("mode", if *is_data { "data" } else { "managed" });
    writer.text("type", type_name);
    writer.text("name", name);
    writer.text("provider", provider);
    writer.name("instances");
    let objects = instances.iter().flat_map(|(index, resource)| {
        let deposed = resource.deposed.iter().zip(1_u32..);
        let deposed = deposed.map(|(object, number)| (*index, Some(number), object));
        resource.primary.iter().map(|object| (*index, None, object)).chain(deposed)
    });
    push_array(writer.out, objects, |out, (index, deposed, object)| push_object(out, index, deposed, object));
    writer.close();
}

fn push_object(out: &mut String, index: Option<i64>, deposed: Option<u32>, object: &OldObject<'_>) {
    let mut writer = ObjectWriter::open(out);
    if let Some(index) = index {
        writer.raw("index_key", index.to_string().as_bytes());
    }
    if object.tainted {
        writer.text("status", "tainted");
    }
    if let Some(number) = deposed {
        writer.text("deposed", &format!("{number:08x}"));
    }
    let schema_version = object.meta.get("schema_version").and_then(|raw| schema_version(*raw));
    writer.raw("schema_version", schema_version.unwrap_or_default().to_string().as_bytes());
    push_attributes(&mut writer, object);
    let rest: BTreeMap<_, _> = object
        .meta
        .iter()
        .filter(|(name, _)| schema_version.is_none() || *name != "schema_version")
        .collect();
    if !rest.is_empty() {
        let mut meta = String::new();
        push_members(&mut meta, rest.into_iter().map(|(name, raw)| (name.as_ref(), *raw)));
        writer.text("private", &STANDARD.encode(go_escapes(&meta)));
    }
    writer.close();
}

/// A 64-bit float as Go's conversion makes a 64-bit integer of it on the usual processors.
fn as_unsigned(float: f64) -> u64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.abs() < LIMIT {
        #[expect(clippy::cast_possible_truncation, reason = "the fraction is dropped")]
        return (float as i64).cast_unsigned();
    }
    1 << 63
}

fn schema_version(raw: Raw<'_>) -> Option<u64> {
    match raw.kind() {
        Kind::String => raw.text()?.parse().ok(),
        Kind::Number => Some(as_unsigned(raw.number()?.parse().ok()?)),
        _ => None,
    }
}

fn push_attributes(writer: &mut ObjectWriter<'_>, object: &OldObject<'_>) {
    let mut attributes = object.attributes.clone();
    if !object.id.is_empty() && attributes.get("id").is_none_or(|id| id.is_empty()) {
        attributes.insert(Cow::Borrowed("id"), object.id.clone());
    }
    if attributes.is_empty() {
        return writer.raw("attributes", b"{}");
    }
    writer.name("attributes_flat");
    let mut flat = ObjectWriter::open(writer.out);
    for (name, value) in &attributes {
        flat.text(name, value);
    }
    flat.close();
}

/// Appends JSON as Go writes what it has read without a type: names sorted, numbers as 64-bit floats.
fn push_json(out: &mut String, raw: Raw<'_>) {
    if let Some(members) = raw.members() {
        let members: BTreeMap<_, _> = members.collect();
        push_members(out, members.iter().map(|(name, raw)| (name.as_ref(), *raw)));
    } else if let Some(elements) = raw.elements() {
        push_array(out, elements, push_json);
    } else if let Some(text) = raw.text() {
        push_quoted(out, &text);
    } else if let Some(number) = raw.number() {
        out.push_str(&float(number));
    } else {
        out.push_str(&String::from_utf8_lossy(raw.as_bytes()));
    }
}

fn push_members<'m>(out: &mut String, members: impl Iterator<Item = (&'m str, Raw<'m>)>) {
    let mut writer = ObjectWriter::open(out);
    for (name, raw) in members {
        writer.name(name);
        push_json(writer.out, raw);
    }
    writer.close();
}

/// A 64-bit float as Go's JSON encoder writes it: plain within 1e-6 to 1e21, else with an exponent.
fn float(text: &str) -> String {
    let Ok(float) = text.parse::<f64>() else { return text.to_owned() };
    if float == 0.0 || (1e-6..1e21).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}
