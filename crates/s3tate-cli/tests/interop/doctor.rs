//! `doctor`: what it finds, how it shows that, what its commands do, and the little that it changes itself.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use s3tate_testkit::tools::{self, Missing, Terraform, Tool};
use s3tate_testkit::{
    Backend, Client, Endpoint, Finished, Gate, Item, Kind, LockRecord, Locking, Request, Snapshot, Spoil,
    Vice, Workdir, md5_hex, require, wait_for,
};

use crate::stage::{FIRST, KEY, Stage, s3tate, with_greeting};

/// What spoils a scene.
type Break = Box<dyn Fn(&Scene)>;

/// A vice, the behaviours that differ by it, and the exit code.
type Hostility<'a> = (Vice, &'a [(&'a str, &'a str)], i32);

/// A state in a bucket with versions, and a directory that is configured for it.
struct Scene {
    endpoint: Endpoint,
    locking: Locking,
    s3tate: Client,
    workdir: Workdir,
}

impl Scene {
    fn new(kind: Kind, locking: Locking) -> Result<Self, Missing> {
        let endpoint = Endpoint::start(kind)?;
        let workdir = Workdir::with(&Backend::new(&endpoint, KEY, locking).block(Terraform::V1_11));
        let scene = Self { s3tate: s3tate(&endpoint), endpoint, locking, workdir };
        scene.push(1, "l", "a");
        scene.push(3, "l", "b");
        Ok(scene)
    }

    fn embedded() -> Self {
        Self::new(Kind::Embedded, Locking::Both).expect("the embedded endpoint needs no tool")
    }

    /// Pushes a state, which is stored with the serial one above.
    fn push(&self, serial: u64, lineage: &str, value: &str) {
        self.workdir.write("pushed.json", state(serial, lineage, value));
        let _pushed = self.s3tate.run(&self.workdir, &["state", "push", "-force", "pushed.json"]).succeeds();
    }

    fn doctor(&self, options: &[&str]) -> Finished {
        self.s3tate.run(&self.workdir, &[&["doctor"], options].concat())
    }

    fn snapshot(&self) -> Snapshot {
        self.endpoint.store().snapshot()
    }

    fn digest_id(&self) -> String {
        format!("{}/{KEY}-md5", self.endpoint.store().bucket())
    }

    fn put_digest(&self, digest: &str) {
        let item = [("LockID".to_owned(), self.digest_id()), ("Digest".to_owned(), digest.to_owned())];
        self.endpoint.store().put_item(&item.into());
    }

    fn backend(&self) -> Backend<'_> {
        Backend::new(&self.endpoint, KEY, self.locking)
    }

    /// Fails the test unless this kind is found as a problem and nothing was changed. Returns its commands.
    #[track_caller]
    fn finds(&self, kind: &str) -> Vec<String> {
        let before = self.snapshot();
        let found = self.doctor(&["-json", "-fix"]).exits(1);
        assert_eq!(self.snapshot(), before, "nothing that isn't proven is fixed");
        let found = finding(&found, kind);
        assert_eq!((&found["severity"], &found["fixed"]), (&"problem".into(), &false.into()), "{found:#}");
        let commands = found["commands"].as_array().expect("an array");
        commands.iter().map(|command| command.as_str().expect("a text").to_owned()).collect()
    }

    /// Runs a command as it would be pasted.
    fn paste(&self, command: &str) {
        let mut path = vec![tools::find(Tool::Aws).expect("it was found before")];
        path.push(env!("CARGO_BIN_EXE_s3tate").into());
        let path: Vec<_> = path.iter().filter_map(|program| program.parent()).collect();
        let path = std::env::join_paths(
            path.iter().copied().chain([std::path::Path::new("/usr/bin"), std::path::Path::new("/bin")]),
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", command]).current_dir(self.workdir.path()).env_clear().envs(self.endpoint.env());
        shell.env("PATH", path.expect("no colons")).env("HOME", self.workdir.home());
        let output = shell.output().expect("a shell");
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    }

    #[track_caller]
    fn is_healthy(&self) {
        let _healthy = self.doctor(&[]).succeeds();
    }
}

fn state(serial: u64, lineage: &str, value: &str) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.11.4","serial":{serial},"lineage":"{lineage}","outputs":{{"v":{{"value":"{value}","type":"string"}}}},"resources":[],"check_results":null}}"#
    )
}

