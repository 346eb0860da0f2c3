//! Lists of accounts: one question to STS or IAM before anything else, and only if there is a list.

use s3tate_testkit::{
    ACCOUNT, Client, Endpoint, Enforced, Identities, Kind, Recorder, Request, Workdir, require,
};

const OWN: &str = "000000000000";

/// Runs `output` with these options and returns its exit code and what was asked.
fn requests(options: &[&str]) -> (Option<i32>, Vec<String>) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    endpoint.store().put("k", "{}");
    let (proxied, recorder): (Endpoint, Recorder) = endpoint.recorded();
    let url = format!("-state=s3://{}/k", endpoint.store().bucket());
    let mut args = vec!["state", "pull", &url];
    let options: Vec<_> = options.iter().map(|option| format!("-backend-config={option}")).collect();
    args.extend(options.iter().map(String::as_str));
    let finished = Client::new(env!("CARGO_BIN_EXE_s3tate"), &proxied).run(&Workdir::new(), &args);
    let asked = recorder.take();
    let name = |request: &Request| request.action().unwrap_or(&request.method).to_owned();
    (finished.code(), asked.iter().map(name).collect())
}

#[test]
fn without_lists_nobody_asks_for_the_account() {
    assert_eq!(requests(&[]).1, ["GET"]);
}

#[test]
fn an_allowed_account_is_asked_for_once() {
    let allowed = format!("allowed_account_ids=[\"1\",\"{OWN}\"]");
    assert_eq!(requests(&[&allowed]).1, ["GetCallerIdentity", "GET"]);
    assert_eq!(requests(&["forbidden_account_ids=[\"1\"]"]).1, ["GetCallerIdentity", "GET"]);
}

#[test]
fn without_validation_iam_is_asked_before_sts() {
    let skip = "skip_credentials_validation=true";
    let allowed = format!("allowed_account_ids=[\"{OWN}\"]");
    // The embedded endpoint has no IAM.
    assert_eq!(requests(&[skip, &allowed]).1, ["GetUser", "GetCallerIdentity", "GET"]);
    let both = [skip, "skip_requesting_account_id=true", &allowed];
    assert_eq!(requests(&both), (Some(2), Vec::new()));

    let identities = Identities::new();
    let iam = Recorder::start(identities.url());
    let allowed = format!("allowed_account_ids=[\"{ACCOUNT}\"]");
    for endpoint in [format!("endpoints={{iam=\"{}\"}}", iam.url()), format!("iam_endpoint={}", iam.url())] {
        assert_eq!(requests(&[skip, &allowed, &endpoint]).1, ["GET"], "{endpoint}");
        let asked = iam.take();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].action(), Some("GetUser"));
        assert!(asked[0].headers["authorization"].contains("/us-east-1/iam/"), "{:?}", asked[0].headers);
    }
}

#[test]
fn iam_takes_the_signature() {
    let enforced = require!(Enforced::start("states", "locks"));
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["iam:GetUser", "s3:*"], "Resource": "*"}}"#;
    let user = enforced.user("reader", policy);
    let _created = Client::aws(enforced.admin())
        .expect("it made the user")
        .run(&Workdir::new(), &["s3api", "create-bucket", "--bucket", "states"])
        .succeeds();
    user.store().put("k", "{}");
    let (proxied, recorder) = user.recorded();
    let args = |account: &str| {
        [
            "state".to_owned(),
            "pull".to_owned(),
            "-state=s3://states/k".to_owned(),
            "-backend-config=skip_credentials_validation=true".to_owned(),
            format!("-backend-config=allowed_account_ids=[\"{account}\"]"),
        ]
    };
    let run = |account: &str| {
        let args = args(account);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let finished = Client::new(env!("CARGO_BIN_EXE_s3tate"), &proxied).run(&Workdir::new(), &args);
        (
            finished.code(),
            recorder.take().iter().filter_map(|request| request.action().map(str::to_owned)).collect(),
        )
    };
    assert_eq!(run(ACCOUNT), (Some(0), vec!["GetUser".to_owned()]));
    assert_eq!(run("1"), (Some(1), vec!["GetUser".to_owned()]));
}

#[test]
fn a_refused_account_reads_nothing() {
    let forbidden = format!("forbidden_account_ids=[\"{OWN}\"]");
    for option in [forbidden.as_str(), "allowed_account_ids=[\"1\"]"] {
        let (code, asked) = requests(&[option]);
        assert_eq!(code, Some(1), "{option}");
        assert!(asked.iter().all(|action| action == "GetCallerIdentity"), "{asked:?}");
        assert!(!asked.is_empty());
    }
}
