//! What is said where credentials are missing or unusable.

use s3tate_testkit::{Client, Endpoint, Finished, Kind, Workdir};

fn pull(options: &[&str], variables: &[(&str, &str)], config: &str) -> Finished {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let workdir = Workdir::new();
    workdir.write("../home/.aws/config", config);
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint);
    let client = client.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let client = variables.iter().fold(client, |client, (name, value)| client.env(name, *value));
    let mut args = vec!["state", "pull", "-state=s3://states/k"];
    let options: Vec<_> = options.iter().map(|option| format!("-backend-config={option}")).collect();
    args.extend(options.iter().map(String::as_str));
    let finished = client.run(&workdir, &args);
    assert_eq!(finished.stdout_text(), "");
    finished
}

#[test]
fn every_source_is_listed_where_none_gives_credentials() {
    let missing = pull(&[], &[], "").exits(1);
    assert!(
        missing.stderr_text().starts_with("error: no usable AWS credentials for `s3://states` (us-east-1)"),
        "{missing}"
    );
    let _missing = missing.says(&[
        "attributes:",
        "environment: AWS_ACCESS_KEY_ID",
        "profile `default`:",
        "container:",
        "instance metadata: switched off by AWS_EC2_METADATA_DISABLED",
        "hint:",
    ]);
}

#[test]
fn an_unknown_profile_is_an_error_even_beside_keys() {
    for (options, variables) in [
        (&["profile=nobody", "access_key=a", "secret_key=s"][..], &[][..]),
        (&[], &[("AWS_PROFILE", "nobody"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")]),
    ] {
        let _unknown = pull(options, variables, "").exits(2).says(&["no profile `nobody`"]);
    }
}

#[test]
fn a_profile_that_cannot_be_followed_says_why() {
    let circle = "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = q\n[profile q]\nrole_arn = x\n\
                  source_profile = default\n";
    let mfa = "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\nmfa_serial = m\n";
    let sso = "[default]\nsso_start_url = https://sso.example/start\nsso_region = us-east-1\nsso_account_id = 1\n\
               sso_role_name = r\n";
    let login = "[default]\nlogin_session = arn:aws:iam::1:user/dana\n";
    for (config, words) in [
        (circle, "circle"),
        (mfa, "MFA"),
        (login, "export-credentials"),
        (sso, "aws sso login --profile default"),
    ] {
        let _failed = pull(&[], &[], config).exits(1).says(&["profile `default`:", words]);
    }
}

/// Check 46: a region that only the shared config file has is reported as missing.
#[test]
fn a_region_in_the_shared_files_does_not_count() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let workdir = Workdir::new();
    workdir.write("../home/.aws/config", "[default]\nregion = us-east-1\n");
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint).without("AWS_REGION");
    let _missing =
        client.run(&workdir, &["state", "pull", "-state=s3://states/k"]).exits(2).says(&["region"]);
}
