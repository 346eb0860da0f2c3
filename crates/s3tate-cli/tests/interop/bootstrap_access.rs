//! The policies that `bootstrap` prints are enough for each role, and no more than that.
//!
//! moto checks actions, and resources of S3. It knows no resources of DynamoDB (every request is for `*`), no conditions,
//! and takes `dynamodb:TransactWriteItems` for an action of its own, which AWS does not: there s3tate goes on with two
//! requests, as wherever transactions are denied. KMS is not asked at all.

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Backend, Client, Endpoint, Enforced, Locking, Workdir, require};

use crate::stage::{self, FIRST, KEY, with_greeting};

struct Scene {
    enforced: Enforced,
    workdir: Workdir,
}

impl Scene {
    /// A state that an administrator has applied in a bucket that `bootstrap` made.
    fn new(locking: Locking) -> Result<Self, Missing> {
        let enforced = Enforced::start("states", "locks")?;
        let admin = enforced.admin();
        let stock = Client::terraform(Terraform::V1_11, admin)?;
        let block = Backend::new(admin, KEY, locking).block(Terraform::V1_11);
        // moto decodes what it was asked before it checks the signature, so nothing may need encoding.
        let block = block.replacen("bucket =", "workspace_key_prefix = \"\"\nbucket =", 1);
        let workdir = Workdir::with(&format!("{block}{FIRST}"));
        let _made = s3tate(admin).run(&workdir, &["bootstrap", "-apply"]).succeeds();
        let _initialised = stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        workdir.write("next.json", with_greeting(&admin.store().bytes(KEY), "pushed"));
        Ok(Self { enforced, workdir })
    }

    /// A user with exactly the printed policy, but for the resource that moto doesn't know.
    fn user(&self, role: &str) -> Endpoint {
        let asked = ["bootstrap", &format!("-policy={role}")];
        let printed = s3tate(self.enforced.admin()).run(&self.workdir, &asked).succeeds().stdout_text();
        let policy = printed.replace("arn:aws:dynamodb:us-east-1:*:table/locks", "*");
        self.enforced.user(role, &policy)
    }

    /// Runs s3tate as this user, which must succeed.
    #[track_caller]
    fn may(&self, user: &Endpoint, args: &[&str]) {
        let _done = s3tate(user).run(&self.workdir, args).succeeds();
    }

    /// Runs s3tate as this user, which must be refused, and change nothing.
    #[track_caller]
    fn may_not(&self, user: &Endpoint, args: &[&str]) {
        let before = self.enforced.admin().store().snapshot();
        let _refused = s3tate(user).run(&self.workdir, args).exits(1).says(&["403"]);
        assert_eq!(self.enforced.admin().store().snapshot(), before, "no lock stays either");
    }
}

/// The program that this crate builds, with a data directory of its own: it reads the block, as a newcomer's would.
fn s3tate(user: &Endpoint) -> Client {
    stage::s3tate(user).env("TF_DATA_DIR", ".s3tate")
}

/// Makes a test of each function for each way to lock.
macro_rules! with_each_lock {
    ($($test:ident),+ $(,)?) => { $(
        mod $test {
            use s3tate_testkit::{Locking, require};

            use super::Scene;

            #[test]
            fn table() {
                super::$test(&require!(Scene::new(Locking::Table)));
            }

            #[test]
            fn both() {
                super::$test(&require!(Scene::new(Locking::Both)));
            }
        }
    )+ };
}

with_each_lock!(a_reader_reads_and_can_not_push, a_planner_locks_and_can_not_push, a_writer_writes);

fn a_reader_reads_and_can_not_push(scene: &Scene) {
    let reader = scene.user("reader");
    scene.may(&reader, &["output", "-json"]);
    scene.may(&reader, &["state", "pull"]);
    scene.may(&reader, &["workspace", "list"]);
    let stock = require!(Client::terraform(Terraform::V1_11, &reader));
    let _read = stock.run(&scene.workdir, &["output", "-json"]).succeeds();
    scene.may_not(&reader, &["state", "push", "next.json"]);
    scene.may_not(&reader, &["state", "push", "-lock=false", "next.json"]);
}

