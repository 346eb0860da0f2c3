//! The description of what can be asked for: every answer that any test here gets is in it, and all of it is there.

use std::process::Command;
use std::sync::LazyLock;

use s3tate_testkit::tools::Tool;
use s3tate_testkit::{require, tools};
use serde_json::Value;

use crate::raw::Reply;
use crate::stage::{Stage, document, token_of};

static DOCUMENT: LazyLock<Value> = LazyLock::new(s3tate_server::openapi::document);

/// Which described path a path is; `None` for pages, and for what there isn't.
fn template(path: &str) -> Option<String> {
    let path = path.split('?').next()?;
    let (head, rest) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.strip_prefix('/')?, ""));
    let lock = if head == "state" && rest.ends_with("/lock") { "/lock" } else { "" };
    let found =
        ["{key}", "{id}"].map(|name| format!("/{head}/{name}{lock}")).into_iter().chain([path.to_owned()]);
    found.into_iter().find(|template| DOCUMENT["paths"].get(template).is_some())
}

/// Fails the test unless this answer to this request is described.
#[track_caller]
pub(crate) fn describes(method: &str, path: &str, reply: &Reply) {
    let Some(template) = template(path) else { return };
    let item = &DOCUMENT["paths"][&template];
    let name =
        if matches!(method, "LOCK" | "UNLOCK") { format!("x-{method}") } else { method.to_lowercase() };
    let Some(operation) = item.get(if name == "head" { "get" } else { &name }) else {
        assert!((400..500).contains(&reply.status), "{method} {template} is not described: {}", reply.head);
        return;
    };
    let status = reply.status.to_string();
    let described = operation["responses"].get(&status);
    let described = described.unwrap_or_else(|| panic!("{status} of {method} {template} is not described"));
    let content = described["content"].as_object().expect("what it holds");
    let kind = reply.header("content-type").and_then(|kind| kind.split(';').next());
    let fits = match kind {
        None => content.is_empty() || name == "head",
        // A missing state has no body, and a deleted one says so in a problem.
        Some("application/problem+json") if reply.status == 404 => true,
        Some(kind) => content.contains_key(kind),
    };
    assert!(fits, "{status} of {method} {template} has {kind:?}, described is {:?}", content.keys());
}

/// What is served, what is in the documentation and what the other tests compare with is one.
#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test may have the file written")]
fn the_description_is_served_and_documented() {
    let stage = Stage::new();
    let served = stage.server.ask("nobody", "GET", "/openapi.json", "").is(200).json();
    assert_eq!(served, *DOCUMENT);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
    let text = serde_json::to_string_pretty(&served).expect("JSON") + "\n";
    if std::env::var("CONFORMANCE_WRITE").is_ok() {
        std::fs::write(path, &text).expect("it is written");
    }
    let documented = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        documented == text,
        "`CONFORMANCE_WRITE=true cargo test -p s3tate-cli --test server openapi` writes it anew"
    );
}

/// Each operation that is described is carried out for an administrator, and not refused as unknown.
#[test]
fn all_that_is_described_is_there() {
    let stage = Stage::new();
    let _written = stage.ask("admin", "POST", "app/a", document(1, "l", "x")).is(200);
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("operations").keys().filter(|name| *name != "parameters");
        for method in methods {
            let method = method.trim_start_matches("x-").to_uppercase();
            let path = path.replace("{key}", "app/a").replace("{id}", "none");
            let reply = stage.server.ask("admin", &method, &path, "");
            assert_ne!(reply.status, 405, "{method} {path}");
            assert!(
                !String::from_utf8_lossy(&reply.body).contains("nothing at this path"),
                "{method} {path}"
            );
        }
    }
}

/// Schemathesis asks for whatever fits the description, and for what doesn't, as an administrator and as nobody.
#[test]
fn schemathesis_finds_nothing() {
    let program = require!(tools::find(Tool::Schemathesis));
    for who in ["admin", "nobody"] {
        let stage = Stage::with("[limits]\nrequests_per_second = 0\nfailures_per_minute = 0\n");
        let mut command = Command::new(&program);
        command.args(["run", &format!("http://{}/openapi.json", stage.server.addr)]);
        command.args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ]);
        command.args(["--seed", "1", "--max-examples", "30", "--no-color", "--generation-database", "none"]);
        command.args(["--phases", "examples,coverage,fuzzing"]);
        if who == "admin" {
            command.args(["--header", &format!("Authorization: Bearer {}", token_of("admin"))]);
        }
        let workdir = s3tate_testkit::Workdir::new();
        let ended = command.current_dir(workdir.path()).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{who}: {said}");
        assert!(said.contains(" generated"), "{who}: {said}");
    }
}
