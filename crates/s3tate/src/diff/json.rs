//! Differences as JSON for scripts.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{AttributeChange, ObjectChange, OutputChange, Relation, Shown, StateDiff};
use crate::state::Header;

/// The version of the document's shape; raised when a member changes its meaning or goes.
const FORMAT_VERSION: &str = "1";

#[derive(Serialize)]
struct Document<'d> {
    format_version: &'static str,
    equal: bool,
    lineage: &'static str,
    before: Option<State<'d>>,
    after: Option<State<'d>>,
    resources: Vec<Object<'d>>,
    outputs: Vec<Output<'d>>,
}

#[derive(Serialize)]
struct State<'d> {
    serial: u64,
    lineage: &'d str,
    terraform_version: &'d str,
}

#[derive(Serialize)]
struct Object<'d> {
    address: &'d str,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<&'d str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<Fact<'d>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Attribute<'d>>,
}

#[derive(Serialize)]
struct Fact<'d> {
    what: &'static str,
    before: &'d str,
    after: &'d str,
}

/// A side that isn't there has no member; a sensitive one has none either.
#[derive(Serialize)]
struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    sensitive: bool,
}

#[derive(Serialize)]
struct Attribute<'d> {
    path: &'d str,
    #[serde(flatten)]
    values: Values,
}

#[derive(Serialize)]
struct Output<'d> {
    name: &'d str,
    action: &'static str,
    #[serde(flatten)]
    values: Values,
}

pub(super) fn render(diff: &StateDiff) -> String {
    let document = Document {
        format_version: FORMAT_VERSION,
        equal: diff.is_empty(),
        lineage: match diff.relation() {
            Relation::Same => "same",
            Relation::Unrelated => "unrelated",
            Relation::Unknown => "unknown",
        },
        before: diff.before.as_ref().map(State::of),
        after: diff.after.as_ref().map(State::of),
        resources: diff.objects.iter().map(Object::of).collect(),
        outputs: diff.outputs.iter().map(Output::of).collect(),
    };
    // Texts and checked JSON always serialise.
    serde_json::to_string(&document).unwrap_or_default()
}

impl<'d> State<'d> {
    fn of(header: &'d Header) -> Self {
        Self { serial: header.serial, lineage: &header.lineage, terraform_version: &header.terraform_version }
    }
}

impl<'d> Object<'d> {
    fn of(change: &'d ObjectChange) -> Self {
        Self {
            address: &change.address,
            action: change.action.as_str(),
            from: change.from.as_deref(),
            deposed: change.deposed.as_deref(),
            facts: change.facts.iter().map(|(what, before, after)| Fact { what, before, after }).collect(),
            attributes: change.attributes.iter().map(Attribute::of).collect(),
        }
    }
}

impl<'d> Attribute<'d> {
    fn of(change: &'d AttributeChange) -> Self {
        Self { path: &change.path, values: Values::of(change.before.as_ref(), change.after.as_ref()) }
    }
}

impl<'d> Output<'d> {
    fn of(change: &'d OutputChange) -> Self {
        let values = Values::of(change.before.as_ref(), change.after.as_ref());
        Self { name: &change.name, action: change.action.as_str(), values }
    }
}

impl Values {
    fn of(before: Option<&Shown>, after: Option<&Shown>) -> Self {
        let value = |shown: Option<&Shown>| match shown {
            Some(Shown::Json(json)) => RawValue::from_string(json.clone()).ok(),
            Some(Shown::Masked) | None => None,
        };
        let sensitive = [before, after].contains(&Some(&Shown::Masked));
        Self { before: value(before), after: value(after), sensitive }
    }
}
