//! Migration: lineage and serial are kept, and stock goes on without a change.

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{
    Backend, Client, Endpoint, Kind, LockRecord, Locking, StateServer, Workdir, md5_hex, require,
};

use crate::stage::{FIRST, lineage_and_serial, s3tate};

const WORKSPACES: usize = 50;

/// An endpoint, and a directory where stock has applied [`FIRST`] to a local state.
struct Stage {
    endpoint: Endpoint,
    stock: Client,
    s3tate: Client,
    workdir: Workdir,
    state: Vec<u8>,
}

impl Stage {
    fn new() -> Result<Self, Missing> {
        let endpoint = Endpoint::start(Kind::Embedded)?;
        let stock = Client::terraform(Terraform::V1_11, &endpoint)?;
        let workdir = Workdir::with(FIRST);
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        let state = workdir.read("terraform.tfstate").expect("it was applied");
        Ok(Self { stock, s3tate: s3tate(&endpoint), endpoint, workdir, state })
    }

    /// The state as another workspace would have it.
    fn state_of(&self, number: usize) -> Vec<u8> {
        let (lineage, serial) = lineage_and_serial(&self.state);
        let text = String::from_utf8(self.state.clone()).expect("a state is text");
        let text = text.replace(&lineage, &format!("{}{number:06}", &lineage[..lineage.len() - 6]));
        text.replace(&format!("\"serial\": {serial}"), &format!("\"serial\": {}", serial + number as u64))
            .into()
    }

    fn url(&self, key: &str, query: &str) -> String {
        format!("s3://{}/{key}?use_path_style=true{query}", self.endpoint.store().bucket())
    }

    fn table(&self) -> String {
        format!("&dynamodb_table={}", self.endpoint.store().table())
    }

    fn migrate(&self, from: &str, to: &str, more: &[&str]) -> s3tate_testkit::Finished {
        let ends = ["migrate", "-from", from, "-to", to, "-auto-approve"];
        self.s3tate.run(&self.workdir, &[&ends, more].concat())
    }

    /// Fails unless these bytes are stored, with their digest in the table, and nothing is locked.
    #[track_caller]
    fn holds(&self, key: &str, bytes: &[u8], locking: Locking) {
        let store = self.endpoint.store();
        assert_eq!(String::from_utf8_lossy(&store.bytes(key)), String::from_utf8_lossy(bytes), "{key}");
        assert_eq!(store.digest(key), locking.has_table().then(|| md5_hex(bytes)), "the digest of {key}");
        assert_eq!(Backend::new(&self.endpoint, key, Locking::Both).locks(), [], "{key}");
    }

    /// Stock finds nothing to do in some of the workspaces, in a new directory with the block that was printed.
    #[track_caller]
    fn stock_goes_on(&self, block: &str, workspaces: &[&str]) {
        let workdir = Workdir::with(&format!("{block}{FIRST}"));
        let _initialised = self.stock.run(&workdir, &["init", "-reconfigure", "-input=false"]).succeeds();
        for workspace in workspaces {
            let stock = self.stock.clone().env("TF_WORKSPACE", *workspace);
            let _clean = stock.run(&workdir, &["plan", "-detailed-exitcode", "-input=false"]).exits(0);
        }
    }
}

fn name(number: usize) -> String {
    if number == 0 { "default".to_owned() } else { format!("w{number}") }
}

#[test]
fn fifty_local_workspaces_keep_lineage_and_serial() {
    let stage = require!(Stage::new());
    stage.workdir.write("terraform.tfstate", stage.state_of(0));
    for number in 1..WORKSPACES {
        stage.workdir.write(
            &format!("terraform.tfstate.d/{}/terraform.tfstate", name(number)),
            stage.state_of(number),
        );
    }
    let to = stage.url("app/net.tfstate", &stage.table());
    let done = stage.migrate(".", &to, &[]).succeeds();
    let backend = Backend::new(&stage.endpoint, "app/net.tfstate", Locking::Table);
    for number in 0..WORKSPACES {
        stage.holds(&backend.state_key(&name(number)), &stage.state_of(number), Locking::Table);
    }
    assert!(stage.workdir.read("terraform.tfstate.d/w7/terraform.tfstate").is_some(), "the source stays");
    stage.stock_goes_on(&done.stdout_text(), &["default", "w1", "w49"]);
    // In the directory itself, where the local states still are.
    stage.workdir.write("backend.tf", done.stdout());
    let _initialised = stage.s3tate.run(&stage.workdir, &["init", "-reconfigure"]).succeeds();
    let _clean = stage.stock.run(&stage.workdir, &["plan", "-detailed-exitcode", "-input=false"]).exits(0);
}

