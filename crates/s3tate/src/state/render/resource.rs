//! One resource instance as `terraform state show` prints it.
//!
//! Terraform needs the provider's schema for that; here the types of the JSON values stand in for it, so nested blocks
//! appear as lists of objects. The schemas of the provider that is built into Terraform are known.

use std::collections::BTreeMap;

use crate::state::address::is_identifier;
use crate::state::fields::known;
use crate::state::json::{Raw, top_level};
use crate::state::quote::push_go_quoted;
use crate::state::typing::MAX_DEPTH;
use crate::state::{Instance, InstanceKey, Mode, Number, Resource, Type, Value, value};

/// Arguments that the built-in provider leaves open; their values are stored with their types.
const OPEN_ARGUMENTS: [(&str, &[&str]); 2] = [
    ("terraform_data", &["input", "output", "triggers_replace"]),
    ("terraform_remote_state", &["config", "defaults", "outputs"]),
];
/// How much deeper each level stands.
const STEP: usize = 4;

/// Renders the current object of an instance: a comment with its address, then a block of its attributes.
///
/// Attributes that the state marks as sensitive show as `(sensitive value)`, absent ones are left out. `None` where the
/// attributes can't be shown, since they are nested too deeply.
pub(in crate::state) fn resource(resource: &Resource<'_>, instance: &Instance<'_>) -> Option<String> {
    let mut shown = attributes(resource, instance)?;
    for path in instance.sensitive_attributes.and_then(Raw::elements).into_iter().flatten() {
        let steps: Vec<_> = path.elements()?.filter_map(Step::parse).collect();
        mask(&mut shown, &steps);
    }
    if let Shown::Mapping(attributes) = &mut shown {
        attributes.retain(|_, value| *value != Shown::Null);
    }
    let kind = if resource.mode == Mode::Data { "data" } else { "resource" };
    let tainted = if instance.is_tainted() { " (tainted)" } else { "" };
    let address = resource.address(instance.key.as_ref());
    let mut out = format!("# {address}:{tainted}\n{kind} \"{}\" \"{}\" ", resource.type_name, resource.name);
    push(&mut out, &shown, 0);
    out.push('\n');
    Some(out)
}

/// A value as far as it matters for showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Null,
    Bool(bool),
    /// A number in the form in which it is printed.
    Number(String),
    Text(String),
    Sequence(Vec<Shown>),
    Mapping(BTreeMap<String, Shown>),
    Sensitive,
}

fn attributes(resource: &Resource<'_>, instance: &Instance<'_>) -> Option<Shown> {
    let Some(raw) = instance.attributes else {
        let flat = instance.attributes_flat.iter().flatten();
        return Some(Shown::Mapping(
            flat.map(|(name, text)| (name.clone(), Shown::Text(text.clone()))).collect(),
        ));
    };
    let open = OPEN_ARGUMENTS.iter().find(|(name, _)| *name == resource.type_name);
    let open = open.map_or(&[][..], |(_, arguments)| arguments);
    let mut shown = BTreeMap::new();
    for (name, raw) in raw.members()? {
        let unwrapped = open.contains(&&*name).then(|| value::decode(&Type::Dynamic, raw).ok()).flatten();
        let value = match unwrapped {
            Some((_, value)) => Shown::of(value),
            None => Shown::parse(raw, plain)?,
        };
        shown.insert(name.into_owned(), value);
    }
    Some(Shown::Mapping(shown))
}

/// The number as Terraform prints it after reading it as one.
fn plain(number: &str) -> String {
    Number::parse(number).map_or_else(|| number.to_owned(), |number| number.to_string())
}

impl Shown {
    fn of(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::Text(text),
            Value::Sequence(elements) => Self::Sequence(elements.into_iter().map(Self::of).collect()),
            Value::Mapping(entries) => {
                Self::Mapping(entries.into_iter().map(|(name, value)| (name, Self::of(value))).collect())
            }
        }
    }

    /// Takes over a JSON value; `None` where it is nested too deeply.
    fn parse(raw: Raw<'_>, number: fn(&str) -> String) -> Option<Self> {
        (raw.depth() <= MAX_DEPTH).then(|| Self::parse_shallow(raw, number))
    }

    fn parse_shallow(raw: Raw<'_>, number: fn(&str) -> String) -> Self {
        if let Some(elements) = raw.elements() {
            return Self::Sequence(elements.map(|raw| Self::parse_shallow(raw, number)).collect());
        }
        if let Some(members) = raw.members() {
            let members = members.map(|(name, raw)| (name.into_owned(), Self::parse_shallow(raw, number)));
            return Self::Mapping(members.collect());
        }
        if let Some(text) = raw.text() {
            return Self::Text(text.into_owned());
        }
        match (raw.bool(), raw.number()) {
            (Some(truth), _) => Self::Bool(truth),
            (_, Some(text)) => Self::Number(number(text)),
            _ => Self::Null,
        }
    }

    /// The array or object that a text holds as JSON, which is shown in its place.
    fn encoded(text: &str) -> Option<Self> {
        if !text.starts_with(['{', '[']) || top_level(text.as_bytes()).is_err() {
            return None;
        }
        Self::parse(Raw::checked(text.as_bytes()), str::to_owned)
    }
}