fn a_planner_locks_and_can_not_push(scene: &Scene) {
    let planner = scene.user("planner");
    scene.may(&planner, &["output", "-json"]);
    let stock = require!(Client::terraform(Terraform::V1_11, &planner));
    let _planned = stock.run(&scene.workdir, &["plan"]).succeeds();
    // Locked by the time it is refused, and unlocked again.
    scene.may_not(&planner, &["state", "push", "next.json"]);
}

fn a_writer_writes(scene: &Scene) {
    let writer = scene.user("writer");
    scene.may(&writer, &["state", "push", "next.json"]);
    scene.may(&writer, &["workspace", "new", "dev"]);
    scene.may(&writer, &["workspace", "select", "default"]);
    scene.may(&writer, &["workspace", "delete", "dev"]);
    let stock = require!(Client::terraform(Terraform::V1_11, &writer));
    let _applied = stock.run(&scene.workdir, &["apply", "-auto-approve"]).succeeds();
    let _made = stock.run(&scene.workdir, &["workspace", "new", "by-stock"]).succeeds();
    let _back = stock.run(&scene.workdir, &["workspace", "select", "default"]).succeeds();
    let _deleted = stock.run(&scene.workdir, &["workspace", "delete", "by-stock"]).succeeds();
    assert_eq!(scene.enforced.admin().store().keys(), [KEY]);
}

#[test]
fn a_bucket_that_is_not_for_these_credentials_is_told() {
    let scene = require!(Scene::new(Locking::Both));
    let nobody = scene.enforced.user(
        "nobody",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#,
    );
    let words = ["not for these credentials", "nothing was changed", "choose another `bucket`"];
    let _refused = s3tate(&nobody).run(&scene.workdir, &["bootstrap", "-apply"]).exits(1).says(&words);
}

/// Somebody who may make buckets, but not configure all of it; then somebody who may.
#[test]
fn a_step_that_fails_is_told_and_another_run_goes_on() {
    let scene = require!(Scene::new(Locking::Both));
    let limited = scene.enforced.user(
        "limited",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
            {"Effect":"Deny","Action":"s3:PutBucketVersioning","Resource":"*"}]}"#,
    );
    let elsewhere = ["-backend-config=bucket=elsewhere", "-backend-config=dynamodb_table=elsewhere"];
    let bootstrap = |user: &Endpoint, options: &[&str]| {
        s3tate(user).run(&scene.workdir, &[&["bootstrap"], &elsewhere[..], options].concat())
    };
    let stopped = bootstrap(&limited, &["-apply"]).exits(1);
    let stopped = stopped.says(&["can't create versioning of bucket `elsewhere`", "403 AccessDenied"]);
    let stopped = stopped.says(&["done: bucket `elsewhere`, public-access-block of bucket `elsewhere`"]);
    let _stopped = stopped.says(&["remains: versioning of bucket", "`s3tate bootstrap -apply -adopt`"]);
    let half = scene.enforced.admin().with_names("elsewhere", "elsewhere").store().configuration();
    assert!(half.bucket && half.versioning.is_none() && half.table.is_none(), "{half:?}");

    let _continued = bootstrap(scene.enforced.admin(), &["-apply", "-adopt"]).succeeds();
    let whole = scene.enforced.admin().with_names("elsewhere", "elsewhere").store().configuration();
    assert_eq!(whole.versioning.as_deref(), Some("Enabled"));
    assert!(whole.table.is_some() && whole.recovery == Some(true), "{whole:?}");
}

/// With a reader's policy `doctor` says what it may not do, and does no harm.
#[test]
fn a_reader_can_ask_the_doctor() {
    let scene = require!(Scene::new(Locking::Table));
    let reader = scene.user("reader");
    let before = scene.enforced.admin().store().snapshot();
    let found = s3tate(&reader).run(&scene.workdir, &["doctor"]).succeeds();
    let _told = found.says(&[
        "not for these credentials to try",
        "these credentials may not see it",
        "can be read: serial 1",
    ]);
    assert_eq!(scene.enforced.admin().store().snapshot(), before);
}
