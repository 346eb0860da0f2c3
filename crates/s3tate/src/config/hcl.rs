//! Backend blocks in a directory's `*.tf`, `*.tofu` and `*.tf.json` files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use super::json::Document;
use super::literal;
use super::value::Value;
use super::{Argument, Place, Source};
use crate::error::{Error, Result};
use crate::problem::Problem;

/// A `backend "TYPE" { … }` block as it stands in a file, values not yet converted.
#[derive(Debug, Clone)]
pub struct BackendBlock {
    /// The label: `s3` for the one we know.
    pub kind: String,
    /// Where it stands.
    pub place: Place,
    /// Its arguments in order.
    pub arguments: Vec<Argument>,
    /// What is wrong with the others.
    pub problems: Vec<Problem>,
}

/// Finds the backend block of a directory; `None` where there is none.
///
/// Files are chosen as Terraform and OpenTofu do: `NAME.tofu` stands in for `NAME.tf`, hidden files and editor
/// backups are left out, a block in an override file replaces the one it overrides.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: a file can't be read or parsed, or several blocks stand side by side.
pub fn find_backend(directory: &Path) -> Result<Option<BackendBlock>> {
    find_backend_with(directory, &|_, expression| literal::evaluate(expression))
}

/// How the value of an argument in a file is worked out.
pub(super) type Evaluate<'a> = &'a dyn Fn(&Path, &Expression) -> Result<Value, String>;

/// As [`find_backend`], with other rules for what a value may be.
pub(super) fn find_backend_with(directory: &Path, evaluate: Evaluate<'_>) -> Result<Option<BackendBlock>> {
    let mut normal = Vec::new();
    let mut overriding = Vec::new();
    let mut cloud = None;
    for file in configuration_files(directory)? {
        let found = read_file(&file, evaluate)?;
        cloud = cloud.or(found.cloud);
        if is_override(&file) { overriding.extend(found.backends) } else { normal.extend(found.backends) }
    }
    if let [first, second, ..] = normal.as_slice() {
        return Err(two_blocks(first, second));
    }
    let block = overriding.pop().or_else(|| normal.pop());
    match (cloud, block) {
        (Some(cloud), Some(block)) => Err(beside_cloud(cloud, &block)),
        (_, block) => Ok(block),
    }
}

/// Neither Terraform nor OpenTofu takes both, and the state would be looked for in two places.
fn beside_cloud(cloud: Place, block: &BackendBlock) -> Error {
    Problem::new("a configuration can have a `cloud` block or a backend, this one has both")
        .why(format!("the backend is in {}", block.place))
        .hint("remove one of them, or name a state: `-state=s3://BUCKET/KEY`")
        .at_place(cloud)
        .into()
}

fn two_blocks(first: &BackendBlock, second: &BackendBlock) -> Error {
    Problem::new("a configuration can have one backend block, this one has two")
        .why(format!("the other is in {}", first.place))
        .hint("remove one of them")
        .at_place(second.place.clone())
        .into()
}

pub(crate) fn configuration_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |cause: std::io::Error| {
        Error::invalid(format!("can't list the directory `{}`", directory.display())).with_source(cause)
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        names.extend(entry.map_err(unreadable)?.file_name().into_string());
    }
    names.sort();
    let replaced = |name: &String| {
        let twin = match name.strip_suffix(".tf") {
            Some(stem) => Some(format!("{stem}.tofu")),
            None => name.strip_suffix(".tf.json").map(|stem| format!("{stem}.tofu.json")),
        };
        twin.is_some_and(|twin| names.binary_search(&twin).is_ok())
    };
    Ok(names
        .iter()
        .filter(|name| is_configuration(name) && !replaced(name))
        .map(|name| if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) })
        .collect())
}

