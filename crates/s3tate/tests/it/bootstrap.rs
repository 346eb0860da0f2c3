//! Bootstrapping: what is carried out is exactly what was planned, on exactly what was seen.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use s3tate::ErrorKind;
use s3tate::bootstrap::{Action, Options, Outcome, Plan, Subject};
use s3tate_testkit::Endpoint;

use crate::stage::{Stage, run};

const ADOPT: Options = Options { adopt: true, tls_only: Some(true) };
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"*"}]}"#;

fn plan(stage: &Stage, options: Options) -> Plan {
    run(Plan::make(&stage.backend(), options)).expect("everything can be looked at")
}

/// Applies a plan; gives the outcome, and what it was heard to have done.
fn apply(plan: &Plan) -> (s3tate::Result<()>, Vec<(Subject, Outcome)>) {
    let mut heard = Vec::new();
    let applied = run(plan.apply(|step, outcome| heard.push((step.subject, outcome))));
    (applied, heard)
}

#[test]
fn a_policy_that_changed_since_the_plan_is_not_overwritten() {
    let stage = Stage::new(&[]);
    let store = stage.endpoint.store();
    store.put_policy(POLICY);
    let made = plan(&stage, ADOPT);
    let meanwhile = POLICY.replace("\"A\"", "\"B\"");
    store.put_policy(&meanwhile);
    let error = apply(&made).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.facts().any(|(label, value)| label == "done" && value.contains("public-access-block")));
    assert!(error.facts().any(|(label, value)| label == "remains" && value.contains("tls-only")));
    assert_eq!(store.configuration().policy, Some(meanwhile));

    // Planned anew, it goes on.
    let (applied, heard) = apply(&plan(&stage, ADOPT));
    applied.unwrap();
    assert_eq!(heard, [(Subject::TlsOnly, Outcome::Done)]);
}

#[test]
fn a_bucket_that_appeared_since_the_plan_is_not_taken_over() {
    // In us-east-1 S3 takes a second creation for the first.
    let stage = Stage::new(&["bucket=appears", "region=eu-west-1"]);
    let (first, second) = (plan(&stage, Options::default()), plan(&stage, Options::default()));
    let (applied, heard) = apply(&first);
    applied.unwrap();
    assert!(heard.contains(&(Subject::Bucket, Outcome::Done)), "{heard:?}");
    let (applied, heard) = apply(&second);
    assert_eq!(applied.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(heard, []);
}

#[test]
fn a_table_that_appeared_since_the_plan_is_not_taken_over() {
    let stage = Stage::new(&["dynamodb_table=appears"]);
    let made = plan(&stage, Options::default());
    let same = stage.endpoint.with_names(stage.endpoint.store().bucket(), "appears");
    same.store().create_table("other");
    let error = apply(&made).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("`appears`"), "{error}");
    assert_eq!(plan(&stage, ADOPT).check().unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn without_a_table_there_are_no_steps_for_one() {
    let stage = Stage::new(&["dynamodb_table=", "use_lockfile=true"]);
    let made = plan(&stage, Options::default());
    let subjects: Vec<_> = made.steps().iter().map(|step| step.subject).collect();
    assert_eq!(subjects.last(), Some(&Subject::LockObjectExpiry));
    assert!(!subjects.contains(&Subject::Table));
    assert_eq!(made.count(Action::Create), 0, "the bucket is there");
}

#[test]
fn a_configured_key_becomes_the_default() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-96ef-1234567890ab";
    let stage = Stage::new(&["bucket=fresh", "encrypt=true", &format!("kms_key_id={key}")]);
    apply(&plan(&stage, Options::default())).0.unwrap();
    let made = stage.endpoint.with_names("fresh", stage.endpoint.store().table()).store().configuration();
    assert_eq!(made.encryption, Some(("aws:kms".into(), Some(key.into()))));
    assert_eq!(plan(&stage, ADOPT).count(Action::Adopt), 1, "only the policy is left to set");
}

/// A store that knows no bucket of ours and says that the name is taken.
fn store_of_somebody_else() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            drop(answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = String::from("header");
    while !line.trim().is_empty() {
        line.clear();
        request.read_line(&mut line)?;
    }
    let (status, body) = match first.split(' ').next() {
        Some("HEAD") => ("404 Not Found", ""),
        Some("PUT") => {
            ("409 Conflict", "<Error><Code>BucketAlreadyExists</Code><Message>taken</Message></Error>")
        }
        _ => ("404 Not Found", "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"),
    };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[test]
fn a_bucket_of_somebody_else_is_told() {
    let stage = Stage::new(&["dynamodb_table=", "use_path_style=true"]);
    let theirs = Endpoint::at(&store_of_somebody_else(), ("id", "secret"), "theirs", "none");
    let made = run(Plan::make(&stage.backend_through(&theirs), Options::default())).unwrap();
    let (applied, heard) = apply(&made);
    let error = applied.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().ends_with("belongs to somebody else"), "{error}");
    assert!(error.hint_text().unwrap().contains("a name that is free"));
    assert_eq!(heard, []);
}
