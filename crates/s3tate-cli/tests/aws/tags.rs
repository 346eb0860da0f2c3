//! Tags of state and lock objects.

use s3tate_testkit::{Client, Endpoint, Kind, Workdir};

#[test]
fn tags_travel_with_their_objects_and_without_checksums_if_asked() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (proxied, recorder) = endpoint.recorded();
    let workdir = Workdir::with(&format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"{}\"\n    key = \"k\"\n    use_lockfile = true\n    \
         state_tags = {{ team = \"net & work\", kind = \"state\" }}\n    lock_tags = {{ kind = \"lock\" }}\n  }}\n}}\n",
        endpoint.store().bucket()
    ));
    let client = Client::new(env!("CARGO_BIN_EXE_s3tate"), &proxied);
    let _created = client.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    let puts: Vec<_> = recorder.take().into_iter().filter(|request| request.method == "PUT").collect();
    let header = |name: &str| puts.iter().map(|put| put.headers.get(name).cloned()).collect::<Vec<_>>();
    let tags = ["kind=lock", "kind=state&team=net%20%26%20work"].map(|tags| Some(tags.to_owned()));
    let mut sent = header("x-amz-tagging");
    // The lock object is put twice, to see whether the store keeps to conditions.
    sent.dedup();
    assert_eq!(sent, tags);
    assert!(header("x-amz-checksum-sha256").iter().all(Option::is_some));

    let args = ["workspace", "new", "-backend-config=skip_s3_checksum=true", "other"];
    let _created = client.run(&workdir, &args).succeeds();
    let puts: Vec<_> = recorder.take().into_iter().filter(|request| request.method == "PUT").collect();
    assert!(puts.len() >= 2, "{puts:?}");
    for put in puts {
        let sums: Vec<_> = put.headers.keys().filter(|name| name.starts_with("x-amz-checksum")).collect();
        assert!(sums.is_empty() && !put.headers.contains_key("x-amz-trailer"), "{put:?}");
    }
}
