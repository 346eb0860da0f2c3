//! The AWS command line finds at the embedded endpoint what it finds at AWS.

use s3tate_testkit::tools::Missing;
use s3tate_testkit::{Client, Endpoint, Finished, Kind, Workdir, require};

struct Aws {
    endpoint: Endpoint,
    client: Client,
    workdir: Workdir,
}

impl Aws {
    fn new() -> Result<Self, Missing> {
        let endpoint = Endpoint::start(Kind::Embedded)?;
        Ok(Self { client: Client::aws(&endpoint)?, endpoint, workdir: Workdir::new() })
    }

    /// Runs `aws` with the words of `command`.
    fn run(&self, command: &str) -> Finished {
        self.client.run(&self.workdir, &command.split_whitespace().collect::<Vec<_>>())
    }

    fn bucket(&self) -> &str {
        self.endpoint.store().bucket()
    }

    fn table(&self) -> &str {
        self.endpoint.store().table()
    }
}

#[test]
fn second_conditional_put_fails_with_412() {
    let aws = require!(Aws::new());
    aws.workdir.write("first", "first");
    aws.workdir.write("second", "second");
    let put = |file: &str, condition: &str| {
        let bucket = aws.bucket();
        aws.run(&format!("s3api put-object --bucket {bucket} --key k --body {file} {condition}"))
    };
    let written = put("first", "--if-none-match *").succeeds().json();
    let _refused = put("second", "--if-none-match *").fails().says(&["PreconditionFailed"]);
    assert_eq!(aws.endpoint.store().bytes("k"), b"first");

    let etag = written["ETag"].as_str().expect("an ETag").to_owned();
    let _written = put("second", &format!("--if-match {etag}")).succeeds();
    let _refused = put("first", &format!("--if-match {etag}")).fails().says(&["PreconditionFailed"]);
    assert_eq!(aws.endpoint.store().bytes("k"), b"second");
}

#[test]
fn deleted_object_comes_back_when_its_marker_goes() {
    let aws = require!(Aws::new());
    let bucket = aws.bucket();
    for content in ["first", "second"] {
        aws.workdir.write("file", content);
        let put = aws.run(&format!("s3api put-object --bucket {bucket} --key dir/k --body file"));
        let _put = put.succeeds();
    }
    let listed = || aws.run(&format!("s3api list-object-versions --bucket {bucket}")).succeeds().json();
    let versions = listed()["Versions"].as_array().expect("versions").clone();
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["IsLatest"], &versions[1]["IsLatest"]), (&true.into(), &false.into()));

    let old = versions[1]["VersionId"].as_str().expect("an id");
    let get = format!("s3api get-object --bucket {bucket} --key dir/k --version-id {old} copy");
    let _got = aws.run(&get).succeeds();
    assert_eq!(aws.workdir.read("copy").as_deref(), Some(&b"first"[..]));

    let _deleted = aws.run(&format!("s3 rm s3://{bucket}/dir/k")).succeeds();
    let gone = aws.run(&format!("s3api get-object --bucket {bucket} --key dir/k copy"));
    let _gone = gone.fails().says(&["NoSuchKey"]);
    let markers = listed()["DeleteMarkers"].as_array().expect("markers").clone();
    assert_eq!(markers.len(), 1);
    assert_eq!(markers[0]["IsLatest"], true);

    let marker = markers[0]["VersionId"].as_str().expect("an id");
    let delete = format!("s3api delete-object --bucket {bucket} --key dir/k --version-id {marker}");
    let _deleted = aws.run(&delete).succeeds();
    assert_eq!(aws.endpoint.store().bytes("dir/k"), b"second");
}

#[test]
fn large_file_goes_up_and_down_in_parts() {
    let aws = require!(Aws::new());
    let bucket = aws.bucket();
    let content: Vec<u8> =
        (0..20 * 1024 * 1024_u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    aws.workdir.write("large", &content);
    let _up = aws.run(&format!("s3 cp --only-show-errors large s3://{bucket}/large")).succeeds();
    let head = aws.run(&format!("s3api head-object --bucket {bucket} --key large")).succeeds().json();
    let etag = head["ETag"].as_str().expect("an ETag");
    assert!(etag.ends_with("-3\""), "three parts of 8 MiB at most, not {etag}");
    let _down = aws.run(&format!("s3 cp --only-show-errors s3://{bucket}/large copy")).succeeds();
    assert!(aws.workdir.read("copy").as_deref() == Some(content.as_slice()), "the bytes changed on the way");
}

#[test]
fn listing_goes_on_after_a_thousand_keys() {
    let aws = require!(Aws::new());
    let bucket = aws.bucket();
    for number in 0..1005 {
        aws.endpoint.store().put(&format!("many/{number:04}"), "x");
    }
    let list = format!("s3api list-objects-v2 --bucket {bucket} --prefix many/");
    let page = aws.run(&format!("{list} --no-paginate")).succeeds().json();
    assert_eq!(page["KeyCount"], 1000);
    assert_eq!(page["IsTruncated"], true);
    let all = aws.run(&list).succeeds().json();
    let keys: Vec<_> =
        all["Contents"].as_array().expect("objects").iter().map(|one| one["Key"].as_str()).collect();
    assert_eq!(keys.len(), 1005);
    assert!(keys.is_sorted());
    let folders =
        aws.run(&format!("s3api list-objects-v2 --bucket {bucket} --delimiter /")).succeeds().json();
    assert_eq!(folders["CommonPrefixes"], serde_json::json!([{ "Prefix": "many/" }]));
}

#[test]
fn condition_on_a_taken_item_fails_by_its_name() {
    let aws = require!(Aws::new());
    let put = |id: &str| {
        let item = format!(r#"{{"LockID":{{"S":"{id}"}},"Info":{{"S":"{{}}"}}}}"#);
        let condition = ["--condition-expression", "attribute_not_exists(LockID)"];
        let put = ["dynamodb", "put-item", "--table-name", aws.table(), "--item", &item];
        aws.client.run(&aws.workdir, &[&put[..], &condition].concat())
    };
    let _first = put("a").succeeds();
    let _second = put("a").fails().says(&["ConditionalCheckFailedException"]);
    let _other = put("b").succeeds();
    let scanned = aws.run(&format!("dynamodb scan --table-name {}", aws.table())).succeeds().json();
    assert_eq!(scanned["Count"], 2);
}

#[test]
fn caller_has_an_identity() {
    let aws = require!(Aws::new());
    let caller = aws.run("sts get-caller-identity").succeeds().json();
    let account = caller["Account"].as_str().expect("an account");
    assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()), "{account}");
    let arn = caller["Arn"].as_str().expect("an ARN");
    assert!(arn.starts_with(&format!("arn:aws:iam::{account}:")), "{arn}");
    assert!(caller["UserId"].is_string());
}

#[test]
fn wrong_secret_is_refused_by_every_service() {
    let aws = require!(Aws::new());
    let stranger = aws.client.clone().env("AWS_SECRET_ACCESS_KEY", "not-the-secret");
    let before = aws.endpoint.store().snapshot();
    let (bucket, table) = (aws.bucket(), aws.table());
    for command in [
        format!("s3api list-objects-v2 --bucket {bucket}"),
        format!("dynamodb scan --table-name {table}"),
        "sts get-caller-identity".to_owned(),
    ] {
        let words: Vec<_> = command.split_whitespace().collect();
        let _refused = stranger.run(&aws.workdir, &words).fails().says(&["Signature"]);
    }
    assert_eq!(aws.endpoint.store().snapshot(), before);
}
