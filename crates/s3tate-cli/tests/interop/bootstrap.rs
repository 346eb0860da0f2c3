//! `bootstrap`: the plan comes first, what is missing is made once, and what exists is left alone unless asked.

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{
    Backend, Client, Configuration, Endpoint, Finished, Kind, Locking, Recorder, Request, Workdir, require,
};

use crate::stage::{FIRST, KEY, s3tate};

/// Somebody else's policy, written as nobody would write it anew.
const OTHER: &str = r#"{"Version":"2012-10-17","Id":"theirs","Statement":[{"Sid":"Keep","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObjectTagging","Resource":"arn:aws:s3:::BUCKET/keep/*"}]}"#;

/// An endpoint that has neither the bucket nor the table that a directory names.
struct Scene {
    endpoint: Endpoint,
    recorder: Recorder,
    s3tate: Client,
    workdir: Workdir,
    /// Keeps the endpoint running.
    _base: Endpoint,
}

impl Scene {
    fn new(kind: Kind) -> Result<Self, Missing> {
        let base = Endpoint::start(kind)?;
        let name = format!("new-{}", base.store().bucket());
        let (endpoint, recorder) = base.with_names(&name, &name).recorded();
        let block = Backend::new(&endpoint, KEY, Locking::Both).block(Terraform::V1_11);
        let workdir = Workdir::with(&format!("{block}{FIRST}"));
        Ok(Self { s3tate: s3tate(&endpoint), endpoint, recorder, workdir, _base: base })
    }

    /// Runs `s3tate bootstrap` with these options; also gives how many of its requests may change something.
    fn bootstrap(&self, options: &[&str]) -> (Finished, usize) {
        self.recorder.take();
        let finished = self.s3tate.run(&self.workdir, &[&["bootstrap"], options].concat());
        let writes = self.recorder.take().iter().filter(|request| may_write(request)).count();
        (finished, writes)
    }

    fn configuration(&self) -> Configuration {
        self.endpoint.store().configuration()
    }
}

fn may_write(request: &Request) -> bool {
    match &request.operation {
        Some(operation) => !operation.starts_with("Describe"),
        None => !["GET", "HEAD"].contains(&request.method.as_str()),
    }
}

/// The actions of a JSON plan by what they are about.
fn actions(plan: &Finished) -> Vec<(String, String)> {
    let plan = plan.json();
    assert_eq!(plan["format_version"], "1.0");
    let text = |value: &serde_json::Value| value.as_str().expect("a word").to_owned();
    let steps = plan["steps"].as_array().expect("an array of steps");
    steps.iter().map(|step| (text(&step["step"]), text(&step["action"]))).collect()
}

#[track_caller]
fn action(plan: &Finished, subject: &str) -> String {
    let found = actions(plan).into_iter().find(|(name, _)| name == subject);
    found.unwrap_or_else(|| panic!("no step `{subject}` in {plan}")).1
}

/// Makes a test of each function for each endpoint.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => { $(
        mod $test {
            use s3tate_testkit::{Kind, require};

            use super::Scene;

            #[test]
            fn embedded() {
                super::$test(&require!(Scene::new(Kind::Embedded)));
            }

            #[test]
            fn moto() {
                super::$test(&require!(Scene::new(Kind::Moto)));
            }
        }
    )+ };
}

on_both!(
    a_plan_changes_nothing,
    an_empty_store_gets_everything_once,
    stock_terraform_works_on_what_was_made,
    what_exists_is_left_alone_until_it_is_adopted,
    a_table_with_another_key_is_refused,
    a_bucket_is_made_in_its_region,
);

fn a_plan_changes_nothing(scene: &Scene) {
    let before = scene.configuration();
    assert!(!before.bucket && before.table.is_none(), "{before:?}");
    let (human, writes) = scene.bootstrap(&[]);
    let human = human.succeeds().says(&["plan: 7 to create", "nothing was changed", "s3:ListBucket"]);
    assert!(human.stdout_text().contains("create       bucket `"), "{human}");
    assert_eq!(writes, 0);
    let (json, writes) = scene.bootstrap(&["-json", "-tls-only", "-adopt"]);
    let json = json.succeeds();
    assert_eq!(writes, 0);
    for (subject, action) in actions(&json) {
        let expected = if subject == "lock-object-expiry" { "recommended" } else { "create" };
        assert_eq!(action, expected, "{subject}");
    }
    assert_eq!(scene.configuration(), before);
}

fn an_empty_store_gets_everything_once(scene: &Scene) {
    let (applied, writes) = scene.bootstrap(&["-apply", "-tls-only"]);
    let _applied = applied.succeeds().says(&["done: bucket `", "done: versioning of", "done: table `"]);
    assert!(writes >= 6, "{writes}");
    let made = scene.configuration();
    assert_eq!(made.versioning.as_deref(), Some("Enabled"));
    assert_eq!(made.encryption, Some(("AES256".into(), None)));
    assert_eq!(made.public_access_block, Some([true; 4]));
    assert!(made.policy.as_ref().is_some_and(|policy| policy.contains("aws:SecureTransport")), "{made:?}");
    let table = made.table.clone().expect("a table");
    assert!(table.contains("LockID") && table.contains("PayPerRequest") && table.contains("true"), "{table}");

    let (again, writes) = scene.bootstrap(&["-apply", "-adopt", "-tls-only", "-json"]);
    let again = again.succeeds();
    for (subject, action) in actions(&again) {
        assert!(["unchanged", "recommended"].contains(&action.as_str()), "{subject}: {action}");
    }
    assert_eq!(writes, 0);
    assert_eq!(scene.configuration(), made);
}

