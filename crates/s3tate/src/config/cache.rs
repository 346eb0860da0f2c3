//! The cache file that `terraform init` leaves in the data directory, and that stock commands read.
//!
//! `<data dir>/terraform.tfstate`, a JSON document with `version` 3 and `backend` {`type`, `config`, `hash`}.
//! `config` is block and options together, without the environment's part. Written as Terraform 1.11 writes it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::attributes::{ATTRIBUTES, Attribute, Kind, attribute};
use super::value::Value;
use super::{Argument, Arguments, Source, literal};
use crate::error::{Error, Result};

/// The release whose form of the file is written.
const WRITER: &str = "1.11.4";

/// What the cache file holds.
#[derive(Debug, Clone)]
pub struct Cache {
    /// The file.
    pub path: PathBuf,
    /// The backend's type, such as `s3`.
    pub kind: String,
    /// Its arguments; unset ones left out.
    pub arguments: Arguments,
    /// The hash of the block it was made from.
    pub hash: u64,
}

/// The file's place in a data directory.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("terraform.tfstate")
}

/// Reads the cache; `None` where there is no file, or it names no backend.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: the file can't be read or isn't what a Terraform release writes.
pub fn read(data_dir: &Path) -> Result<Option<Cache>> {
    let path = path(data_dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(&path).with_source(cause)),
    };
    let document: Json = serde_json::from_str(&text).map_err(|cause| unreadable(&path).with_source(cause))?;
    let backend = &document["backend"];
    let kind = backend["type"].as_str().unwrap_or_default();
    if kind.is_empty() {
        return Ok(None);
    }
    let hash = backend["hash"].as_u64().unwrap_or_default();
    // Only 0.11 and earlier, whose hashes have 64 bits, write unset attributes as empty texts.
    let empty_is_unset = u32::try_from(hash).is_err();
    let arguments = match kind {
        "s3" => arguments(&path, &backend["config"], empty_is_unset)?,
        _ => Arguments::default(),
    };
    Ok(Some(Cache { path, kind: kind.to_owned(), arguments, hash }))
}

fn unreadable(path: &Path) -> Error {
    Error::invalid(format!("can't read the cache `{}` of an earlier init", path.display()))
        .hint("`s3tate init -reconfigure` writes it anew")
}

/// Attributes this release doesn't know are left out.
fn arguments(path: &Path, config: &Json, empty_is_unset: bool) -> Result<Arguments> {
    let source = Source::Cache(path.to_owned());
    let members = config.as_object().into_iter().flatten();
    let unset = |json: &Json| json.is_null() || (empty_is_unset && *json == json!(""));
    let set = members.filter(|(name, json)| attribute(name).is_some() && !unset(json));
    let arguments = set.map(|(name, json)| {
        let value = literal::from_json(json);
        Argument { name: name.clone(), value, source: source.clone() }
    });
    Arguments::check(arguments.collect::<Vec<_>>(), Vec::new())
}

