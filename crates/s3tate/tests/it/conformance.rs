//! Every rule of the stock backend has a test that carries its number, and the page that lists them is true.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The rules, in words; the first has number 1.
const RULES: [&str; 62] = [
    "the object holds exactly the bytes that were written, as `application/json`, and stock pulls it",
    "other workspaces' states lie at `env:/NAME/KEY`",
    "`workspace_key_prefix` may have slashes, or be empty",
    "a state that stock uploaded in parts is proven by all its bytes",
    "an object without a byte is no state",
    "an object that is no state is an error, and stays as it is",
    "a state that OpenTofu encrypted is locked and copied unchanged",
    "the digest item has `LockID` and `Digest` alone, the MD5 of the state",
    "a digest that disagrees is read again for 10 s, then both checksums are shown",
    "a digest that becomes right meanwhile ends the wait",
    "a digest without an object is refused, with the advice to remove it",
    "no digest, or a malformed one, checks nothing",
    "a digest that can't be put is an error that names item and value",
    "without a table nothing is sent to DynamoDB",
    "a write between reading and writing is never overwritten",
    "the lock record is stored as Go encodes it",
    "times are written as Go writes them",
    "stock shows who of s3tate holds the lock",
    "s3tate shows who of stock holds the lock",
    "a lock is asked for after 0, 1, 3, 7 s and so on",
    "waiting never exceeds its limit",
    "stock breaks a lock of s3tate's",
    "a wrong ID unlocks nothing",
    "a lock that was taken over is not removed by its former holder",
    "a lock whose reply was lost is recognised",
    "an unreadable lock is reported, and removed when asked",
    "the lock object is created once, holds the record, and is encrypted like the state",
    "lock objects exclude both ways",
    "a holder that is gone when it is looked up is waited through",
    "a write of the lock under way (409) is waited through",
    "with both locks the object comes first, and is given back where the item is held",
    "half of a double lock is unlocked, and the missing half named",
    "`-lock=false` sends no lock request, and keeps the digest",
    "workspaces are listed by their states alone",
    "all pages of a listing are read",
    "a denied listing means the default workspace alone, with the prefix `env:`",
    "names of workspaces are checked",
    "stock selects a workspace that s3tate created",
    "reading a missing workspace creates nothing",
    "a workspace with resources is deleted by force alone, with its digest and without a lock left",
    "the current and the default workspace are not deleted",
    "`TF_WORKSPACE` comes before the selected workspace",
    "caches of 0.11, 1.0 and 1.11 mean the same backend",
    "after `init` with a partial configuration stock needs no init",
    "of options the last one wins",
    "a region in the shared files does not count",
    "a named profile comes before the environment's keys, which come before `AWS_PROFILE`",
    "`max_retries` counts attempts",
    "old attributes are accepted, and their successors named",
    "encryption headers go with every request that needs them",
    "a customer's key without `encrypt` is refused",
    "path-style and virtual-host addresses",
    "older, rivalling and unrelated states are refused for their three reasons",
    "an identical push writes nothing",
    "the first push keeps its lineage",
    "a push is stored with the serial one above its own",
    "pulled bytes are the stored ones",
    "a plan that stock saved is stale after a write",
    "a write that stopped before its digest is recognised, and completed under lock",
    "an object that shrinks during a read gives one version",
    "an object that is overwritten during a read gives one version",
    "throttling is waited out, and loses no lock",
];

/// Tests by the number of the rule they show: file below `crates/`, and function.
type Tests = BTreeMap<usize, Vec<(String, String)>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("an entry").path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("target" | "fixtures") => {}
            _ if path.is_dir() => sources(&path, into),
            Some(name) if Path::new(name).extension().is_some_and(|extension| extension == "rs") => {
                into.push(path);
            }
            _ => {}
        }
    }
}

/// The numbers that a comment such as `Checks 46 to 50, 52 and 53: …` begins with.
fn numbers(comment: &str) -> Vec<usize> {
    let Some(rest) = comment.strip_prefix("Checks ").or_else(|| comment.strip_prefix("Check ")) else {
        return Vec::new();
    };
    let (mut found, mut is_range) = (Vec::new(), false);
    for word in rest.split(' ') {
        let number = word.trim_end_matches([',', '.', ':']).parse::<usize>();
        match (number, found.last()) {
            (Ok(number), Some(first)) if is_range => found.extend(first + 1..=number),
            (Ok(number), _) => found.push(number),
            (Err(_), _) if word == "and" || word == "to" => {}
            (Err(_), _) => break,
        }
        is_range = word == "to";
        if word.ends_with(['.', ':']) {
            break;
        }
    }
    found
}

fn tests() -> Tests {
    let mut files = Vec::new();
    sources(&repository().join("crates"), &mut files);
    files.sort();
    let mut tests = Tests::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        let name = file.strip_prefix(repository().join("crates")).expect("below it").display().to_string();
        let mut pending = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("/// ") {
                pending.extend(numbers(comment));
            } else if let Some((_, function)) = line.split_once("fn ") {
                let function = function.split('(').next().unwrap_or_default();
                for number in pending.drain(..) {
                    tests.entry(number).or_default().push((name.clone(), function.to_owned()));
                }
            }
        }
    }
    tests
}

fn page(tests: &Tests) -> String {
    let mut page = "# The stock backend's rules, and the tests that show them\n\n\
         What Terraform 1.11.4 was seen to do, rule by rule, or what s3tate does in its place. A test carries the number of its\n\
         rule in its comment; this page is made from those comments, and a test fails when it differs\n\
         (`CONFORMANCE_WRITE=true cargo test -p s3tate --test it conformance` writes it anew). Files are below `crates/`.\n\n\
         | rule | what holds | tests |\n|---|---|---|\n"
        .to_owned();
    for (number, rule) in (1..).zip(RULES) {
        let tests = tests.get(&number).into_iter().flatten();
        let tests: Vec<_> = tests.map(|(file, function)| format!("`{file}`: `{function}`")).collect();
        writeln!(page, "| {number} | {rule} | {} |", tests.join("; ")).expect("text grows");
    }
    page
}

#[test]
fn every_rule_has_a_test() {
    let tests = tests();
    let missing: Vec<_> = (1..=RULES.len()).filter(|number| !tests.contains_key(number)).collect();
    assert_eq!(missing, [0_usize; 0], "rules without a test that carries their number");
    let unknown: Vec<_> = tests.keys().filter(|number| **number == 0 || **number > RULES.len()).collect();
    assert!(unknown.is_empty(), "no rules have these numbers: {unknown:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the page with it")]
fn the_page_lists_the_tests_there_are() {
    let (path, page) = (repository().join("docs/reference/conformance.md"), page(&tests()));
    if std::env::var_os("CONFORMANCE_WRITE").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "write it anew with CONFORMANCE_WRITE=true");
}

#[test]
fn numbers_are_read_from_comments() {
    assert_eq!(numbers("Check 9."), [9]);
    assert_eq!(numbers("Checks 46 to 50, 52 and 53: all of them"), [46, 47, 48, 49, 50, 52, 53]);
    assert_eq!(numbers("Check 44, with keys: 12 of them"), [44]);
    assert_eq!(numbers("Checked 5"), [0_usize; 0]);
}
