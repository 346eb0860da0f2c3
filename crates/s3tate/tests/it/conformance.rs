//! Every rule of the stock backend and of the plugin protocol has a test that carries its number, and the pages that list
//! them are true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::http_rules;
use crate::provider_rules;

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
type Tests = BTreeMap<String, Vec<(String, String)>>;

/// A page that lists rules with their tests.
struct Page {
    path: &'static str,
    head: &'static str,
    rules: Vec<(String, &'static str)>,
}

fn pages() -> [Page; 3] {
    let stock = (1..).zip(RULES).map(|(number, rule): (usize, _)| (number.to_string(), rule));
    let server = http_rules::RULES.iter().map(|(number, rule)| ((*number).to_owned(), *rule));
    let provider = provider_rules::RULES.iter().map(|(number, rule)| ((*number).to_owned(), *rule));
    [
        Page {
            path: "docs/reference/conformance.md",
            head: "# The stock backend's rules, and the tests that show them\n\n\
                What Terraform 1.11.4 was seen to do, rule by rule, or what s3tate does in its place.",
            rules: stock.collect(),
        },
        Page {
            path: "docs/reference/provider-conformance.md",
            head: "# What clients ask of a provider, and the tests that show it\n\n\
                What Terraform 1.11.4 was seen to need, rule by rule; what needs a later one was read in its protocol.",
            rules: provider.collect(),
        },
        Page {
            path: "docs/reference/http-conformance.md",
            head: "# What clients of `backend \"http\"` need of a server, and the tests that show it\n\n\
                What Terraform 1.11.4 was seen to send and to accept, rule by rule. Numbers that are left out have no test yet.",
            rules: server.collect(),
        },
    ]
}

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

/// The numbers that a comment such as `Checks 46 to 50, 52 and 53: …` begins with; letters may stand before the digits.
fn numbers(comment: &str) -> Vec<String> {
    let Some(rest) = comment.strip_prefix("Checks ").or_else(|| comment.strip_prefix("Check ")) else {
        return Vec::new();
    };
    let (mut found, mut is_range) = (Vec::<(&str, usize)>::new(), false);
    for word in rest.split(' ') {
        match (number(word.trim_end_matches([',', '.', ':'])), found.last().copied()) {
            (Some((_, last)), Some((letters, first))) if is_range => {
                found.extend((first + 1..=last).map(|number| (letters, number)));
            }
            (Some(number), _) => found.push(number),
            (None, _) if word == "and" || word == "to" => {}
            (None, _) => break,
        }
        is_range = word == "to";
        if word.ends_with(['.', ':']) {
            break;
        }
    }
    found.into_iter().map(|(letters, number)| format!("{letters}{number}")).collect()
}

fn number(word: &str) -> Option<(&str, usize)> {
    let (letters, digits) = word.split_at(word.find(|letter: char| letter.is_ascii_digit())?);
    let is_number = letters.chars().all(|letter| letter.is_ascii_uppercase());
    Some((letters, digits.parse().ok()?)).filter(|_| is_number)
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

fn text_of(page: &Page, tests: &Tests) -> String {
    let mut text = format!(
        "{} A test carries the number of its\n\
         rule in its comment; this page is made from those comments, and a test fails when it differs\n\
         (`CONFORMANCE_WRITE=true cargo test -p s3tate --test it conformance` writes it anew). Files are below `crates/`.\n\n\
         | rule | what holds | tests |\n|---|---|---|\n",
        page.head
    );
    for (number, rule) in &page.rules {
        let tests = tests.get(number).into_iter().flatten();
        let tests: Vec<_> = tests.map(|(file, function)| format!("`{file}`: `{function}`")).collect();
        writeln!(text, "| {number} | {rule} | {} |", tests.join("; ")).expect("text grows");
    }
    text
}

#[test]
fn every_rule_has_a_test() {
    let tests = tests();
    let rules: Vec<_> = pages().into_iter().flat_map(|page| page.rules).map(|(number, _)| number).collect();
    let missing: Vec<_> = rules.iter().filter(|number| !tests.contains_key(*number)).collect();
    assert_eq!(missing, [""; 0], "rules without a test that carries their number");
    // Other lists have letters of their own.
    let letters = |number: &str| number.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let ours: BTreeSet<_> = rules.iter().map(|number| letters(number)).collect();
    let of_ours = tests.keys().filter(|number| ours.contains(&letters(number)));
    let unknown: Vec<_> = of_ours.filter(|number| !rules.contains(number)).collect();
    assert!(unknown.is_empty(), "no rules have these numbers: {unknown:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the pages with it")]
fn the_pages_list_the_tests_there_are() {
    for page in pages() {
        let (path, text) = (repository().join(page.path), text_of(&page, &tests()));
        if std::env::var_os("CONFORMANCE_WRITE").is_some() {
            std::fs::write(&path, &text).expect("the page is written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(written, text, "write it anew with CONFORMANCE_WRITE=true");
    }
}

#[test]
fn numbers_are_read_from_comments() {
    assert_eq!(numbers("Check 9."), ["9"]);
    assert_eq!(
        numbers("Checks 46 to 50, 52 and 53: all of them"),
        ["46", "47", "48", "49", "50", "52", "53"]
    );
    assert_eq!(numbers("Checks P9 to P11 and D2: all of them"), ["P9", "P10", "P11", "D2"]);
    assert_eq!(numbers("Check 44, with keys: 12 of them"), ["44"]);
    assert_eq!(numbers("Check the backend"), [""; 0]);
    assert_eq!(numbers("Checked 5"), [""; 0]);
}