#[track_caller]
fn finding(found: &Finished, kind: &str) -> serde_json::Value {
    let document = found.json();
    assert_eq!(document["format_version"], "1.0");
    let findings = document["findings"].as_array().expect("an array of findings");
    findings
        .iter()
        .find(|finding| finding["kind"] == kind)
        .unwrap_or_else(|| panic!("no `{kind}` in {found}"))
        .clone()
}

/// The behaviours that the probe saw, by their kinds.
fn behaviours(found: &Finished) -> BTreeMap<String, String> {
    let document = found.json();
    let findings = document["findings"].as_array().expect("an array of findings");
    let behaviour = |finding: &serde_json::Value| {
        let facts = finding["facts"].as_array()?;
        let seen = facts.iter().find(|fact| fact["label"] == "behaviour")?;
        Some((finding["kind"].as_str()?.to_owned(), seen["value"].as_str()?.to_owned()))
    };
    findings.iter().filter_map(behaviour).collect()
}

fn may_write(request: &Request) -> bool {
    match &request.operation {
        Some(operation) => !operation.starts_with("Describe") && operation != "GetItem",
        None => !["GET", "HEAD", "POST"].contains(&request.method.as_str()),
    }
}

#[test]
fn a_healthy_state_is_left_as_it_is() {
    for kind in [Kind::Embedded, Kind::Moto] {
        for locking in [Locking::Table, Locking::Lockfile, Locking::Both, Locking::Off] {
            let scene = require!(Scene::new(kind, locking));
            let before = (scene.snapshot(), scene.endpoint.store().configuration());
            let found = scene.doctor(&["-json"]).succeeds();
            assert_eq!(found.json()["healthy"], true, "{kind:?} {locking:?}");
            let ignored: Vec<_> =
                behaviours(&found).into_iter().filter(|(_, seen)| seen != "honoured").collect();
            assert_eq!(ignored, [], "{kind:?} {locking:?}");
            assert_eq!(behaviours(&found).len(), if locking.has_table() { 8 } else { 6 });
            assert_eq!((scene.snapshot(), scene.endpoint.store().configuration()), before);
            let _nothing_to_fix = scene.doctor(&["-fix"]).succeeds();
        }
    }
}

/// The probe's keys are all that it writes, and they look like nothing of anybody's.
#[test]
fn only_the_probe_writes_and_only_beside_the_state() {
    let scene = Scene::embedded();
    let (proxied, recorder) = scene.endpoint.recorded();
    let through = s3tate(&proxied);
    recorder.take();
    let _found = through.run(&scene.workdir, &["doctor", "-probe=false"]).succeeds();
    let asked = recorder.take();
    let writes: Vec<_> = asked.iter().filter(|request| may_write(request)).map(Request::to_string).collect();
    assert_eq!(writes, Vec::<String>::new());
    assert!(asked.len() <= 16, "{asked:#?}");

    let _found = through.run(&scene.workdir, &["doctor"]).succeeds();
    for request in recorder.take().iter().filter(|request| may_write(request)) {
        let body = String::from_utf8_lossy(&request.body);
        let probes = request.target.contains("/s3tate-probe-") || body.contains("/s3tate-probe-");
        assert!(probes, "{request} {body}");
    }
    let listed = scene.s3tate.run(&scene.workdir, &["workspace", "list"]).succeeds();
    assert_eq!(listed.stdout_text().trim(), "* default");
}

/// Looks go out together: nothing waits for an answer but what needs it.
#[test]
fn everything_is_looked_at_in_one_round() {
    let scene = Scene::embedded();
    let (proxied, recorder) = scene.endpoint.recorded();
    let through = s3tate(&proxied);
    recorder.take();
    // Who we are, 8 looks at bucket and table, listing, state, digest, two locks, versions.
    let run = || through.run(&scene.workdir, &["doctor", "-probe=false"]).succeeds();
    let _found = recorder.sends_together(15, run);
    assert_eq!(recorder.take().len(), 15);
}

