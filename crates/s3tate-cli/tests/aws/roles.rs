//! Roles against a moto that enforces signatures, policies, trust policies and external ids.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Finished, Recorder, Request, Workdir, require};

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"AWS": "arn:aws:iam::123456789012:user/ci"},
    "Condition": {"StringEquals": {"sts:ExternalId": "agreed"}}}}"#;
const ASSUME: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}"#;
const STATES: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:*", "dynamodb:*"], "Resource": "*"}}"#;
const STATE: &str = r#"{"version": 4, "serial": 1, "lineage": "l", "outputs": {}, "resources": []}"#;
const POLICY_ARN: &str = "arn:aws:iam::aws:policy/AmazonS3FullAccess";

/// An account with a user who may do nothing but assume a role, and a role that may touch states.
struct Account {
    endpoint: Endpoint,
    recorder: Recorder,
    user: (String, String),
    s3tate: Client,
    workdir: Workdir,
}

impl Account {
    fn new() -> Result<Self, Missing> {
        let endpoint = Endpoint::strict()?;
        let aws = Client::aws(&endpoint)?;
        let workdir = Workdir::new();
        let iam = |args: &[&str]| -> Finished { aws.run(&workdir, &[&["iam"], args].concat()).succeeds() };
        let _user = iam(&["create-user", "--user-name", "ci"]);
        let key = iam(&["create-access-key", "--user-name", "ci"]).json()["AccessKey"].clone();
        let _policy =
            iam(&["put-user-policy", "--user-name", "ci", "--policy-name", "p", "--policy-document", ASSUME]);
        let _role = iam(&["create-role", "--role-name", "states", "--assume-role-policy-document", TRUST]);
        let _policy = iam(&[
            "put-role-policy",
            "--role-name",
            "states",
            "--policy-name",
            "p",
            "--policy-document",
            STATES,
        ]);
        endpoint.enforce();
        let text = |name: &str| key[name].as_str().expect("a key").to_owned();
        let user = (text("AccessKeyId"), text("SecretAccessKey"));
        let recorder = Recorder::start(endpoint.url());
        let s3tate = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint)
            .env("AWS_ENDPOINT_URL", recorder.url())
            .env("AWS_ACCESS_KEY_ID", &user.0)
            .env("AWS_SECRET_ACCESS_KEY", &user.1);
        Ok(Self { endpoint, recorder, user, s3tate, workdir })
    }

    /// Runs s3tate on a directory with this in its backend block.
    fn run(&self, more: &str, args: &[&str]) -> (Finished, Vec<Request>) {
        let store = self.endpoint.store();
        self.workdir.write(
            "main.tf",
            format!(
                "terraform {{\n  backend \"s3\" {{\n    bucket = \"{}\"\n    key = \"k\"\n    region = \"us-east-1\"\n    \
                 dynamodb_table = \"{}\"\n    use_path_style = true\n{more}\n  }}\n}}\n",
                store.bucket(),
                store.table()
            ),
        );
        // The default workspace: moto checks signatures wrongly where a key has a colon.
        self.workdir.write("new.json", STATE);
        self.recorder.take();
        let finished = self.s3tate.run(&self.workdir, args);
        (finished, self.recorder.take())
    }
}

fn role(external_id: &str) -> String {
    format!(
        r#"
    assume_role = {{
      role_arn            = "arn:aws:iam::123456789012:role/states"
      external_id         = "{external_id}"
      session_name        = "deploy"
      duration            = "1h"
      source_identity     = "dana"
      policy              = "{{\"Version\":\"2012-10-17\",\"Statement\":[]}}"
      policy_arns         = ["{POLICY_ARN}"]
      tags                = {{ team = "network" }}
      transitive_tag_keys = ["team"]
    }}"#
    )
}

#[test]
fn a_role_is_assumed_with_all_that_is_asked_for_and_its_keys_are_used() {
    let account = require!(Account::new());
    let (refused, _) = account.run("", &["state", "push", "new.json"]);
    let _refused = refused.exits(1).says(&["403"]);

    let (created, requests) = account.run(&role("agreed"), &["state", "push", "new.json"]);
    let _created = created.succeeds();
    let (assumed, others): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.action().is_some());
    assert_eq!(assumed.len(), 1, "{requests:?}");
    assert_eq!(assumed[0].access_key(), Some(account.user.0.as_str()));
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::123456789012:role/states"),
        ("ExternalId", "agreed"),
        ("RoleSessionName", "deploy"),
        ("DurationSeconds", "3600"),
        ("SourceIdentity", "dana"),
        ("Policy", r#"{"Version":"2012-10-17","Statement":[]}"#),
        ("PolicyArns.member.1.arn", POLICY_ARN),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "network"),
        ("TransitiveTagKeys.member.1", "team"),
    ] {
        assert_eq!(assumed[0].form.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!others.is_empty());
    for request in others {
        let key = request.access_key().expect("it is signed");
        assert_ne!(key, account.user.0, "{request}");
        assert!(request.headers.contains_key("x-amz-security-token"), "{request}");
    }
}

#[test]
fn a_refused_role_touches_no_state() {
    let account = require!(Account::new());
    let (refused, requests) = account.run(&role("another"), &["state", "pull"]);
    let _refused = refused.exits(1).says(&["`assume_role`:", "403", "role/states"]);
    assert!(requests.iter().all(|request| request.action() == Some("AssumeRole")), "{requests:?}");
}

#[test]
fn old_flat_attributes_assume_the_role_too() {
    let account = require!(Account::new());
    let flat = "    role_arn = \"arn:aws:iam::123456789012:role/states\"\n    external_id = \"agreed\"\n    \
                session_name = \"flat\"\n";
    let (created, requests) = account.run(flat, &["state", "push", "new.json"]);
    let _created = created.succeeds();
    assert_eq!(requests[0].form.get("RoleSessionName").map(String::as_str), Some("flat"));
    assert_eq!(requests[0].form.get("DurationSeconds").map(String::as_str), Some("900"));

    let (whoami, _) = account.run(flat, &["whoami"]);
    let _whoami = whoami.succeeds().says(&["assumed-role/states/flat", "environment: used"]);
}
