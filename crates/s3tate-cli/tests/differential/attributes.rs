//! The page that names, for every attribute, the test that shows its effect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use s3tate::config::attributes::{ATTRIBUTES, Kind};

use crate::cases;
use crate::deviations::DEVIATIONS;

const PAGE: &str = "../../docs/reference/attribute-tests.md";

/// Attributes and members, as the page names them.
fn names() -> BTreeSet<String> {
    let with_members = ATTRIBUTES.iter().flat_map(|attribute| {
        let members = match attribute.kind {
            Kind::Object(members) => members,
            _ => &[],
        };
        let members = members.iter().map(|member| format!("{}.{}", attribute.name, member.name));
        std::iter::once(attribute.name.to_owned()).chain(members)
    });
    with_members.collect()
}

/// The page's rows: attribute, and test.
fn rows(page: &str) -> BTreeMap<String, String> {
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let cells: Vec<_> = line.split(" | ").collect();
        let bare = |cell: &str| cell.trim_matches(['|', ' ', '`']).to_owned();
        (bare(cells[0]), bare(cells[cells.len() - 1]))
    });
    rows.collect()
}

/// What is wrong with the name of a test; `None` if it is there, and shows what it should.
fn missing(test: &str) -> Option<String> {
    let Some((file, name)) = test.split_once(": ") else { return Some("names no test".to_owned()) };
    if file == "differential" {
        let is_there = cases::all().iter().any(|case| case.name == name);
        let deviates = DEVIATIONS.iter().any(|deviation| deviation.cases.contains(&name));
        return (!is_there || deviates).then(|| format!("`{name}` is no configuration that agrees"));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let (before, _) = text.split_once(&format!("fn {name}(")).unwrap_or_default();
    let is_test = before.rsplit("\n\n").next().is_some_and(|above| above.contains("test]"));
    (!is_test).then(|| format!("there is no test `{name}` in `{file}`"))
}

#[test]
fn every_attribute_has_a_test_of_its_effect() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let rows = rows(&std::fs::read_to_string(&path).unwrap_or_default());
    let named: BTreeSet<_> = rows.keys().cloned().collect();
    let lacking: Vec<_> = names().difference(&named).cloned().collect();
    assert!(lacking.is_empty(), "no row in {}: {lacking:?}", path.display());
    let unknown: Vec<_> = named.difference(&names()).cloned().collect();
    assert!(unknown.is_empty(), "no attribute, but a row: {unknown:?}");
    let wrong: Vec<_> =
        rows.iter().filter_map(|(name, test)| Some(format!("`{name}`: {}", missing(test)?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let own = "s3tate-cli/tests/differential/attributes.rs: a_test_that_is_not_there_is_noticed";
    assert_eq!(missing(own), None);
    assert_eq!(missing("differential: key with folders"), None);
    for test in [
        "s3tate-cli/tests/differential/attributes.rs: missing",
        "s3tate-cli/tests/nowhere.rs: a_test_that_is_not_there_is_noticed",
        "differential: no such configuration",
        "differential: null in a set",
        "nothing",
    ] {
        assert!(missing(test).is_some(), "{test}");
    }
    assert_eq!(rows("| `a.b` | does `this` | `f.rs: t` |\n")["a.b"], "f.rs: t");
}