/// Check 59.
#[test]
fn a_write_that_stopped_before_its_digest_is_completed_on_request() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let workdir = stage.applied(FIRST);
    let store = stage.endpoint.store();
    let digest = store.digest(KEY).expect("stock recorded it");
    workdir.write("next.json", with_greeting(&stage.stored(), "stopped"));
    let _pushed = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    let id = format!("{}/{KEY}-md5", store.bucket());
    let item: Item = [("LockID".to_owned(), id), ("Digest".to_owned(), digest.clone())].into();
    store.put_item(&item);

    let before = store.snapshot();
    let seen = stage.s3tate.run(&workdir, &["doctor"]).exits(1);
    let seen =
        seen.says(&["provably the successor", &digest, &md5_hex(&stage.stored()), "s3tate doctor -fix"]);
    assert_eq!(store.snapshot(), before, "looking repairs nothing");
    drop(seen);

    let fixed = stage.s3tate.run(&workdir, &["doctor", "-fix", "-json"]).succeeds();
    let found = finding(&fixed, "digest-behind");
    assert_eq!(found["fixed"], true);
    stage.is_sound("default");
    let _stock_goes_on = stage.stock.run(&workdir, &["state", "pull"]).succeeds();
    let _nothing_is_left = stage.s3tate.run(&workdir, &["doctor"]).succeeds();

    let kept = found["facts"].as_array().expect("facts").iter().filter(|fact| fact["label"] == "kept");
    let files: Vec<_> = kept
        .map(|fact| fact["value"].as_str().expect("a text").split('`').nth(1).expect("a name").to_owned())
        .collect();
    assert_eq!(files.len(), 2, "{found:#}");
    let old: serde_json::Value =
        serde_json::from_slice(&workdir.read(&files[0]).expect("kept")).expect("JSON");
    assert_eq!(old["Digest"]["S"], digest.as_str());
    assert_eq!(workdir.read(&files[1]).expect("kept"), stage.stored());
}

#[test]
fn nothing_is_fixed_while_somebody_holds_the_lock_or_no_copy_can_be_kept() {
    let scene = Scene::embedded();
    scene.put_digest(&md5_hex(state(2, "l", "a").as_bytes()));
    let record = LockRecord::of_a_dead_holder(&scene.backend().lock_path());
    scene.backend().put_lock(&record);
    let before = scene.snapshot();
    let _locked = scene.doctor(&["-fix"]).exits(3).says(&["digest-behind", &record.id]);
    assert_eq!(scene.snapshot(), before);

    scene.endpoint.store().delete(&format!("{KEY}.tflock"));
    scene.endpoint.store().delete_item(&scene.backend().lock_path());
    let before = scene.snapshot();
    let url = format!(
        "-state=s3://{}/{KEY}?region=us-east-1&use_path_style=true&dynamodb_table={}",
        scene.endpoint.store().bucket(),
        scene.endpoint.store().table()
    );
    // Nobody can create files there.
    let _unkept = scene.doctor(&["-fix", "-chdir=/proc", &url]).exits(1).says(&["can't keep a copy"]);
    assert_eq!(scene.snapshot(), before, "and the lock is free");
    let seen = scene.doctor(&["-json", &url]).exits(1);
    let command = &finding(&seen, "digest-behind")["commands"][0];
    assert_eq!(command, &format!("s3tate doctor -fix '{url}'").replace("'-state=", "-state='"));
    let _fixed = scene.doctor(&["-fix", &url]).succeeds();
}

/// Every other case is shown, left alone, and mended by the command that is shown first.
#[test]
fn what_is_not_proven_is_left_to_the_user_with_commands_that_work() {
    let _aws = require!(tools::find(Tool::Aws));
    let (first, second) = (state(2, "l", "a"), state(4, "l", "b"));
    let foreign = state(9, "other", "z");
    let store_state = |bytes: &str| {
        let bytes = bytes.to_owned();
        move |scene: &Scene| scene.endpoint.store().put(KEY, bytes.clone())
    };
    let cases: [(&str, Break); 7] = [
        ("object-truncated", Box::new(store_state(&second[..100]))),
        ("object-older", Box::new(store_state(&first))),
        ("object-foreign", Box::new(store_state(&foreign))),
        ("object-replaced", Box::new(store_state(&state(5, "l", "newer")))),
        ("object-empty", Box::new(store_state(""))),
        ("object-deleted", Box::new(|scene| scene.endpoint.store().delete(KEY))),
        ("digest-malformed", Box::new(|scene| scene.put_digest("zz"))),
    ];
    for (kind, spoil) in cases {
        let scene = Scene::embedded();
        spoil(&scene);
        let commands = scene.finds(kind);
        scene.paste(&commands[0]);
        assert_eq!(scene.endpoint.store().bytes(KEY), second.as_bytes(), "{kind}: {commands:#?}");
        scene.is_healthy();
    }
    // What is there can be kept instead; and another store has versions that look otherwise.
    for kind in ["object-older", "object-deleted"] {
        let scene = require!(Scene::new(Kind::Moto, Locking::Both));
        if kind == "object-older" {
            scene.endpoint.store().put(KEY, first.clone());
        } else {
            scene.endpoint.store().delete(KEY);
        }
        let commands = scene.finds(kind);
        scene.paste(commands.last().expect("one"));
        scene.is_healthy();
    }
}

