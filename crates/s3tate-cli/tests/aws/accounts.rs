//! Lists of accounts: one question to STS before anything else, and only if there is a list.

use s3tate_testkit::{Client, Endpoint, Kind, Recorder, Request, Workdir};

const OWN: &str = "000000000000";

/// Runs `output` with these options and returns its exit code and what was asked.
fn requests(options: &[&str]) -> (Option<i32>, Vec<String>) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    endpoint.store().put("k", "");
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
fn a_refused_account_reads_nothing() {
    let forbidden = format!("forbidden_account_ids=[\"{OWN}\"]");
    for option in [forbidden.as_str(), "allowed_account_ids=[\"1\"]"] {
        let (code, asked) = requests(&[option]);
        assert_eq!(code, Some(1), "{option}");
        assert!(asked.iter().all(|action| action == "GetCallerIdentity"), "{asked:?}");
        assert!(!asked.is_empty());
    }
}
