//! What is shipped for systemd and containers.

use s3tate_testkit::{Client, Endpoint, Kind, Workdir};

use crate::certificates::{authority, issued};

const EXAMPLE: &str = include_str!("../../../../packaging/serve.example.toml");
const UNIT: &str = include_str!("../../../../packaging/s3tate.service");
const CONTAINER: &str = include_str!("../../../../packaging/Containerfile");

/// The example is a sound configuration, once it names what there is.
#[test]
fn the_example_configuration_is_sound() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let files = Workdir::new();
    let ca = authority();
    let (certificate, key) = issued(&ca, &["127.0.0.1"], "server");
    files.write("tls/cert.pem", certificate);
    files.write("tls/key.pem", key);
    let named = EXAMPLE
        .replace("acme-states", endpoint.store().bucket())
        .replace("acme-locks", endpoint.store().table())
        .replace("eu-west-1\"", "us-east-1\"\nuse_path_style = true");
    assert_ne!(named, EXAMPLE);
    files.write("serve.toml", named);
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint);
    let _sound = client
        .run(&files, &["serve", "check", "-config", "serve.toml"])
        .succeeds()
        .says(&["store and its locks answer"]);
}

/// Unit and container run what there is: each of their `s3tate` commands is one that takes these options.
#[test]
fn their_commands_are_ours() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint);
    let help = |args: &[&str]| client.run(&Workdir::new(), args).succeeds().stdout_text();
    let (serve, check, probe) = (
        help(&["serve", "--help"]),
        help(&["serve", "check", "--help"]),
        help(&["serve", "probe", "--help"]),
    );
    assert!(
        UNIT.contains("ExecStart=/usr/bin/s3tate serve -config /etc/s3tate/serve.toml")
            && serve.contains("--config")
    );
    assert!(UNIT.contains("ExecStartPre=/usr/bin/s3tate serve check -config") && check.contains("--config"));
    assert!(CONTAINER.contains("\"serve\", \"probe\"") && probe.contains("URL"));
}

/// The container asks whether its server is ready.
#[test]
fn a_probe_tells_whether_the_server_is_ready() {
    let stage = crate::stage::Stage::new();
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &stage.endpoint);
    let probe = |url: &str| client.run(&Workdir::new(), &["serve", "probe", url]);
    let url = format!("http://{}/readyz", stage.server.addr);
    let _ready = probe(&url).succeeds();
    let _not_ready = probe(&url.replace("readyz", "nothing")).exits(1).says(&["400"]);
    let _away = probe("http://127.0.0.1:9/readyz").exits(1);
}