#[test]
fn a_digest_without_any_object_is_an_orphan() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let workdir = Workdir::with(&Backend::new(&endpoint, KEY, Locking::Table).block(Terraform::V1_11));
    let scene = Scene { s3tate: s3tate(&endpoint), endpoint, locking: Locking::Table, workdir };
    scene.put_digest(&md5_hex(b"gone"));
    let commands = scene.finds("digest-orphan");
    assert!(commands[0].contains("delete-item") && commands[0].contains(&md5_hex(b"gone")), "{commands:?}");
}

#[test]
fn locks_that_were_left_behind_are_reported_with_their_age() {
    let scene = Scene::embedded();
    let record = LockRecord {
        created: "2020-01-01T00:00:00Z".into(),
        ..LockRecord::of_a_dead_holder(&scene.backend().lock_path())
    };
    scene.backend().put_lock(&record);
    let commands = scene.finds("lock-old");
    assert_eq!(commands, [format!("s3tate force-unlock {}", record.id)]);
    let _told = scene.doctor(&[]).exits(1).says(&["more than a day", "dana@build-07", " d "]);

    scene.endpoint.store().delete_item(&scene.backend().lock_path());
    let half = scene.doctor(&["-json"]).exits(1);
    assert_eq!(finding(&half, "lock-half")["severity"], "warning");

    scene.endpoint.store().put(&format!("{KEY}.tflock"), "no record");
    assert!(!scene.finds("lock-unreadable").is_empty());
}

#[test]
fn a_lock_object_that_others_use_is_noticed() {
    let scene = require!(Scene::new(Kind::Embedded, Locking::Table));
    let record = LockRecord::of_a_dead_holder(&scene.backend().lock_path());
    scene.endpoint.store().put(&format!("{KEY}.tflock"), record.to_json());
    let found = scene.doctor(&["-json"]);
    assert_eq!(finding(&found, "lock-foreign")["severity"], "warning");
}

/// W16.
#[test]
fn keys_that_mean_two_things_are_noticed() {
    let scene = Scene::embedded();
    scene.endpoint.store().put(&format!("{KEY}-md5"), "{}");
    assert_eq!(finding(&scene.doctor(&["-json"]).exits(1), "key-collision")["severity"], "problem");
    for end in ["-md5", ".tflock"] {
        let key = format!("-backend-config=key={KEY}{end}");
        let found = scene.doctor(&["-json", "-probe=false", &key]).exits(1);
        assert_eq!(finding(&found, "key-collision")["severity"], "problem", "{end}");
    }
}

/// What each hostile store is seen to do, what that means, and that nothing of the probe stays there.
#[test]
fn hostile_stores_are_told_by_what_they_do() {
    let cases: [Hostility<'_>; 9] = [
        (Vice::IgnoresIfNoneMatch, &[("store-create-once", "ignored")], 1),
        (Vice::IgnoresIfMatch, &[("store-stale-delete", "ignored"), ("store-stale-overwrite", "ignored")], 1),
        (Vice::CountsDeleteMarkers, &[("store-create-over-marker", "ignored")], 1),
        (Vice::LacksConditionalDelete, &[("store-stale-delete", "refused")], 0),
        (Vice::RefusesConditions(501), REFUSED, 1),
        (Vice::RefusesConditions(400), REFUSED, 1),
        (Vice::OpaqueETags, &[("store-md5-etag", "ignored")], 0),
        (Vice::StaleReads, &[("store-read-your-write", "ignored"), ("store-md5-etag", "honoured")], 1),
        (
            Vice::IgnoresTableConditions,
            &[("table-conditional-delete", "ignored"), ("table-conditional-put", "ignored")],
            1,
        ),
    ];
    for (vice, expected, code) in cases {
        let scene = Scene::embedded();
        let before = scene.snapshot();
        let (hostile, _recorder) = scene.endpoint.hostile(vice);
        let found = s3tate(&hostile).run(&scene.workdir, &["doctor", "-json"]).exits(code);
        let mut seen = behaviours(&found);
        for (kind, behaviour) in expected {
            assert_eq!(seen.remove(*kind).as_deref(), Some(*behaviour), "{vice:?}: {kind} in {found}");
        }
        let others: Vec<_> = seen.iter().filter(|(_, seen)| *seen != "honoured").collect();
        assert_eq!(others, Vec::<(&String, &String)>::new(), "{vice:?}");
        assert_eq!(scene.snapshot(), before, "{vice:?}");
    }
}

