//! The samples, from the testkit's folder.

use std::path::{Path, PathBuf};

/// The samples in format 4 with outputs, by folder.
pub(super) const WITH_OUTPUTS: [&str; 8] = [
    "v4-0.15.0-shapes",
    "v4-1.0.3-modules",
    "v4-1.0.3-shapes",
    "v4-1.11.4-nulls",
    "v4-1.11.4-optional-attributes",
    "v4-1.11.4-resources",
    "v4-1.11.4-shapes",
    "v4-1.11.4-text",
];

pub(super) fn path(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../s3tate-testkit/fixtures/states")).join(name)
}

pub(super) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(super) fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).expect("samples are UTF-8")
}

/// The state of a folder.
pub(super) fn state(folder: &str) -> Vec<u8> {
    bytes(&format!("{folder}/terraform.tfstate"))
}

/// A format 4 state with one output `a`.
pub(super) fn one_output(ty: &str, value: &str) -> Vec<u8> {
    format!(r#"{{"version":4,"outputs":{{"a":{{"type":{ty},"value":{value}}}}}}}"#).into_bytes()
}