/// One step of a path into a value.
enum Step {
    Attribute(String),
    Index(InstanceKey),
}

impl Step {
    fn parse(raw: Raw<'_>) -> Option<Self> {
        let (mut kind, mut value) = (None, None);
        for (name, raw) in raw.members()? {
            match known(&name, &["type", "value"]) {
                "type" => kind = raw.text(),
                "value" => value = Some(raw),
                _ => {}
            }
        }
        let value = value?;
        if kind? == "get_attr" {
            return Some(Self::Attribute(value.text()?.into_owned()));
        }
        match value::decode(&Type::Dynamic, value).ok()?.1 {
            Value::String(key) => Some(Self::Index(InstanceKey::Text(key))),
            Value::Number(index) => Some(Self::Index(InstanceKey::Number(index.to_string().parse().ok()?))),
            _ => None,
        }
    }
}

/// Hides what a path leads to; where it leads no further, what it leads to so far, rather than show a secret.
fn mask(shown: &mut Shown, path: &[Step]) {
    if *shown == Shown::Null && !path.is_empty() {
        return;
    }
    let next = match (path.first(), &mut *shown) {
        (Some(Step::Attribute(name) | Step::Index(InstanceKey::Text(name))), Shown::Mapping(entries)) => {
            match entries.get_mut(name) {
                Some(next) => next,
                None => return,
            }
        }
        (Some(Step::Index(InstanceKey::Number(index))), Shown::Sequence(elements)) => {
            match usize::try_from(*index).ok().and_then(|index| elements.get_mut(index)) {
                Some(next) => next,
                None => return,
            }
        }
        _ => {
            *shown = Shown::Sensitive;
            return;
        }
    };
    mask(next, path.get(1..).unwrap_or_default());
}

/// Appends a value; `indent` is that of the line on which it begins.
fn push(out: &mut String, shown: &Shown, indent: usize) {
    match shown {
        Shown::Null => out.push_str("null"),
        Shown::Sensitive => out.push_str("(sensitive value)"),
        Shown::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Shown::Number(number) => out.push_str(number),
        Shown::Text(text) => push_text(out, text, indent),
        Shown::Sequence(elements) if elements.is_empty() => out.push_str("[]"),
        Shown::Mapping(entries) if entries.is_empty() => out.push_str("{}"),
        Shown::Sequence(elements) => {
            out.push('[');
            for element in elements {
                new_line(out, indent + STEP);
                push(out, element, indent + STEP);
                out.push(',');
            }
            new_line(out, indent);
            out.push(']');
        }
        Shown::Mapping(entries) => push_mapping(out, entries, indent),
    }
}

fn push_mapping(out: &mut String, entries: &BTreeMap<String, Shown>, indent: usize) {
    out.push('{');
    let names: Vec<_> = entries.keys().map(|name| key(name)).collect();
    // Terraform measures the longest name in bytes and fills the others up in characters.
    let width = names.iter().map(String::len).max().unwrap_or_default();
    for (name, value) in names.iter().zip(entries.values()) {
        new_line(out, indent + STEP);
        out.push_str(name);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(name.chars().count())));
        out.push_str(" = ");
        push(out, value, indent + STEP);
    }
    new_line(out, indent);
    out.push('}');
}

fn key(name: &str) -> String {
    if is_identifier(name) {
        return name.to_owned();
    }
    let mut quoted = String::new();
    push_go_quoted(&mut quoted, name);
    quoted
}

fn push_text(out: &mut String, text: &str, indent: usize) {
    match Shown::encoded(text) {
        Some(Shown::Sequence(elements)) if elements.is_empty() => out.push_str("jsonencode([])"),
        Some(Shown::Mapping(entries)) if entries.is_empty() => out.push_str("jsonencode({})"),
        Some(json) => {
            out.push_str("jsonencode(");
            new_line(out, indent + STEP);
            push(out, &json, indent + STEP);
            new_line(out, indent);
            out.push(')');
        }
        None if text.contains('\n') => {
            out.push_str("<<-EOT");
            let lines = text.trim();
            for line in lines.split('\n') {
                new_line(out, indent + STEP);
                out.push_str(line);
            }
            new_line(out, indent);
            out.push_str("EOT");
        }
        None => push_go_quoted(out, text),
    }
}

fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}
