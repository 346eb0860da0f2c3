//! A fleet leaves DynamoDB for lock objects: who still uses what, and what is left in the table.

use s3tate_testkit::{Endpoint, Finished, Kind, LockRecord, Workdir, md5_hex};

use crate::stage::s3tate;

struct Scene {
    endpoint: Endpoint,
    workdir: Workdir,
}

fn state(serial: u64) -> Vec<u8> {
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "l",
        "outputs": { "v": { "value": "x", "type": "string" } }, "resources": [], "check_results": null,
    });
    serde_json::to_vec_pretty(&state).expect("a document")
}

impl Scene {
    fn new() -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        Self { endpoint, workdir: Workdir::new() }
    }

    fn url(&self, key: &str, locks: &str) -> String {
        let store = self.endpoint.store();
        let table = format!("dynamodb_table={}", store.table());
        let locks = match locks {
            "table" => table,
            "object" => "use_lockfile=true".to_owned(),
            _ => format!("{table}&use_lockfile=true"),
        };
        format!("-state=s3://{}/{key}?{locks}", store.bucket())
    }

    /// Writes a state with these locks.
    fn push(&self, key: &str, locks: &str, serial: u64) {
        self.workdir.write("next.json", state(serial));
        let place = self.url(key, locks);
        let _pushed =
            s3tate(&self.endpoint).run(&self.workdir, &["state", "push", "next.json", &place]).succeeds();
    }

    fn run(&self, args: &[&str]) -> Finished {
        let place = self.url("", "table");
        s3tate(&self.endpoint).run(&self.workdir, &[&["migrate", "locks"], args, &[place.as_str()]].concat())
    }

    fn digest(&self, key: &str) -> Option<String> {
        self.endpoint.store().digest(key)
    }

    /// States of all kinds.
    fn filled() -> Self {
        let scene = Self::new();
        scene.push("table.tfstate", "table", 1);
        scene.push("both.tfstate", "both", 1);
        scene.push("object.tfstate", "both", 1);
        scene.push("object.tfstate", "object", 3);
        let store = scene.endpoint.store();
        store.put("nothing.tfstate", state(1));
        store.put_digest("gone.tfstate", &md5_hex(b"gone"));
        store.put("damaged.tfstate", state(1));
        store.put_digest("damaged.tfstate", &md5_hex(b"another"));
        scene
    }
}

#[test]
fn who_uses_what_is_told_with_what_comes_next() {
    let scene = Scene::filled();
    let before = scene.endpoint.store().snapshot();
    let told = scene.run(&["-json"]).succeeds();
    let lines: Vec<serde_json::Value> =
        told.stdout_text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let used: Vec<_> = lines
        .iter()
        .map(|line| {
            let name = line["state"].as_str().and_then(|url| url.rsplit('/').next()).expect("a URL");
            (name.to_owned(), line["used_with"].as_str().expect("a word").to_owned())
        })
        .collect();
    let expected = [
        ("both.tfstate", "both"),
        ("damaged.tfstate", "object"),
        ("nothing.tfstate", "nothing"),
        ("object.tfstate", "object"),
        ("table.tfstate", "table"),
    ];
    assert_eq!(used, expected.map(|(name, word)| (name.to_owned(), word.to_owned())), "{told}");
    let said = told.stderr_text();
    for guide in [
        "the table alone 1, both 1, the lock object alone 2, no lock 1",
        "now: step 2 for the 1",
        "digests that belong to nobody: 2",
        "LockObjects",
        "LocksAndDigests",
    ] {
        assert!(said.contains(guide), "{guide}: {said}");
    }
    let (grant, take_away) = said.split_once("to take away").expect("both lists");
    assert!(grant.contains(".tflock") && take_away.contains("dynamodb:"), "{said}");
    assert_eq!(scene.endpoint.store().snapshot(), before, "a report changes nothing");
}

#[test]
fn digests_for_nobody_are_removed_and_no_others() {
    let scene = Scene::filled();
    let asked = scene.run(&["-clean"]).exits(2);
    let _nobody = asked.says(&["nobody answered", "-auto-approve"]);
    assert!(scene.digest("gone.tfstate").is_some());
    let cleaned = scene.run(&["-clean", "-auto-approve"]).succeeds();
    let _told = cleaned.says(&["removed 2 digests"]);
    for (key, left) in [
        ("gone.tfstate", false),
        ("object.tfstate", false),
        ("damaged.tfstate", true),
        ("both.tfstate", true),
        ("table.tfstate", true),
    ] {
        assert_eq!(scene.digest(key).is_some(), left, "{key}");
    }
    let place = scene.url("object.tfstate", "both");
    let read = s3tate(&scene.endpoint).run(&scene.workdir, &["output", "-raw", "v", &place]).succeeds();
    assert_eq!(read.stdout_text(), "x", "who still has the table reads it again");
    let again = scene.run(&["-clean", "-auto-approve"]).succeeds();
    let _nothing = again.says(&["there is nothing to remove"]);
}

#[test]
fn a_state_that_somebody_works_on_keeps_its_digest() {
    let scene = Scene::filled();
    let store = scene.endpoint.store();
    let path = format!("{}/gone.tfstate", store.bucket());
    store.put("gone.tfstate.tflock", LockRecord::of_a_dead_holder(&path).to_json());
    let locked = scene.run(&["-clean", "-auto-approve"]).exits(3);
    let _told = locked.says(&["is locked"]);
    assert!(scene.digest("gone.tfstate").is_some());
    assert_eq!(store.item(&path), None, "the lock of the other kind is given back");
}

#[test]
fn without_a_table_there_is_nothing_to_leave() {
    let scene = Scene::new();
    let place = scene.url("", "object");
    let run = s3tate(&scene.endpoint).run(&scene.workdir, &["migrate", "locks", &place]).exits(2);
    let _told = run.says(&["no table is configured"]);
}
