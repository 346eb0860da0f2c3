//! Writing format 4 as Terraform does, byte for byte.

use super::content::{push_check, push_outputs, push_resources};
use super::json::{Member, TopLevel, indented, push_quoted, same_name};
use super::{StateError, StateFile, header};

/// A state without outputs and resources, as Terraform 1.3 and later write it.
pub fn empty_state(terraform_version: &str, serial: u64, lineage: &str) -> Vec<u8> {
    let mut compact = header_text(terraform_version, serial, lineage);
    compact.push_str(",\"outputs\":{},\"resources\":[],\"check_results\":null}");
    laid_out(&compact)
}

/// A whole state as Terraform `terraform_version` would write it after reading `bytes`; `None` if there are none.
///
/// Unknown fields are dropped, values and order brought into Terraform's form; serial and lineage stay. Whether
/// `check_results` and the identity fields are there stays as well, since it depends on the writer's version.
///
/// # Errors
/// Those of reading the state in full.
pub fn normalize(bytes: &[u8], terraform_version: &str) -> Result<Option<Vec<u8>>, StateError> {
    let Some(state) = StateFile::parse(bytes)? else { return Ok(None) };
    let mut compact = header_text(terraform_version, state.header.serial, &state.header.lineage);
    compact.push_str(",\"outputs\":");
    push_outputs(&mut compact, &state.outputs()?);
    compact.push_str(",\"resources\":");
    push_resources(&mut compact, &state)?;
    let results = state.check_results()?;
    if results.is_empty() && state.has_check_results() {
        compact.push_str(",\"check_results\":null");
    }
    for (at, result) in results.iter().enumerate() {
        compact.push_str(if at == 0 { ",\"check_results\":[" } else { "," });
        push_check(&mut compact, result);
    }
    compact.push_str(if results.is_empty() { "}" } else { "]}" });
    Ok(Some(laid_out(&compact)))
}

/// The beginning of a state in compact form, up to and including `lineage`.
fn header_text(terraform_version: &str, serial: u64, lineage: &str) -> String {
    let (mut writer, mut quoted) = (String::new(), String::new());
    push_quoted(&mut writer, terraform_version);
    push_quoted(&mut quoted, lineage);
    format!("{{\"version\":4,\"terraform_version\":{writer},\"serial\":{serial},\"lineage\":{quoted}")
}

fn laid_out(compact: &str) -> Vec<u8> {
    let mut text = indented(compact);
    text.push('\n');
    text.into_bytes()
}

/// The same document with another serial and, unless `None`, another lineage; every other byte stays.
///
/// Works on any layout and on formats 1 to 4. Where a field stands twice, the last one is changed, which is the one that
/// readers take. A missing field is added behind the other header fields, spaced like its neighbour.
///
/// # Errors
/// Those of reading the header; [`StateError::NoVersion`] if there are no bytes.
pub fn with_header(bytes: &[u8], serial: u64, lineage: Option<&str>) -> Result<Vec<u8>, StateError> {
    let (_, document) = header::open(bytes)?.ok_or(StateError::NoVersion)?;
    let mut edits = Edits { bytes, document: &document, changes: Vec::new() };
    edits.set("serial", &["terraform_version", "version"], serial.to_string());
    if let Some(lineage) = lineage {
        let mut quoted = String::new();
        push_quoted(&mut quoted, lineage);
        edits.set("lineage", &["serial", "terraform_version", "version"], quoted);
    }
    Ok(edits.apply())
}

/// The same document with other values for these fields, given as JSON; every other byte stays.
///
/// A missing field is added behind `version`.
///
/// # Errors
/// Those of reading the header; [`StateError::NoVersion`] if there are no bytes.
pub(super) fn with_fields(bytes: &[u8], fields: &[(&str, &str)]) -> Result<Vec<u8>, StateError> {
    let (_, document) = header::open(bytes)?.ok_or(StateError::NoVersion)?;
    let mut edits = Edits { bytes, document: &document, changes: Vec::new() };
    for (name, json) in fields {
        edits.set(name, &["version"], (*json).to_owned());
    }
    Ok(edits.apply())
}

/// Replacements in a document, by their place in it.
struct Edits<'a> {
    bytes: &'a [u8],
    document: &'a TopLevel<'a>,
    changes: Vec<(std::ops::Range<usize>, Vec<u8>)>,
}

impl Edits<'_> {
    /// Gives the field `name` the value `json`; adds it behind the first of `neighbours` that exists.
    fn set(&mut self, name: &str, neighbours: &[&str], json: String) {
        if let Some(member) = self.last(name) {
            self.changes.push((member.value.clone(), json.into_bytes()));
        } else if let Some(neighbour) = neighbours.iter().find_map(|name| self.last(name)) {
            let end = neighbour.value.end;
            let mut added = b",".to_vec();
            added.extend_from_slice(self.space_before(neighbour));
            added.extend_from_slice(format!("\"{name}\"").as_bytes());
            added.extend_from_slice(&self.bytes[neighbour.key.end..neighbour.value.start]);
            added.extend_from_slice(json.as_bytes());
            self.changes.push((end..end, added));
        }
    }

    /// The last member of this name.
    fn last(&self, name: &str) -> Option<&Member> {
        let document = self.document;
        let mut named = document.members.iter().filter(|member| same_name(&document.key(member), name));
        named.next_back()
    }

    /// The white space in front of a member's key.
    fn space_before(&self, member: &Member) -> &[u8] {
        let before = &self.bytes[..member.key.start];
        &before[before.trim_ascii_end().len()..]
    }

    fn apply(mut self) -> Vec<u8> {
        // Stable, so that two additions at one place keep their order.
        self.changes.sort_by_key(|(range, _)| range.start);
        let mut out = Vec::with_capacity(self.bytes.len() + 64);
        let mut done = 0;
        for (range, new) in self.changes {
            out.extend_from_slice(&self.bytes[done..range.start]);
            out.extend_from_slice(&new);
            done = range.end;
        }
        out.extend_from_slice(&self.bytes[done..]);
        out
    }
}
