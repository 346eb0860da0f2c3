//! Temporary keys are kept while they last, and fetched anew when they don't.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Identities, Kind, Recorder, Workdir, require, wait_for};

/// How often the container's agent is asked during a command of several rounds, and how many requests those are.
fn asked(path: &str, args: &[&str]) -> Result<(usize, usize), Missing> {
    let endpoint = Endpoint::start(Kind::Moto)?;
    let (proxied, requests) = endpoint.recorded();
    let identities = Identities::new();
    let agent = Recorder::start(identities.url());
    let workdir = workdir(&endpoint);
    let client = client(&proxied, &format!("{}{path}", agent.url()));
    let _done = client.run(&workdir, args).succeeds();
    Ok((agent.take().len(), requests.take().len()))
}

fn workdir(endpoint: &Endpoint) -> Workdir {
    Workdir::with(&format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"{}\"\n    key = \"k\"\n    dynamodb_table = \"{}\"\n    \
         use_path_style = true\n  }}\n}}\n",
        endpoint.store().bucket(),
        endpoint.store().table()
    ))
}

/// s3tate with no other keys than those of a container's agent.
fn client(endpoint: &Endpoint, agent: &str) -> Client {
    Client::new(env!("CARGO_BIN_EXE_s3tate"), endpoint)
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent)
}

#[test]
fn lasting_keys_are_fetched_once_for_all_services() {
    let (fetched, requests) = require!(asked("/container", &["workspace", "new", "dev"]));
    assert_eq!(fetched, 1);
    assert!(requests > 3, "{requests}");
}

#[test]
fn keys_that_end_are_fetched_again() {
    let (fetched, _) = require!(asked("/expired", &["workspace", "new", "dev"]));
    assert!(fetched > 1, "{fetched}");
}

#[test]
fn keys_are_renewed_while_a_command_runs_under_a_lock() {
    let endpoint = require!(Endpoint::start(Kind::Moto));
    let identities = Identities::new();
    let agent = Recorder::start(identities.url());
    let client = client(&endpoint, &format!("{}/expired", agent.url())).env("S3TATE_LOCK_CHECK", "50ms");
    let workdir = workdir(&endpoint);
    let mut running = client.command(&workdir, &["lock", "run", "--", "cat"]).start();
    let limit = std::time::Duration::from_mins(1);
    wait_for("the lock", limit, || {
        assert!(!running.has_ended(), "it ended: {}", running.stderr_so_far());
        (endpoint.store().items().len() == 1).then_some(())
    });
    let mut renewed = 0;
    wait_for("new keys, twice", limit, || {
        renewed += agent.take().len();
        (renewed > 2).then_some(())
    });
    let _ended = running.finish().succeeds();
    assert_eq!(endpoint.store().items(), []);
}
