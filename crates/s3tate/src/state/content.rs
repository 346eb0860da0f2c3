//! The content of a state in the one form in which Terraform writes it.

use std::cmp::Ordering;

use super::check::{CheckResult, CheckedObject};
use super::json::{Raw, compact, push_quoted};
use super::provider;
use super::{Instance, InstanceKey, Mode, Outputs, Resource, StateError, StateFile};

/// Whether two states are equal in outputs, resources and check results; their headers don't count.
///
/// Compared as Terraform would write them, so layout, order of fields and unknown fields make no difference; the order
/// of check results makes none either, since Terraform writes them in any. No bytes are equal to an empty state.
///
/// # Errors
/// Those of reading either state in full.
pub fn content_equal(a: &[u8], b: &[u8]) -> Result<bool, StateError> {
    Ok(comparable(a)? == comparable(b)?)
}

fn comparable(bytes: &[u8]) -> Result<(String, String, Vec<String>), StateError> {
    let Some(state) = StateFile::parse(bytes)? else { return Ok(("{}".into(), "[]".into(), Vec::new())) };
    let (mut outputs, mut resources) = (String::new(), String::new());
    push_outputs(&mut outputs, &state.outputs()?);
    push_resources(&mut resources, &state)?;
    let mut checks = Vec::new();
    for result in state.check_results()? {
        let mut text = String::new();
        push_check(&mut text, &result);
        checks.push(text);
    }
    checks.sort_unstable();
    Ok((outputs, resources, checks))
}

/// Appends `outputs` in compact form: by name an object of value, type and, if true, sensitive.
pub(super) fn push_outputs(out: &mut String, outputs: &Outputs) {
    out.push('{');
    for (at, (name, output)) in outputs.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        push_quoted(out, name);
        out.push_str(":{\"value\":");
        output.value.push_json(out);
        out.push_str(",\"type\":");
        output.ty.push_json(out);
        out.push_str(if output.sensitive { ",\"sensitive\":true}" } else { "}" });
    }
    out.push('}');
}

/// Appends `resources` in compact form, sorted by module address text, mode, type and name.
pub(super) fn push_resources(out: &mut String, state: &StateFile<'_>) -> Result<(), StateError> {
    let mut resources = state.resources()?;
    resources.sort_by_cached_key(|resource| {
        let (type_name, name) = (resource.type_name.to_string(), resource.name.to_string());
        (resource.module.to_string(), resource.mode, type_name, name)
    });
    push_array(out, resources.iter(), push_resource);
    Ok(())
}

fn push_resource(out: &mut String, resource: &Resource<'_>) {
    let mut fields = ObjectWriter::open(out);
    let module = resource.module.to_string();
    if !module.is_empty() {
        fields.text("module", &module);
    }
    fields.text("mode", if resource.mode == Mode::Managed { "managed" } else { "data" });
    fields.text("type", &resource.type_name);
    fields.text("name", &resource.name);
    fields.text("provider", &provider::modern(&resource.provider));
    let mut instances: Vec<_> = resource.instances.iter().collect();
    instances.sort_by(|a, b| by_key(a, b));
    fields.name("instances");
    push_array(fields.out, instances.into_iter(), push_instance);
    fields.close();
}

/// Appends what one object of a resource holds, and by which provider.
pub(super) fn push_object(out: &mut String, resource: &Resource<'_>, instance: &Instance<'_>) {
    out.push_str(&provider::modern(&resource.provider));
    push_instance(out, instance);
}

fn by_key(a: &Instance<'_>, b: &Instance<'_>) -> Ordering {
    (&a.key, &a.deposed).cmp(&(&b.key, &b.deposed))
}

fn push_instance(out: &mut String, instance: &Instance<'_>) {
    let mut fields = ObjectWriter::open(out);
    match &instance.key {
        Some(InstanceKey::Number(index)) => fields.raw("index_key", index.to_string().as_bytes()),
        Some(InstanceKey::Text(key)) => fields.text("index_key", key),
        None => {}
    }
    if instance.is_tainted() {
        fields.text("status", "tainted");
    }
    if let Some(deposed) = &instance.deposed {
        fields.text("deposed", deposed);
    }
    fields.raw("schema_version", instance.schema_version.to_string().as_bytes());
    push_attributes(&mut fields, instance);
    fields.raw("sensitive_attributes", instance.sensitive_attributes.map_or(b"[]", non_null_array));
    if let Some(version) = instance.identity_schema_version {
        fields.raw("identity_schema_version", version.to_string().as_bytes());
    }
    if let Some(identity) = instance.identity {
        fields.raw("identity", identity.as_bytes());
    }
    if let Some(private) = instance.private.as_ref().filter(|private| !private.is_empty()) {
        fields.text("private", private);
    }
    if !instance.dependencies.is_empty() {
        fields.name("dependencies");
        push_array(fields.out, instance.dependencies.iter(), |out, dependency| push_quoted(out, dependency));
    }
    if instance.create_before_destroy {
        fields.raw("create_before_destroy", b"true");
    }
    fields.close();
}

fn push_attributes(fields: &mut ObjectWriter<'_>, instance: &Instance<'_>) {
    match (instance.attributes, &instance.attributes_flat) {
        (Some(attributes), _) => fields.raw("attributes", attributes.as_bytes()),
        (None, Some(flat)) => {
            fields.name("attributes_flat");
            let mut attributes = ObjectWriter::open(fields.out);
            for (name, value) in flat {
                attributes.text(name, value);
            }
            attributes.close();
        }
        (None, None) => fields.raw("attributes", b"{}"),
    }
}

fn non_null_array(raw: Raw<'_>) -> &[u8] {
    if raw.elements().is_some() { raw.as_bytes() } else { b"[]" }
}

/// Appends one check result in compact form.
pub(super) fn push_check(out: &mut String, result: &CheckResult<'_>) {
    let mut fields = ObjectWriter::open(out);
    fields.text("object_kind", &result.object_kind);
    fields.text("config_addr", &result.config_addr);
    fields.text("status", known_status(&result.status));
    fields.name("objects");
    match &result.objects {
        None => fields.out.push_str("null"),
        Some(objects) => push_array(fields.out, objects.iter(), push_checked_object),
    }
    fields.close();
}

fn push_checked_object(out: &mut String, object: &CheckedObject<'_>) {
    let mut fields = ObjectWriter::open(out);
    fields.text("object_addr", &object.object_addr);
    fields.text("status", known_status(&object.status));
    if !object.failure_messages.is_empty() {
        fields.name("failure_messages");
        push_array(fields.out, object.failure_messages.iter(), |out, message| push_quoted(out, message));
    }
    fields.close();
}

fn known_status(status: &str) -> &str {
    if matches!(status, "pass" | "fail" | "error") { status } else { "unknown" }
}

pub(super) fn push_array<T>(
    out: &mut String,
    elements: impl Iterator<Item = T>,
    push: impl Fn(&mut String, T),
) {
    out.push('[');
    for (at, element) in elements.enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        push(out, element);
    }
    out.push(']');
}

/// Writes the members of an object one after another.
pub(super) struct ObjectWriter<'o> {
    pub(super) out: &'o mut String,
    is_empty: bool,
}

impl<'o> ObjectWriter<'o> {
    pub(super) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    pub(super) fn name(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        push_quoted(self.out, name);
        self.out.push(':');
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_quoted(self.out, text);
    }

    pub(super) fn raw(&mut self, name: &str, json: &[u8]) {
        self.name(name);
        compact(self.out, json);
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }
}