#[test]
fn fifty_states_of_a_state_server_keep_lineage_and_serial() {
    let stage = require!(Stage::new());
    let server = StateServer::start();
    let names: Vec<_> = (0..WORKSPACES).map(name).collect();
    for (number, name) in names.iter().enumerate() {
        server.put(&format!("/states/{name}"), stage.state_of(number));
    }
    let place = format!("{}/states/{{workspace}}", server.url());
    let from = format!("{place}#lock_address={place}&unlock_address={place}");
    let to = stage.url("app/net.tfstate", "&use_lockfile=true");
    let _told = stage.migrate(&from, &to, &[]).exits(2).says(&["-workspace="]);
    let workspaces = format!("-workspace={}", names.join(","));
    let done = stage.migrate(&from, &to, &[&workspaces]).succeeds();
    let backend = Backend::new(&stage.endpoint, "app/net.tfstate", Locking::Lockfile);
    for (number, name) in names.iter().enumerate() {
        stage.holds(&backend.state_key(name), &stage.state_of(number), Locking::Lockfile);
        assert_eq!(server.get(&format!("/states/{name}")).expect("the source stays"), stage.state_of(number));
    }
    assert_eq!(server.locks(), Vec::<String>::new());
    stage.stock_goes_on(&done.stdout_text(), &["default", "w1", "w49"]);
}

/// Both ends are configurations; stock uses the server before, and after the way back.
#[test]
fn a_configuration_with_an_http_backend_is_migrated_and_back() {
    let stage = require!(Stage::new());
    let server = StateServer::start();
    let block = format!("terraform {{\n  backend \"http\" {{\n{}  }}\n}}\n", server.attributes("/prod"));
    stage.workdir.write("served/main.tf", format!("{block}{FIRST}"));
    server.put("/prod", stage.state.clone());
    let s3 = stage.url("prod.tfstate", &stage.table());
    let _there = stage.migrate("served", &s3, &["-delete-source"]).succeeds();
    stage.holds("prod.tfstate", &stage.state, Locking::Table);
    assert_eq!(server.get("/prod"), None);
    let back = stage.migrate(&s3, "served", &["-delete-source"]).succeeds();
    assert_eq!(server.get("/prod").expect("it is back"), stage.state);
    assert_eq!(stage.endpoint.store().get("prod.tfstate"), None);
    assert_eq!(stage.endpoint.store().digest("prod.tfstate"), None);
    assert_eq!(server.locks(), Vec::<String>::new());
    stage.stock_goes_on(&back.stdout_text(), &["default"]);
}

#[test]
fn states_move_between_buckets_keys_prefixes_and_locks_and_to_files_and_back() {
    let stage = require!(Stage::new());
    let other = stage.endpoint.with_names("another-bucket", stage.endpoint.store().table());
    other.store().create_bucket();
    stage.workdir.write("terraform.tfstate.d/dev/terraform.tfstate", stage.state_of(1));
    let first = stage.url("a.tfstate", &stage.table());
    let _copied = stage.migrate(".", &first, &[]).succeeds();
    let second =
        "s3://another-bucket/b.tfstate?use_path_style=true&workspace_key_prefix=spaces&use_lockfile=true";
    let moved = stage.migrate(&first, second, &["-delete-source"]).succeeds();
    assert_eq!(other.store().bytes("b.tfstate"), stage.state);
    assert_eq!(other.store().bytes("spaces/dev/b.tfstate"), stage.state_of(1));
    assert_eq!(stage.endpoint.store().keys(), Vec::<String>::new());
    assert_eq!(stage.endpoint.store().items(), Vec::new());
    stage.stock_goes_on(&moved.stdout_text(), &["default", "dev"]);
    let _local = stage.migrate(second, "back/", &["-delete-source"]).succeeds();
    assert_eq!(stage.workdir.read("back/terraform.tfstate"), Some(stage.state.clone()));
    assert_eq!(stage.workdir.read("back/terraform.tfstate.d/dev/terraform.tfstate"), Some(stage.state_of(1)));
    assert_eq!(other.store().keys(), Vec::<String>::new());
    let _again = stage.migrate("back/", &first, &["-delete-source", "-workspace=dev"]).succeeds();
    assert_eq!(stage.workdir.read("back/terraform.tfstate.d/dev/terraform.tfstate"), None);
    assert!(
        !stage.workdir.path().join("back/terraform.tfstate.d/dev").exists(),
        "no empty workspace is left"
    );
    assert!(stage.workdir.read("back/terraform.tfstate").is_some(), "only one was asked for");
}

#[test]
fn locks_of_one_state_move_to_another_kind() {
    let stage = require!(Stage::new());
    let (table, object) =
        (stage.url("a.tfstate", &stage.table()), stage.url("a.tfstate", "&use_lockfile=true"));
    let _copied = stage.migrate(".", &table, &[]).succeeds();
    let _told = stage.migrate(&table, &table, &[]).exits(2).says(&["the same states"]);
    let _kept = stage.migrate(&table, &object, &[]).succeeds();
    stage.holds("a.tfstate", &stage.state, Locking::Table);
    let _gone = stage.migrate(&table, &object, &["-delete-source"]).succeeds();
    stage.holds("a.tfstate", &stage.state, Locking::Lockfile);
    let both = stage.url("a.tfstate", &format!("{}&use_lockfile=true", stage.table()));
    let _back = stage.migrate(&object, &both, &[]).succeeds();
    stage.holds("a.tfstate", &stage.state, Locking::Both);
}