fn is_configuration(name: &str) -> bool {
    let backup =
        name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
    let suffixes = [".tf", ".tofu", ".tf.json", ".tofu.json"];
    !backup && suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// Whether what stands in a file is laid over what stands in others.
pub(crate) fn is_override(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    stem == "override" || stem.ends_with("_override")
}

/// What a file says about where state is kept.
struct Found {
    backends: Vec<BackendBlock>,
    cloud: Option<Place>,
}

fn read_file(file: &Path, evaluate: Evaluate<'_>) -> Result<Found> {
    let text = read_text(file)?;
    if file.extension().is_some_and(|extension| extension == "json") {
        let document = Document::parse(file, &text)?;
        return Ok(Found { backends: document.backend_blocks()?, cloud: document.cloud_block() });
    }
    let body = parse_body(file, &text)?;
    let within = |name| body.get_blocks("terraform").flat_map(move |block| block.body.get_blocks(name));
    let cloud = within("cloud").next();
    let backends = within("backend").map(|block| backend_block(file, &text, block, evaluate));
    Ok(Found {
        backends: backends.collect::<Result<_>>()?,
        cloud: cloud.map(|block| Place::new(file, &text, block.ident.span().unwrap_or_default())),
    })
}

/// The text of a file, without the mark that some editors put before it.
pub(crate) fn read_text(file: &Path) -> Result<Arc<str>> {
    let text = std::fs::read_to_string(file).map_err(|cause| {
        Error::invalid(format!("can't read `{}`; nothing was done", file.display())).with_source(cause)
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
}

/// Parses a file of attributes or blocks, also one whose argument names are in quotes, as up to Terraform 0.11.
pub(crate) fn parse_body(file: &Path, text: &Arc<str>) -> Result<Body> {
    let parsed: std::result::Result<Body, _> = text.parse();
    let parsed = parsed.or_else(|error| unquoted(text).parse().map_err(|_| error));
    parsed.map_err(|error: hcl_edit::parser::Error| {
        let at = error.location().offset();
        let place = Place::new(file, text, at..at + 1);
        Problem::new(format!("{place} is not valid HCL")).why(error.message()).at_place(place).into()
    })
}

/// The same text with spaces in place of the quotes around names at the beginning of lines, so that places stay.
fn unquoted(text: &str) -> String {
    let unquote = |line: &str| {
        let rest = line.trim_start().strip_prefix('"')?;
        let (name, after) = rest.split_once('"')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let indent = &line[..line.len() - rest.len() - 1];
        let is_argument = after.trim_start().starts_with(['=', '{']);
        (is_name && is_argument).then(|| format!("{indent} {name} {after}"))
    };
    text.split_inclusive('\n').map(|line| unquote(line).unwrap_or_else(|| line.to_owned())).collect()
}

fn backend_block(
    file: &Path,
    text: &Arc<str>,
    block: &Block,
    evaluate: Evaluate<'_>,
) -> Result<BackendBlock> {
    let start = block.span().map_or(0, |span| span.start);
    let head = text[start..].find('{').map_or(text.len(), |length| start + length);
    let place = Place::new(file, text, start..text[..head].trim_end().len());
    let [label] = block.labels.as_slice() else {
        return Err(Problem::new(format!("the backend block in {place} needs one label"))
            .hint("write `backend \"s3\" { … }`")
            .at_place(place)
            .into());
    };
    let (arguments, problems) = body_arguments(file, text, &block.body, evaluate);
    Ok(BackendBlock { kind: label.as_str().to_owned(), place, arguments, problems })
}

/// The attributes of a body as arguments, in order, and what is wrong: values that are no literals, nested blocks.
pub(super) fn body_arguments(
    file: &Path,
    text: &Arc<str>,
    body: &Body,
    evaluate: Evaluate<'_>,
) -> (Vec<Argument>, Vec<Problem>) {
    let mut problems: Vec<_> = body.blocks().map(|block| nested_block(file, text, block)).collect();
    let mut arguments = Vec::new();
    for attribute in body.attributes() {
        let source = Source::File(Place::new(file, text, attribute.span().unwrap_or_default()));
        let name = attribute.key.as_str().to_owned();
        match evaluate(file, &attribute.value) {
            Ok(value) => arguments.push(Argument { name, value, source }),
            Err(why) => problems.push(refused(&name, &source, &why)),
        }
    }
    (arguments, problems)
}

fn nested_block(file: &Path, text: &Arc<str>, block: &Block) -> Problem {
    let place = Place::new(file, text, block.ident.span().unwrap_or_default());
    let name = block.ident.as_str();
    Problem::new(format!("block `{name}` in {place} is not expected there"))
        .hint(format!("write `{name} = {{ … }}`"))
        .at_place(place)
}

/// The problem of an argument whose expression is not a literal.
pub(super) fn refused(name: &str, source: &Source, why: &str) -> Problem {
    Problem::new(format!("argument `{name}` in {source} is not a literal"))
        .why(why)
        .hint("give the value itself, or leave the argument out and pass it with `-backend-config`")
        .at(source)
}

/// Shorthand for tests and the JSON reader.
pub(super) fn argument(name: &str, value: Value, source: Source) -> Argument {
    Argument { name: name.to_owned(), value, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::directory;

    #[test]
    fn a_block_is_found_with_lines() {
        let dir = directory(&[(
            "main.tf",
            "\u{feff}# c\nterraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    encrypt = true\n  }\n}\n",
        )]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert_eq!((block.kind.as_str(), block.place.line(), block.place.column()), ("s3", 3, 3));
        assert_eq!(
            block.arguments[1].source.to_string(),
            format!("{}:5", dir.path().join("main.tf").display())
        );
    }

    #[test]
    fn quotes_around_names_are_those_of_old() {
        let old = "terraform {\n  backend \"s3\" {\n    \"bucket\"= \"b\" # \"c\"\n    \"assume_role\" = {\n      \"role_arn\" = \"r\"\n    }\n    \"bad name\" = 1\n  }\n}\n";
        let dir = directory(&[("main.tf", old)]);
        assert!(
            find_backend(dir.path()).unwrap_err().to_string().contains("main.tf:3"),
            "a name with a space"
        );
        let dir = directory(&[("main.tf", &old.replace("\"bad name\"", "\"key\""))]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        let names: Vec<_> = block.arguments.iter().map(|argument| argument.name.as_str()).collect();
        assert_eq!(names, ["bucket", "assume_role", "key"]);
        assert_eq!(block.arguments[0].value, Value::String("b".into()));
        assert_eq!(block.arguments[1].value.member("role_arn"), Some(&Value::String("r".into())));
    }

    #[test]
    fn two_blocks_are_refused_but_overrides_replace() {
        let block = "terraform {\n  backend \"s3\" {\n    key = \"K\"\n  }\n}\n";
        let dir = directory(&[("a.tf", block), ("b.tf", block)]);
        assert!(find_backend(dir.path()).unwrap_err().to_string().contains("has two"));
        let dir = directory(&[("a.tf", block), ("b_override.tf", &block.replace('K', "other"))]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert_eq!(block.arguments[0].value, Value::String("other".into()));
    }

    #[test]
    fn a_cloud_block_beside_it_is_refused() {
        let block = "terraform {\n  backend \"s3\" {}\n}\n";
        for (name, cloud) in
            [("c.tf", "terraform {\n  cloud {}\n}\n"), ("c.tf.json", r#"{"terraform": {"cloud": {}}}"#)]
        {
            let dir = directory(&[("main.tf", block), (name, cloud)]);
            let error = find_backend(dir.path()).unwrap_err();
            assert!(error.to_string().contains("`cloud`"), "{error}");
            assert!(find_backend(directory(&[(name, cloud)]).path()).unwrap().is_none());
        }
    }

    #[test]
    fn a_tofu_file_stands_in_for_its_tf_twin() {
        let block = "terraform {\n  backend \"s3\" {\n    key = \"K\"\n  }\n}\n";
        let dir = directory(&[("main.tf", block), ("main.tofu", &block.replace('K', "tofu"))]);
        let found = find_backend(dir.path()).unwrap().unwrap();
        assert_eq!(found.arguments[0].value, Value::String("tofu".into()));
    }

    #[test]
    fn errors_name_file_and_line() {
        let dir = directory(&[("main.tf", "terraform {\n  backend \"s3\" {\n    key = var.k\n  }\n}\n")]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert!(block.problems[0].message.contains("main.tf:3"), "{:?}", block.problems);
        let dir = directory(&[("main.tf", "terraform {\n  backend \"s3\"\n")]);
        assert!(find_backend(dir.path()).unwrap_err().to_string().contains("main.tf:2"));
    }
}
