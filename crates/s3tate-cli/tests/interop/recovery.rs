//! Accidents: a state that was deleted, overwritten or cut off comes back with one command, and stock goes on.

use s3tate_testkit::{Client, Kind, Locking, Workdir, require};

use crate::stage::{FIRST, KEY, SECOND, Stage, everywhere, lineage_and_serial};

/// What stock applied last, and its serial.
struct Scene<'a> {
    stage: &'a Stage,
    workdir: Workdir,
    first: Vec<u8>,
    second: Vec<u8>,
}

impl<'a> Scene<'a> {
    fn new(stage: &'a Stage) -> Self {
        let workdir = stage.applied(FIRST);
        let first = stage.stored();
        workdir.write("main.tf", stage.configuration(SECOND));
        let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        Self { stage, workdir, first, second: stage.stored() }
    }

    fn serial(&self) -> u64 {
        lineage_and_serial(&self.second).1
    }

    /// Restores what stock applied last; the new serial is above `highest`.
    #[track_caller]
    fn recovers(&self, highest: u64) {
        self.recovers_from(&format!("serial:{}", self.serial()), highest);
    }

    /// The same from the version that this names.
    #[track_caller]
    fn recovers_from(&self, version: &str, highest: u64) {
        let restored = self.run(&self.stage.s3tate, &["restore", version, "-auto-approve"]).succeeds();
        let serial = highest + 1;
        let restored = restored.says(&["restored", &format!("serial {serial}")]);
        let (lineage, stored) = lineage_and_serial(&self.stage.stored());
        assert_eq!((lineage, stored), (lineage_and_serial(&self.second).0, serial), "{restored}");
        self.stage.is_sound("default");
        let _clean = self.run(&self.stage.stock, &["plan", "-detailed-exitcode"]).succeeds();
        self.workdir.write("main.tf", self.stage.configuration(FIRST));
        let _applied = self.run(&self.stage.stock, &["apply", "-auto-approve"]).succeeds();
        self.stage.is_sound("default");
        assert_eq!(lineage_and_serial(&self.stage.stored()).1, serial + 1);
    }

    fn run(&self, client: &Client, args: &[&str]) -> s3tate_testkit::Finished {
        client.run(&self.workdir, args)
    }
}

everywhere!(a_deleted_state, a_state_overwritten_by_an_older_one, half_a_state);

fn a_deleted_state(stage: &Stage) {
    let scene = Scene::new(stage);
    stage.endpoint.store().delete(KEY);
    scene.recovers(scene.serial());
}

fn a_state_overwritten_by_an_older_one(stage: &Stage) {
    let scene = Scene::new(stage);
    stage.endpoint.store().put(KEY, scene.first.clone());
    scene.recovers(scene.serial());
}

fn half_a_state(stage: &Stage) {
    let scene = Scene::new(stage);
    stage.endpoint.store().put(KEY, &scene.second[..scene.second.len() / 2]);
    scene.recovers(scene.serial());
}

/// What a push overwrote by mistake comes back in a bucket without versions, also after another accident.
fn from_what_was_kept(stage: &Stage, accident: impl Fn(&Scene<'_>)) {
    let scene = Scene::new(stage);
    scene.workdir.write("old.json", &scene.first);
    let mistake = ["state", "push", "-force", "-keep=3", "old.json"];
    let _pushed = scene.run(&stage.s3tate, &mistake).succeeds();
    accident(&scene);
    let listed = scene.run(&stage.s3tate, &["history"]).succeeds().stdout_text();
    let kept = listed.split_whitespace().find(|word| word.starts_with("kept-")).expect("a kept state");
    scene.recovers_from(kept, scene.serial());
}

macro_rules! without_versions {
    ($($name:ident: $kind:ident $locking:ident, $accident:expr;)+) => { $(
        #[test]
        fn $name() {
            let stage = require!(Stage::unversioned(Kind::$kind, Locking::$locking));
            from_what_was_kept(&stage, $accident);
        }
    )+ };
}

without_versions! {
    kept_embedded_overwritten: Embedded Both, |_| {};
    kept_embedded_deleted: Embedded Table, |scene| scene.stage.endpoint.store().delete(KEY);
    kept_embedded_cut_off: Embedded Lockfile, |scene| scene.stage.endpoint.store().put(KEY, &scene.second[..99]);
    kept_moto_overwritten: Moto Lockfile, |_| {};
    kept_moto_deleted: Moto Both, |scene| scene.stage.endpoint.store().delete(KEY);
    kept_moto_cut_off: Moto Table, |scene| scene.stage.endpoint.store().put(KEY, &scene.second[..99]);
}

/// Check 58: a plan that stock saved is stale after a write of s3tate's.
#[test]
fn a_saved_plan_is_stale_after_a_write() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let scene = Scene::new(&stage);
    let version = format!("serial:{}", lineage_and_serial(&scene.first).1);
    scene.workdir.write("main.tf", stage.configuration(FIRST));
    let _planned = scene.run(&stage.stock, &["plan", "-out=saved"]).succeeds();
    let _restored = scene.run(&stage.s3tate, &["restore", &version, "-auto-approve"]).succeeds();
    let _stale = scene.run(&stage.stock, &["apply", "saved"]).exits(1).says(&["Saved plan is stale"]);
    stage.is_sound("default");
}

