//! A configuration that is checked before a server uses it.

use s3tate_server::auth::token;
use s3tate_testkit::{Client, Endpoint, Finished, Kind, Workdir};

use crate::certificates::{authority, issued};

const RULE: &str = "[[rule]]\nwho = [\"token:ci\"]\npath = [\"**\"]\nallow = [\"read\"]\n";

fn backend(endpoint: &Endpoint, table: &str) -> String {
    let bucket = endpoint.store().bucket();
    format!(
        "[backend]\nbucket = \"{bucket}\"\nregion = \"us-east-1\"\ndynamodb_table = \"{table}\"\nuse_path_style = true\nmax_retries = 1\n"
    )
}

fn token() -> String {
    let hash = token::make("ci").expect("a token").hash;
    format!("[[token]]\nname = \"ci\"\nhash = \"{hash}\"\n")
}

struct Bench {
    endpoint: Endpoint,
    files: Workdir,
}

impl Bench {
    fn new() -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        Self { endpoint, files: Workdir::new() }
    }

    fn check(&self, text: &str) -> Finished {
        self.files.write("serve.toml", text);
        let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &self.endpoint);
        client.run(&self.files, &["serve", "check", "-config", "serve.toml"])
    }
}

#[test]
fn a_good_configuration_passes() {
    let bench = Bench::new();
    let (certificate, key) = issued(&authority(), &["127.0.0.1"], "server");
    bench.files.write("cert.pem", certificate);
    bench.files.write("key.pem", key);
    let table = bench.endpoint.store().table().to_owned();
    let tls = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    let text = format!("{}{}{RULE}{tls}", backend(&bench.endpoint, &table), token());
    let _good = bench.check(&text).succeeds().says(&[
        "cert.pem` is good until",
        "1 tokens, 1 rules",
        "store and its locks answer",
    ]);
    assert!(bench.endpoint.store().keys().is_empty(), "it only reads");
}

#[test]
fn problems_are_found_before_the_start() {
    let bench = Bench::new();
    let table = bench.endpoint.store().table().to_owned();
    let good = format!("{}{}{RULE}", backend(&bench.endpoint, &table), token());
    let ca = authority();
    let (certificate, _) = issued(&ca, &["127.0.0.1"], "one");
    let (_, key) = issued(&ca, &["127.0.0.1"], "another");
    bench.files.write("cert.pem", certificate);
    bench.files.write("key.pem", key);
    let _no_table = bench
        .check(&format!("{}{}{RULE}", backend(&bench.endpoint, "no-such-table"), token()))
        .fails()
        .says(&["no-such-table"]);
    let tls = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    let _other_key = bench.check(&format!("{good}{tls}")).exits(2).says(&["cert.pem"]);
    let _no_file = bench
        .check(&format!("{good}[tls]\ncertificate = \"no.pem\"\nkey = \"key.pem\"\n"))
        .exits(2)
        .says(&["no.pem"]);
    let _nobody = bench.check(RULE).exits(2).says(&["lets nobody in"]);
    let _typing = bench.check(&format!("{good}[server]\nlisten = 1\n")).exits(2).says(&["serve.toml:"]);
    let _no_hash = bench.check("[[token]]\nname = \"ci\"\nhash = \"secret\"\n").exits(2).says(&["argon2id"]);
}

/// What may be meant so is told, and no failure.
#[test]
fn doubtful_things_are_told() {
    let bench = Bench::new();
    let table = bench.endpoint.store().table().to_owned();
    let good = format!("{}{}", backend(&bench.endpoint, &table), token());
    let doubtful = RULE.replace("token:ci", "token:cd");
    let _unknown = bench
        .check(&format!("{good}{doubtful}"))
        .succeeds()
        .says(&["`token:cd`, which nobody can be", "no rule is about `token:ci`"]);
    let issuer = "[[issuer]]\nname = \"away\"\nurl = \"http://127.0.0.1:9\"\naudience = \"s3tate\"\n";
    let _away =
        bench.check(&format!("{good}{RULE}{issuer}")).succeeds().says(&["warning: the issuer `away`"]);
}

#[test]
fn a_session_key_that_can_be_guessed_is_a_problem() {
    let bench = Bench::new();
    let rest = format!("{}{RULE}{}", token(), backend(&bench.endpoint, bench.endpoint.store().table()));
    let with_key = format!("[server]\nsession_key = \"session.key\"\n{rest}");
    let _missing = bench.check(&with_key).exits(2).says(&["can't read the session key", "session.key"]);
    bench.files.write("session.key", "short");
    let _short = bench.check(&with_key).exits(2).says(&["fewer than 32 bytes", "openssl rand"]);
    bench.files.write("session.key", [7; 32]);
    let _good = bench.check(&with_key).succeeds();
}
