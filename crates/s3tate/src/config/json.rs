//! Backend blocks in Terraform's JSON syntax.

use std::path::Path;

use serde_json::Value as Json;

use super::hcl::{BackendBlock, argument, refused};
use super::{Argument, Source, literal};
use crate::error::{Error, Result};

/// The backend blocks of a `*.tf.json` document: `{"terraform": {"backend": {"s3": {…}}}}`, any level of which
/// may also be an array.
pub(super) fn backend_blocks(file: &Path, text: &str) -> Result<Vec<BackendBlock>> {
    let document = parse(file, text)?;
    let backends = each(document.get("terraform")).flat_map(|terraform| each(terraform.get("backend")));
    let labelled = backends.filter_map(Json::as_object).flatten();
    let mut blocks = Vec::new();
    for (kind, bodies) in labelled {
        for body in each(Some(bodies)) {
            let arguments = arguments(file, body)?;
            blocks.push(BackendBlock { kind: kind.clone(), file: file.to_owned(), line: 1, arguments });
        }
    }
    Ok(blocks)
}

/// Parses a JSON document.
pub(super) fn parse(file: &Path, text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|cause| {
        Error::invalid(format!("`{}` is not valid JSON; nothing was done", file.display())).with_source(cause)
    })
}

/// The members of an object as arguments; members called `//` are comments.
pub(super) fn arguments(file: &Path, body: &Json) -> Result<Vec<Argument>> {
    let Some(members) = body.as_object() else {
        return Err(Error::invalid(format!("`{}` needs an object of backend arguments", file.display())));
    };
    let source = Source::File { path: file.to_owned(), line: 1 };
    let members = members.iter().filter(|(name, _)| *name != "//");
    members
        .map(|(name, json)| {
            let value = literal::from_json(json).map_err(|why| refused(name, &source, &why))?;
            Ok(argument(name, value, source.clone()))
        })
        .collect()
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
    fn interpolations_are_refused() {
        let dir = directory(&[("m.tf.json", r#"{"terraform":{"backend":{"s3":{"key":"${var.k}"}}}}"#)]);
        assert!(find_backend(dir.path()).is_err());
    }
}
