//! Temporary keys are kept while they last, and fetched anew when they don't.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Identities, Kind, Recorder, Workdir, require};

/// How often the container's agent is asked during one command of several rounds, and how many requests those are.
fn asked(path: &str) -> Result<(usize, usize), Missing> {
    let endpoint = Endpoint::start(Kind::Moto)?;
    let (proxied, requests) = endpoint.recorded();
    let identities = Identities::new();
    let agent = Recorder::start(identities.url());
    let workdir = Workdir::with(&format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"{}\"\n    key = \"k\"\n    dynamodb_table = \"{}\"\n    \
         use_path_style = true\n  }}\n}}\n",
        endpoint.store().bucket(),
        endpoint.store().table()
    ));
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &proxied)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}{path}", agent.url()));
    let _created = client.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    Ok((agent.take().len(), requests.take().len()))
}

#[test]
fn lasting_keys_are_fetched_once_for_all_services() {
    let (fetched, requests) = require!(asked("/container"));
    assert_eq!(fetched, 1);
    assert!(requests > 3, "{requests}");
}

#[test]
fn keys_that_end_are_fetched_again() {
    let (fetched, _) = require!(asked("/expired"));
    assert!(fetched > 1, "{fetched}");
}