#[test]
fn history_tells_who_wrote_what() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let scene = Scene::new(&stage);
    scene.workdir.write("old.json", &scene.first);
    let _pushed = scene.run(&stage.s3tate, &["state", "push", "-force", "old.json"]).succeeds();
    stage.endpoint.store().delete(KEY);
    let lines = scene.run(&stage.s3tate, &["history", "-json"]).succeeds().stdout_text();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |name: &str| lines.iter().map(|line| line[name].clone()).collect::<Vec<_>>();
    let (first, second) = (lineage_and_serial(&scene.first), lineage_and_serial(&scene.second));
    let stocks: Vec<_> = of("terraform_version").into_iter().filter(|version| version == "1.11.4").collect();
    assert!(stocks.len() >= 3, "{lines:?}");
    assert_eq!(of("deleted")[..2], [true.into(), serde_json::Value::from(false)]);
    assert_eq!(of("latest")[..2], [true.into(), serde_json::Value::from(false)]);
    assert_eq!(of("serial")[..3], [serde_json::Value::Null, (first.1 + 1).into(), second.1.into()]);
    assert_eq!(of("lineage")[1], first.0);
    assert_eq!(of("resources")[1..3], [1.into(), serde_json::Value::from(1)]);
    assert!(of("who")[1].as_str().is_some_and(|who| who.contains('@')), "{lines:?}");
    assert_eq!(of("who")[2], serde_json::Value::Null, "stock says nothing");
    let table = scene.run(&stage.s3tate, &["history", "-limit=2"]).succeeds().stdout_text();
    assert_eq!(table.lines().count(), 3, "a heading and two versions: {table}");
}

#[test]
fn restoring_shows_what_changes_and_asks() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let scene = Scene::new(&stage);
    let version = format!("serial:{}", lineage_and_serial(&scene.first).1);
    let before = stage.endpoint.store().snapshot();
    let dry = scene.run(&stage.s3tate, &["restore", &version, "-dry-run"]).succeeds();
    for told in ["terraform_data.first", "\"two\" -> \"one\"", "greeting", "password"] {
        assert!(dry.stdout_text().contains(told), "{told}: {dry}");
    }
    assert!(!dry.to_string().contains("s3cr3t"), "{dry}");
    let restore =
        |answer: &str| stage.s3tate.command(&scene.workdir, &["restore", &version]).stdin(answer).finish();
    let _no = restore("no\n").exits(2).says(&["cancelled; nothing was written"]);
    let _nobody = restore("").exits(2).says(&["nobody answered", "-auto-approve"]);
    assert_eq!(stage.endpoint.store().snapshot(), before);
    let _yes = restore("yes\n").succeeds().says(&["restored"]);
    stage.is_sound("default");
    let again = scene.run(&stage.s3tate, &["restore", &version, "-auto-approve"]).succeeds();
    let _needless = again.says(&["holds this state already; nothing was written"]);
}

#[test]
fn differences_set_the_exit_code() {
    let stage = require!(Stage::new(Kind::Embedded, Locking::Both));
    let scene = Scene::new(&stage);
    scene.workdir.write("first.json", &scene.first);
    let serial = format!("serial:{}", scene.serial());
    let diff = |args: &[&str]| scene.run(&stage.s3tate, &[&["diff"], args].concat());
    let url = format!("s3://{}/{KEY}", stage.endpoint.store().bucket());
    for equal in [&[serial.as_str()][..], &["@{0s ago}"], &[url.as_str()], &["first.json", "./first.json"]] {
        assert_eq!(diff(equal).succeeds().stdout_text(), "", "{equal:?}");
    }
    let told = diff(&["first.json", &serial]).exits(1);
    assert!(told.stdout_text().contains("\"hello\" -> \"good evening\""), "{told}");
    assert!(!told.to_string().contains("s3cr3t"), "{told}");
    assert!(diff(&["first.json", "-show-sensitive"]).exits(1).stdout_text().contains("s3cr3t"));
    let json = diff(&["first.json", "-json"]).exits(1).json();
    assert_eq!(json["equal"], false);
    scene.workdir.write("no.json", "{}");
    let _unreadable = diff(&["no.json"]).fails().says(&["can't be read as a state", "no.json"]);
    let _missing = diff(&["./nowhere.json"]).exits(2).says(&["can't read `./nowhere.json`"]);
    let _unknown = diff(&["serial:99"]).fails().says(&["has no version with serial 99", "s3tate history"]);
}
