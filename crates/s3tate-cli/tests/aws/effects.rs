//! What single attributes change, where no other test shows it.

use s3tate_testkit::{Client, Endpoint, Finished, Identities, Kind, Recorder, Request, Workdir};

const STATE: &str = r#"{"version": 4, "serial": 1, "lineage": "l", "outputs": {}, "resources": []}"#;

/// Pushes a state with these options and variables on top of an endpoint that checks signatures.
fn push(options: &[&str], variables: &[(&str, &str)]) -> (Finished, Vec<Request>) {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (proxied, recorder) = endpoint.recorded();
    let env = endpoint.env();
    let fill = |text: &str| {
        let texts = [("{table}", endpoint.store().table()), ("{id}", &env["AWS_ACCESS_KEY_ID"])];
        let texts = texts.into_iter().chain([("{secret}", env["AWS_SECRET_ACCESS_KEY"].as_str())]);
        texts.fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let workdir = Workdir::new();
    workdir.write("new.json", STATE);
    let url = format!("-state=s3://{}/k", endpoint.store().bucket());
    let options: Vec<_> = options.iter().map(|option| format!("-backend-config={}", fill(option))).collect();
    let mut args = vec!["state", "push", &url];
    args.extend(options.iter().map(String::as_str));
    args.push("new.json");
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &proxied);
    let client = variables.iter().fold(client, |client, (name, value)| client.env(name, fill(value)));
    (client.run(&workdir, &args), recorder.take())
}

/// Check 49: the table that `lock_table` names gets the locks and digests.
#[test]
fn lock_table_is_where_locks_and_digests_are_kept() {
    let (pushed, requests) = push(&["lock_table={table}"], &[]);
    let _pushed = pushed.succeeds();
    let operations: Vec<_> = requests.iter().filter_map(|request| request.operation.as_deref()).collect();
    assert!(operations.contains(&"PutItem") && operations.contains(&"GetItem"), "{operations:?}");
    let (_, requests) = push(&[], &[]);
    assert!(requests.iter().all(|request| request.operation.is_none()), "no table, no request: {requests:?}");
}

#[test]
fn the_keys_of_the_block_sign() {
    let wrong = [("AWS_ACCESS_KEY_ID", "AKIAWRONG"), ("AWS_SECRET_ACCESS_KEY", "wrong")];
    let _refused = push(&[], &wrong).0.exits(1);
    let _pushed = push(&["access_key={id}", "secret_key={secret}"], &wrong).0.succeeds();
    let _refused = push(&["access_key={id}", "secret_key=wrong"], &[]).0.exits(1);
}

#[test]
fn a_profile_of_instance_metadata_is_asked_where_the_attribute_says() {
    let identities = Identities::new();
    let metadata = Recorder::start(identities.url());
    let endpoint = Endpoint::at(identities.url(), ("", ""), "states", "locks");
    let unset = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"];
    let client =
        unset.into_iter().fold(Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint), Client::without);
    let client = client.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let option = format!("-backend-config=ec2_metadata_service_endpoint={}", metadata.url());
    let whoami =
        client.run(&Workdir::new(), &["whoami", "-json", "-state=s3://states/k", &option]).succeeds();
    assert_eq!(whoami.json()["access_key_id"], "imds");
    assert!(!metadata.take().is_empty());
}

/// Check 52: the bucket stands in the path at an endpoint with path style, and in the host name at AWS.
#[test]
fn the_bucket_is_in_the_path_of_an_endpoint_and_in_the_name_of_an_aws_host() {
    let (pushed, requests) = push(&["use_path_style=true"], &[]);
    let _pushed = pushed.succeeds();
    for request in &requests {
        assert!(
            request.host.starts_with("127.0.0.1:") && request.target.starts_with("/states-"),
            "{request}"
        );
        assert!(request.target.split('?').next().is_some_and(|path| path.ends_with("/k")), "{request}");
    }

    let proxy = Recorder::start("http://127.0.0.1:1");
    let endpoint = Endpoint::at("http://127.0.0.1:1", ("AKIA", "s"), "states", "locks");
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &endpoint).without("AWS_ENDPOINT_URL");
    let client = client.env("HTTPS_PROXY", proxy.url());
    for (option, host) in [
        ("use_path_style=false", "states.s3.eu-west-1.amazonaws.com:443"),
        ("use_path_style=true", "s3.eu-west-1.amazonaws.com:443"),
    ] {
        let options =
            [option, "region=eu-west-1", "max_retries=1"].map(|option| format!("-backend-config={option}"));
        let [style, region, attempts] = &options;
        let args = ["state", "pull", "-state=s3://states/k", style, region, attempts];
        let _refused = client.run(&Workdir::new(), &args).exits(1);
        let asked = proxy.take();
        assert_eq!((asked[0].method.as_str(), asked[0].host.as_str()), ("CONNECT", host), "{option}");
    }
}