/// Both endpoints are reached without TLS here, so the policy that refuses that has to be left out.
fn stock_terraform_works_on_what_was_made(scene: &Scene) {
    let (applied, _) = scene.bootstrap(&["-apply", "-json"]);
    assert_eq!(action(&applied.succeeds(), "tls-only"), "unsupported");
    assert_eq!(scene.configuration().policy, None);
    let _initialised = scene.s3tate.run(&scene.workdir, &["init"]).succeeds();
    let stock = require!(Client::terraform(Terraform::V1_11, &scene.endpoint));
    let _initialised = stock.run(&scene.workdir, &["init", "-input=false"]).succeeds();
    let _applied = stock.run(&scene.workdir, &["apply", "-auto-approve"]).succeeds();
    let read = scene.s3tate.run(&scene.workdir, &["output", "-raw", "greeting"]).succeeds();
    assert_eq!(read.stdout_text(), "hello");
}

fn what_exists_is_left_alone_until_it_is_adopted(scene: &Scene) {
    let store = scene.endpoint.store();
    store.create_bucket();
    store.keep_versions();
    store.suspend_versioning();
    let theirs = OTHER.replace("BUCKET", store.bucket());
    store.put_policy(&theirs);
    store.create_table("LockID");
    let before = scene.configuration();

    let (untouched, writes) = scene.bootstrap(&["-apply", "-tls-only"]);
    let untouched = untouched.succeeds().says(&["found: Suspended", "wanted: Enabled", "left alone"]);
    assert!(untouched.stdout_text().contains(&theirs), "the policy is shown as it is: {untouched}");
    assert_eq!(writes, 0);
    assert_eq!(scene.configuration(), before);

    let (adopted, _) = scene.bootstrap(&["-apply", "-adopt", "-tls-only", "-json"]);
    let adopted = adopted.succeeds();
    for (subject, expected) in
        [("bucket", "unchanged"), ("versioning", "adopt"), ("tls-only", "adopt"), ("table", "unchanged")]
    {
        assert_eq!(action(&adopted, subject), expected, "{subject}");
    }
    let after = scene.configuration();
    assert_eq!(after.versioning.as_deref(), Some("Enabled"));
    assert_eq!(after.public_access_block, Some([true; 4]));
    assert_eq!(after.table, before.table);
    let parse = |policy: &str| serde_json_value(policy);
    let (old, new) = (parse(&theirs), parse(&after.policy.expect("a policy")));
    assert_eq!(new["Id"], old["Id"]);
    assert_eq!(new["Statement"][0], old["Statement"][0]);
    assert_eq!(new["Statement"][1]["Condition"]["Bool"]["aws:SecureTransport"], "false");

    let (again, writes) = scene.bootstrap(&["-apply", "-adopt", "-tls-only"]);
    let _again = again.succeeds();
    assert_eq!(writes, 0);
}

fn serde_json_value(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("a policy is JSON")
}

fn a_table_with_another_key_is_refused(scene: &Scene) {
    scene.endpoint.store().create_table("lock_id");
    let before = scene.configuration();
    for options in [&[][..], &["-apply", "-adopt"]] {
        let (refused, writes) = scene.bootstrap(options);
        let refused = refused.exits(2).says(&["refused", "lock_id (S, HASH)", "LockID (S, HASH)"]);
        assert!(refused.stderr_text().contains("dynamodb_table"), "it says what to do: {refused}");
        assert_eq!(writes, 0, "not even the bucket is made");
    }
    assert_eq!(scene.configuration(), before);
}

fn a_bucket_is_made_in_its_region(scene: &Scene) {
    let (applied, _) = scene.bootstrap(&["-apply", "-backend-config=region=eu-west-1"]);
    let _applied = applied.succeeds();
    assert_eq!(scene.configuration().location.as_deref(), Some("eu-west-1"));
}

#[test]
fn everything_is_looked_at_in_one_round() {
    let scene = require!(Scene::new(Kind::Embedded));
    let run = || scene.bootstrap(&["-json"]).0.succeeds();
    let _finished = scene.recorder.sends_together(8, run);
}

#[test]
fn what_the_store_does_not_have_is_said_and_no_failure() {
    let scene = require!(Scene::new(Kind::Embedded));
    let (applied, _) = scene.bootstrap(&["-apply"]);
    let _applied = applied.succeeds().says(&["not supported here: point-in-time-recovery of table"]);
}

#[test]
fn a_policy_alone_is_json_and_asks_nothing() {
    let scene = require!(Scene::new(Kind::Embedded));
    for role in ["reader", "planner", "writer"] {
        let policy = scene.s3tate.run(&scene.workdir, &["bootstrap", &format!("-policy={role}")]).succeeds();
        assert_eq!(policy.json()["Version"], "2012-10-17");
    }
    assert_eq!(scene.recorder.take(), []);
    let _wrong = scene.s3tate.run(&scene.workdir, &["bootstrap", "-policy=owner"]).exits(2);
}
