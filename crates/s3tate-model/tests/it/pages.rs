//! The pages about the model and about weaknesses name code and tests that are there.

use std::path::{Path, PathBuf};

use s3tate_model::Request;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    let path = root().join("docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root().join("crates"), &mut files);
    assert!(files.len() > 100, "the sources were not found");
    files
}

fn collect(directory: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
        }
    }
}

/// Every function that a line names, with the end of its file's path: `` `path.rs`: `name`, `name` ``.
fn named(line: &str) -> Vec<(String, String)> {
    let quoted: Vec<&str> = line.split('`').collect();
    let mut found = Vec::new();
    let mut file = None;
    for (between, text) in quoted.chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))) {
        if Path::new(text).extension().is_some_and(|extension| extension == "rs") {
            file = Some(text);
        } else if [": ", ", "].contains(&between)
            && let Some(file) = file
        {
            found.push((file.to_owned(), text.to_owned()));
        } else {
            file = None;
        }
    }
    found
}

fn is_there(sources: &[(String, String)], file: &str, function: &str) -> bool {
    let starts = [format!("fn {function}("), format!("fn {function}<")];
    let ends = format!("/{file}");
    sources
        .iter()
        .any(|(path, text)| path.ends_with(&ends) && starts.iter().any(|start| text.contains(start.as_str())))
}

/// How many functions a page names, all of which exist.
#[track_caller]
fn names_what_is_there(page: &str) -> usize {
    let sources = sources();
    let named: Vec<_> = page.lines().flat_map(named).collect();
    let missing: Vec<_> =
        named.iter().filter(|(file, function)| !is_there(&sources, file, function)).collect();
    assert!(missing.is_empty(), "not in the sources: {missing:?}");
    named.len()
}

#[test]
fn every_step_has_its_code_and_its_test() {
    let page = page("model.md");
    assert!(names_what_is_there(&page) > 40, "the page was not understood");
    for request in Request::S3TATE {
        let debug = format!("{request:?}");
        let name = debug.split('(').next().unwrap_or_default();
        let row = page.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let functions = named(row);
        let is_test = |(file, _): &&(String, String)| file.starts_with("tests/");
        assert!(functions.iter().any(|function| !is_test(&function)), "{name} has no code");
        assert!(functions.iter().any(|function| is_test(&function)), "{name} has no test");
    }
}

#[test]
fn a_name_that_is_not_there_is_noticed() {
    let line = "| x | `lock/locks.rs`: `acquire`, `no_such`; and `other` |";
    let found = named(line);
    assert_eq!(found.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["acquire", "no_such"]);
    let sources = sources();
    assert!(is_there(&sources, "lock/locks.rs", "acquire"));
    assert!(!is_there(&sources, "lock/locks.rs", "no_such"));
}

#[test]
fn every_weakness_has_a_test() {
    let page = page("weaknesses.md");
    assert!(names_what_is_there(&page) > 30, "the page was not understood");
    for number in 1..=32 {
        let start = format!("| W{number} |");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
        assert_eq!(rows.len(), 1, "W{number}");
        assert!(!named(rows[0]).is_empty(), "W{number} has no test");
    }
}
