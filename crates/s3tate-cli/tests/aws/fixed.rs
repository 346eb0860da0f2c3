//! Services at addresses that nobody can choose, the container's agent and instance metadata: in a network of our own.

use std::process::Command;

use s3tate_testkit::tools::{self, Tool};
use s3tate_testkit::{Client, Endpoint, Finished, Identities, Workdir, require};

const AGENT: &str = "169.254.170.2";
const METADATA: &str = "169.254.169.254";
const METADATA_6: &str = "fd00:ec2::254";

/// Runs the test below once more where all these addresses are this machine's, which ends with it.
#[test]
fn services_are_found_at_their_fixed_addresses() {
    let unshare = require!(tools::find(Tool::Unshare));
    let addresses = [AGENT, METADATA].map(|address| format!("ip addr add {address}/32 dev lo"));
    let setup = format!(
        "ip link set lo up && {} && ip -6 addr add {METADATA_6}/128 dev lo nodad && exec \"$@\"",
        addresses.join(" && ")
    );
    let test = std::env::current_exe().expect("this test's program");
    let finished = Command::new(unshare)
        .args(["-rn", "sh", "-c", &setup, "sh"])
        .arg(test)
        .args(["--exact", "fixed::in_a_network_of_its_own", "--ignored", "--nocapture"])
        .output()
        .expect("it starts");
    let said =
        [finished.stdout, finished.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(finished.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "only works where the test above runs it"]
fn in_a_network_of_its_own() {
    let sts = Identities::new();
    let agent = Identities::at(&format!("{AGENT}:80"));
    assert_eq!(
        key_of(&who(&sts, &[], &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/container")])),
        "container"
    );
    // A path beats a URL, and no proxy is asked for either.
    let full = format!("{}/nothing", sts.url());
    let both = [
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/container"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", full.as_str()),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ];
    assert_eq!(key_of(&who(&sts, &[], &both)), "container");
    drop(agent);

    let six = Identities::at(&format!("[{METADATA_6}]:80"));
    let variable = ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    let attribute = "ec2_metadata_service_endpoint_mode=IPv6";
    assert_eq!(key_of(&who(&sts, &[], &[variable])), "imds");
    assert_eq!(key_of(&who(&sts, &[attribute], &[])), "imds");
    let nobody = who(&sts, &[], &[]).exits(1);
    assert!(nobody.stderr_text().contains(METADATA), "{nobody}");
    let attribute = "ec2_metadata_service_endpoint_mode=IPv4";
    let nobody = who(&sts, &[attribute], &[variable]).exits(1);
    assert!(nobody.stderr_text().contains(METADATA), "{nobody}");
    drop(six);

    let four = Identities::at(&format!("{METADATA}:80"));
    assert_eq!(key_of(&who(&sts, &[], &[("HTTP_PROXY", "http://127.0.0.1:1")])), "imds");
    assert_eq!(key_of(&who(&sts, &[attribute], &[variable])), "imds");
    let off = who(&sts, &["skip_metadata_api_check=true"], &[]).exits(1);
    assert!(off.stderr_text().contains("`skip_metadata_api_check`"), "{off}");
    let disabled = ("AWS_EC2_METADATA_DISABLED", "true");
    let _off = who(&sts, &[], &[disabled]).exits(1);
    assert_eq!(key_of(&who(&sts, &["skip_metadata_api_check=false"], &[disabled])), "imds");
    drop(four);
}

fn who(sts: &Identities, options: &[&str], variables: &[(&str, &str)]) -> Finished {
    let endpoint = Endpoint::at(sts.url(), ("", ""), "states", "locks");
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint);
    let unset = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"];
    let client = unset.into_iter().fold(client, Client::without);
    let client = variables.iter().fold(client, |client, (name, value)| client.env(name, *value));
    let options: Vec<_> = options.iter().map(|option| format!("-backend-config={option}")).collect();
    let mut args = vec!["whoami", "-json", "-state=s3://states/k"];
    args.extend(options.iter().map(String::as_str));
    client.run(&Workdir::new(), &args)
}

fn key_of(finished: &Finished) -> String {
    assert_eq!(finished.code(), Some(0), "{finished}");
    finished.json()["access_key_id"].as_str().expect("a key").to_owned()
}