#[test]
fn nothing_else_is_replaced_unless_forced_and_then_it_is_kept() {
    let stage = require!(Stage::new());
    let (key, to) = ("a.tfstate", stage.url("a.tfstate", "&use_lockfile=true"));
    stage.endpoint.store().put(key, stage.state_of(3));
    let _told = stage.migrate(".", &to, &[]).exits(4).says(&["another state", "-force"]);
    assert_eq!(stage.endpoint.store().bytes(key), stage.state_of(3));
    let forced = stage.migrate(".", &to, &["-force"]).succeeds();
    assert_eq!(stage.endpoint.store().bytes(key), stage.state);
    let kept = format!("{key}.replaced-{}", md5_hex(&stage.state_of(3)));
    assert_eq!(stage.endpoint.store().bytes(&kept), stage.state_of(3));
    assert!(forced.stderr_text().contains(&kept));
    let listed = stage.s3tate.run(&stage.workdir, &["workspace", "list", "-state", &to]);
    assert!(!listed.stdout_text().contains("replaced"), "{listed}");
    // An earlier one of the same lineage needs no force.
    let (_, serial) = lineage_and_serial(&stage.state);
    let old = String::from_utf8_lossy(&stage.state)
        .replace(&format!("\"serial\": {serial}"), "\"serial\": 0")
        .replace("hello", "good day");
    stage.workdir.write("old.tfstate", &old);
    let _told = stage.migrate("old.tfstate", &to, &[]).exits(4).says(&["ahead"]);
    stage.endpoint.store().put(key, old.as_bytes());
    let _replaced = stage.migrate(".", &to, &[]).succeeds();
    assert_eq!(stage.endpoint.store().bytes(key), stage.state);
    // And what is there already is done.
    let _told = stage.migrate(".", &to, &[]).succeeds().says(&["was there already"]);
}

#[test]
fn a_dry_run_shows_the_plan_and_leaves_no_trace() {
    let stage = require!(Stage::new());
    let to = stage.url("a.tfstate", &stage.table());
    let (before, files) = (stage.endpoint.store().snapshot(), entries(&stage.workdir));
    let shown =
        stage.s3tate.run(&stage.workdir, &["migrate", "-from", ".", "-to", &to, "-dry-run"]).succeeds();
    assert!(shown.stdout_text().starts_with("default: copy"), "{shown}");
    let _unasked = stage
        .s3tate
        .run(&stage.workdir, &["migrate", "-from", ".", "-to", &to])
        .exits(2)
        .says(&["-auto-approve"]);
    assert_eq!(stage.endpoint.store().snapshot(), before);
    assert_eq!(entries(&stage.workdir), files);
}

fn entries(workdir: &Workdir) -> Vec<String> {
    let entries = std::fs::read_dir(workdir.path()).expect("it is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn whoever_works_on_either_end_is_left_alone() {
    let stage = require!(Stage::new());
    let server = StateServer::start();
    server.put("/prod", stage.state.clone());
    let from = format!("{0}/prod#lock_address={0}/prod&unlock_address={0}/prod", server.url());
    let to = stage.url("a.tfstate", &stage.table());
    let theirs = LockRecord::of_a_dead_holder("");
    server.put_lock("/prod", &theirs);
    let _told = stage.migrate(&from, &to, &[]).exits(3).says(&[&theirs.id]);
    assert_eq!(server.locks(), [theirs.id.as_str()]);
    assert_eq!(stage.endpoint.store().items(), Vec::new(), "the lock of the other end is given back");
    // Stock holds the lock of a local state as long as its console runs.
    let mut console = stage.stock.command(&stage.workdir, &["console"]).start();
    s3tate_testkit::wait_for("the lock", std::time::Duration::from_mins(1), || {
        (stage.workdir.read(".terraform.tfstate.lock.info").is_some() && !console.has_ended()).then_some(())
    });
    let _told = stage.migrate("local:.", &to, &[]).exits(3).says(&["OperationTypeInvalid"]);
    let _ended = console.finish();
    let _free = stage.migrate("local:.", &to, &[]).succeeds();
}

#[test]
fn a_journal_that_ends_anywhere_is_gone_on_with() {
    let stage = require!(Stage::new());
    let to = stage.url("a.tfstate", &stage.table());
    let first = stage.migrate(".", &to, &["-journal=j.jsonl"]).succeeds();
    assert!(first.stderr_text().contains("copied and verified"));
    let journal = stage.workdir.read("j.jsonl").expect("it is kept");
    assert!(!String::from_utf8_lossy(&journal).contains("s3cr3t"), "no state is in it");
    let ends = (0..journal.len()).filter(|at| *at == 0 || journal[at - 1] == b'\n');
    for end in ends.flat_map(|end| [end, end + 9]) {
        stage.workdir.write("j.jsonl", &journal[..end]);
        let _went_on = stage.migrate(".", &to, &["-journal=j.jsonl"]).succeeds();
        stage.holds("a.tfstate", &stage.state, Locking::Table);
    }
    let _told =
        stage.migrate(".", "local:elsewhere", &["-journal=j.jsonl"]).exits(2).says(&["another migration"]);
}