/// Writes the cache so that stock Terraform 1.11 needs no init; the file appears whole or not at all.
///
/// Mode 0600 where a secret is in it, as the file then holds it in clear, like Terraform's.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: the data directory can't be written; an earlier file is kept.
pub fn write(data_dir: &Path, arguments: &Arguments, hash: u32) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::invalid(format!("can't write `{}`", path(data_dir).display())).with_source(cause)
    };
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    let mut file =
        tempfile::Builder::new().prefix(".terraform.tfstate.").tempfile_in(data_dir).map_err(failed)?;
    file.write_all(document(arguments, hash).as_bytes()).map_err(failed)?;
    if !has_secret(arguments) {
        readable_by_all(file.as_file()).map_err(failed)?;
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path(data_dir)).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn readable_by_all(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Whether a secret is among the arguments, as one, as a member of one, or as a password in a URL.
pub fn has_secret(arguments: &Arguments) -> bool {
    let mut known = arguments.iter().filter_map(|(name, value, _)| Some((attribute(name)?, value)));
    known.any(|(attribute, value)| is_secret(attribute, value))
}

fn is_secret(attribute: &Attribute, value: &Value) -> bool {
    if let Kind::Object(members) = attribute.kind {
        let mut set = members.iter().filter_map(|member| Some((member, value.member(member.name)?)));
        return set.any(|(member, value)| is_secret(member, value));
    }
    let has_password = |text: &str| text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    attribute.secret || value.as_str().is_some_and(has_password)
}

fn document(arguments: &Arguments, hash: u32) -> String {
    // Only what is set: every release reads a missing attribute as unset, and none accepts one it doesn't know. What only
    // other releases know is written where it is set: without it, locks or a role would be forgotten.
    let config: Map<_, _> = ATTRIBUTES
        .iter()
        .filter_map(|attribute| Some((attribute, arguments.get(attribute.name)?)))
        .map(|(attribute, value)| (attribute.name.to_owned(), to_json(Some(value), attribute)))
        .collect();
    // serde_json sorts members by name, so the order of the outer ones is written out here.
    let config = indent(&serde_json::to_string_pretty(&config).unwrap_or_default(), "    ");
    let text = format!(
        "{{\n  \"version\": 3,\n  \"terraform_version\": \"{WRITER}\",\n  \"backend\": {{\n    \"type\": \"s3\",\n    \
         \"config\": {config},\n    \"hash\": {hash}\n  }}\n}}"
    );
    go_escapes(&text)
}

fn to_json(value: Option<&Value>, attribute: &Attribute) -> Json {
    match value {
        None | Some(Value::Null) => Json::Null,
        Some(Value::Bool(flag)) => json!(flag),
        Some(Value::Number(number)) => serde_json::from_str(number).unwrap_or_else(|_| json!(number)),
        Some(Value::String(text)) => json!(text),
        Some(Value::List(items)) => items.iter().map(|item| to_json(Some(item), attribute)).collect(),
        Some(Value::Map(members)) => match attribute.kind {
            Kind::Object(schema) => schema
                .iter()
                .filter_map(|member| Some((member, value.and_then(|value| value.member(member.name))?)))
                .map(|(member, value)| (member.name.to_owned(), to_json(Some(value), member)))
                .collect::<Map<_, _>>()
                .into(),
            _ => members.iter().map(|(name, item)| (name.clone(), to_json(Some(item), attribute))).collect(),
        },
    }
}

fn indent(text: &str, by: &str) -> String {
    text.replace('\n', &format!("\n{by}"))
}

/// Escapes what Go's JSON encoder escapes; none of these stands outside of texts in a JSON document.
pub(crate) fn go_escapes(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::directory;

    #[test]
    fn an_empty_text_counts_since_0_12() {
        for (hash, region) in [("14078910052157609033", None), ("372457309", Some(""))] {
            let text = format!(
                r#"{{"version": 3, "backend": {{"type": "s3", "config": {{"region": ""}}, "hash": {hash}}}}}"#
            );
            let cache = read(directory(&[("terraform.tfstate", &text)]).path()).unwrap().unwrap();
            assert_eq!(cache.arguments.get("region").and_then(Value::as_str), region);
            assert_eq!(cache.hash.to_string(), hash);
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = directory(&[]);
        let arguments = super::super::partial::read(
            &[
                "bucket=b<&>".to_owned(),
                "endpoints={s3=\"http://h\"}".to_owned(),
                "lock_table=t".to_owned(),
                "assume_role_duration_seconds=900".to_owned(),
                "state_tags={a=\"b\"}".to_owned(),
            ],
            dir.path(),
        )
        .unwrap();
        write(dir.path(), &arguments, 7).unwrap();
        let cache = read(dir.path()).unwrap().unwrap();
        assert!(cache.arguments.differences(&arguments).is_empty());
        assert_eq!(cache.hash, 7);
        let text = std::fs::read_to_string(path(dir.path())).unwrap();
        assert!(text.contains("\"bucket\": \"b\\u003c\\u0026\\u003e\""), "{text}");
        assert!(text.ends_with("    \"hash\": 7\n  }\n}"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_cache_with_a_secret_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let token = "assume_role_with_web_identity={web_identity_token=\"hush\"}";
        for (option, mode) in [
            ("secret_key=s", 0o600),
            (token, 0o600),
            ("https_proxy=http://dana:hush@proxy", 0o600),
            ("bucket=b", 0o644),
            ("assume_role_with_web_identity={role_arn=\"r\"}", 0o644),
        ] {
            let dir = directory(&[]);
            let arguments = super::super::partial::read(&[option.to_owned()], dir.path()).unwrap();
            write(dir.path(), &arguments, 1).unwrap();
            let found = std::fs::metadata(path(dir.path())).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{option}");
        }
    }

    #[test]
    fn no_file_and_no_backend_are_no_cache() {
        let dir = directory(&[]);
        assert!(read(dir.path()).unwrap().is_none());
        let dir = directory(&[("terraform.tfstate", r#"{"version": 3}"#)]);
        assert!(read(dir.path()).unwrap().is_none());
    }
}
