//! Backend blocks in Terraform's JSON syntax.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::hcl::{BackendBlock, argument};
use super::{Argument, Place, Source, literal};
use crate::error::{Error, Result};
use crate::problem::Problem;

/// The backend blocks of a `*.tf.json` document: `{"terraform": {"backend": {"s3": {…}}}}`, any level of which
/// may also be an array.
pub(super) fn backend_blocks(file: &Path, text: &Arc<str>) -> Result<Vec<BackendBlock>> {
    let document = parse(file, text)?;
    let backends = each(document.get("terraform")).flat_map(|terraform| each(terraform.get("backend")));
    let labelled = backends.filter_map(Json::as_object).flatten();
    let mut blocks = Vec::new();
    for (kind, bodies) in labelled {
        for body in each(Some(bodies)) {
            let place = member(file, text, kind);
            let arguments = arguments(file, text, body)?;
            blocks.push(BackendBlock { kind: kind.clone(), place, arguments, problems: Vec::new() });
        }
    }
    Ok(blocks)
}

/// Parses a JSON document.
pub(super) fn parse(file: &Path, text: &Arc<str>) -> Result<Json> {
    serde_json::from_str(text).map_err(|cause| {
        let line_start =
            text.lines().take(cause.line().saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>();
        let at = line_start + cause.column().saturating_sub(1);
        let place = Place::new(file, text, at..at + 1);
        Problem::new(format!("{place} is not valid JSON")).why(cause.to_string()).at_place(place).into()
    })
}

/// The members of an object as arguments; members called `//` are comments.
pub(super) fn arguments(file: &Path, text: &Arc<str>, body: &Json) -> Result<Vec<Argument>> {
    let Some(members) = body.as_object() else {
        return Err(Error::invalid(format!("`{}` needs an object of backend arguments", file.display())));
    };
    let members = members.iter().filter(|(name, _)| *name != "//");
    let arguments = members
        .map(|(name, json)| argument(name, literal::from_json(json), Source::File(member(file, text, name))));
    Ok(arguments.collect())
}

/// Where a member's name stands; the parser doesn't say, so it is the last time that it is spelt out.
fn member(file: &Path, text: &Arc<str>, name: &str) -> Place {
    let quoted = format!("\"{name}\"");
    let start = text.rfind(&quoted).unwrap_or_default();
    Place::new(file, text, start..start + quoted.len())
}

fn each(json: Option<&Json>) -> impl Iterator<Item = &Json> {
    let items = match json {
        Some(Json::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter()
}

#[cfg(test)]
mod tests {
    use super::super::hcl::find_backend;
    use crate::config::testing::directory;
    use crate::config::value::Value;

    #[test]
    fn json_blocks_are_found_in_objects_and_arrays() {
        for text in [
            r#"{"terraform":{"backend":{"s3":{"//":"note","bucket":"b"}}}}"#,
            r#"{"terraform":[{"backend":[{"s3":[{"bucket":"b"}]}]}]}"#,
        ] {
            let dir = directory(&[("main.tf.json", text)]);
            let block = find_backend(dir.path()).unwrap().unwrap();
            assert_eq!(block.kind, "s3");
            assert_eq!(block.arguments.len(), 1);
            assert_eq!(block.arguments[0].value, Value::String("b".into()));
        }
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let dir = directory(&[("m.tf.json", r#"{"terraform":{"backend":{"s3":{"key":"${var.k}"}}}}"#)]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert_eq!(block.arguments[0].value, Value::String("${var.k}".into()));
    }
}