const REFUSED: &[(&str, &str)] = &[
    ("store-create-once", "refused"),
    ("store-stale-overwrite", "refused"),
    ("store-stale-delete", "refused"),
];

/// The probe teaches later locks: a store that was trusted and turned bad is not trusted any more.
#[test]
fn what_the_probe_sees_is_remembered() {
    let scene = Scene::embedded();
    let remembered =
        |scene: &Scene| scene.workdir.read(".terraform/s3tate-verified-stores").unwrap_or_default();
    let (hostile, _recorder) = scene.endpoint.hostile(Vice::IgnoresIfNoneMatch);
    let _ready = scene.s3tate.run(&scene.workdir, &["init"]).succeeds();
    let line = |endpoint: &Endpoint| format!("{} {}\n", endpoint.url(), endpoint.store().bucket());
    scene.workdir.write(".terraform/s3tate-verified-stores", line(&hostile));
    let _healthy = scene.doctor(&[]).succeeds();
    assert_eq!(remembered(&scene), (line(&hostile) + &line(&scene.endpoint)).into_bytes());
    let through = s3tate(&hostile);
    let _problem = through.run(&scene.workdir, &["doctor"]).exits(1).says(&["refuses `use_lockfile` here"]);
    assert_eq!(remembered(&scene), line(&scene.endpoint).into_bytes());
    scene.workdir.write("pushed.json", state(9, "l", "c"));
    let before = scene.snapshot();
    let _refused =
        through.run(&scene.workdir, &["state", "push", "pushed.json"]).exits(2).says(&["dynamodb_table"]);
    assert_eq!(scene.snapshot(), before);
}

/// Ctrl-C ends the run when the probe has cleaned up.
#[test]
fn an_interrupted_probe_leaves_nothing_behind() {
    let scene = Scene::embedded();
    let before = scene.snapshot();
    let (slow, gate) = Gate::before(&scene.endpoint);
    gate.spoil("DeleteItem", Spoil::Hold, 1);
    let running = s3tate(&slow).command(&scene.workdir, &["doctor"]).start();
    gate.wait();
    running.signal("INT");
    let told = || (!running.stderr_so_far().is_empty()).then_some(());
    wait_for("an answer to the signal", Duration::from_mins(1), told);
    gate.open();
    let _stopped = running.finish().exits(130);
    assert_eq!(scene.snapshot(), before);
}

/// What can't be removed is named, with the command that removes it.
#[test]
fn what_the_probe_leaves_behind_is_named() {
    let _aws = require!(tools::find(Tool::Aws));
    let scene = Scene::embedded();
    let before = scene.snapshot();
    let (behind, gate) = Gate::before(&scene.endpoint);
    gate.spoil("DeleteItem", Spoil::Pass, 1);
    gate.spoil("DeleteItem", Spoil::Refuse(400, "AccessDeniedException"), 1);
    let found = s3tate(&behind).run(&scene.workdir, &["doctor", "-json"]).succeeds();
    let found = finding(&found, "probe");
    assert_eq!(found["severity"], "warning");
    assert_ne!(scene.snapshot(), before);
    scene.paste(found["commands"][0].as_str().expect("a text"));
    assert_eq!(scene.snapshot(), before);
}

#[test]
fn a_missing_bucket_and_a_missing_table_are_told() {
    let scene = Scene::embedded();
    let found = scene.doctor(&["-json", "-backend-config=dynamodb_table=nowhere"]).exits(1);
    assert_eq!(finding(&found, "table")["severity"], "problem");
    let found = scene.doctor(&["-json", "-backend-config=bucket=nowhere"]).exits(1);
    let command = &finding(&found, "bucket")["commands"][0];
    assert!(command.as_str().expect("a text").starts_with("s3tate bootstrap -apply"), "{command}");
    // What can't be tried says nothing of the store.
    assert_eq!(behaviours(&found)["store-create-once"], "failed");
}
