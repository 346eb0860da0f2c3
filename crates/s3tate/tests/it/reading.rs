//! Reading: what is proven, what is refused, and that nothing is ever written.

use s3tate::{Env, ErrorKind, Workspace, WorkspaceName};
use s3tate_testkit::md5_hex;

use crate::stage::{KEY, Stage, run, state};

/// Records a digest as stock clients do.
fn record(stage: &Stage, digest: &str) {
    let id = format!("{}-md5", stage.lock_path());
    stage.endpoint.store().put_item(&[("LockID".into(), id), ("Digest".into(), digest.to_owned())].into());
}

/// Check 39.
#[test]
fn reading_what_is_missing_creates_nothing() {
    let stage = Stage::new(&[]);
    let before = stage.endpoint.store().snapshot();
    for name in ["default", "typo"] {
        let workspace = stage.workspace(name);
        assert!(run(workspace.read()).unwrap().bytes.is_none());
        assert!(run(workspace.outputs()).unwrap().is_none());
    }
    assert_eq!(stage.endpoint.store().snapshot(), before);
}

/// Check 5.
#[test]
fn an_empty_object_is_no_state() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, "");
    let snapshot = run(stage.workspace("default").read()).unwrap();
    assert!(snapshot.bytes.is_none());
    assert!(snapshot.etag.is_some(), "a write must replace exactly this object");
}

/// Check 9.
#[test]
fn a_digest_that_disagrees_fails_with_both_checksums() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    let recorded = "0".repeat(32);
    record(&stage, &recorded);
    for error in [
        run(stage.workspace("default").read()).unwrap_err(),
        run(stage.workspace("default").outputs()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let facts: Vec<_> = error.facts().map(|(_, value)| value.to_owned()).collect();
        assert!(facts.iter().any(|fact| fact.contains(&md5_hex(&state(1, "l", "a")))), "{facts:?}");
        assert!(facts.iter().any(|fact| fact.contains(&recorded)), "{facts:?}");
    }
}

/// Check 11.
#[test]
fn a_digest_without_an_object_is_refused() {
    let stage = Stage::new(&[]);
    record(&stage, &"a".repeat(32));
    let error = run(stage.workspace("default").read()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.hint_text().unwrap().contains("remove that item"));
}

/// Check 12.
#[test]
fn a_malformed_digest_counts_as_unknown() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    record(&stage, "zz");
    assert!(run(stage.workspace("default").read()).unwrap().bytes.is_some());
}

/// Check 4. The entity tag of an upload in parts proves nothing, so all bytes must.
#[test]
fn a_state_in_parts_is_proven_by_all_its_bytes() {
    let stage = Stage::new(&[]);
    let large = state(1, "l", &"x".repeat(12 << 20));
    stage.endpoint.store().put_in_parts(KEY, large.clone());
    record(&stage, &md5_hex(&large));
    assert!(stage.endpoint.store().get(KEY).unwrap().etag.ends_with("-3\""));
    let workspace = stage.workspace("default");
    assert!(run(workspace.read()).unwrap().bytes.unwrap() == large);
    let mut printed = Vec::new();
    assert!(run(workspace.pull(&mut printed)).unwrap().is_some());
    assert!(printed == large);
}

/// Check 57.
#[test]
fn pulled_bytes_are_the_stored_ones() {
    let stage = Stage::new(&[]);
    // Neither as s3tate nor as Terraform would lay it out.
    let bytes = b"{\"serial\":3,\n\n \"version\":4, \"unknown\": [1.0]}".to_vec();
    stage.endpoint.store().put(KEY, bytes.clone());
    for digest in [None, Some(md5_hex(&bytes))] {
        if let Some(digest) = &digest {
            record(&stage, digest);
        }
        let mut printed = Vec::new();
        assert!(run(stage.workspace("default").pull(&mut printed)).unwrap().is_some());
        assert_eq!(printed, bytes);
    }
    assert_eq!(stage.endpoint.store().digest(KEY), Some(md5_hex(&bytes)));
}

#[test]
fn nothing_unproven_is_passed_on() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    record(&stage, &md5_hex(b"another"));
    let mut printed = Vec::new();
    let error = run(stage.workspace("default").pull(&mut printed)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    stage.endpoint.store().delete(KEY);
    let error = run(stage.workspace("default").pull(&mut printed)).unwrap_err();
    assert!(error.hint_text().unwrap().contains("remove that item"), "{error:?}");
    assert!(printed.is_empty());
}

#[test]
fn a_missing_or_empty_state_is_nothing_to_pull() {
    let stage = Stage::new(&[]);
    let mut printed = Vec::new();
    assert!(run(stage.workspace("default").pull(&mut printed)).unwrap().is_none());
    stage.endpoint.store().put(KEY, "");
    assert!(run(stage.workspace("default").pull(&mut printed)).unwrap().is_none());
}

/// Check 35, and that listing costs by workspaces once there are many objects.
#[test]
fn workspaces_are_found_among_many_objects() {
    let stage = Stage::new(&[]);
    for number in 0..1100 {
        stage.endpoint.store().put(&format!("env:/a/other/{number}"), "{}");
    }
    stage.endpoint.store().put(&format!("env:/a/{KEY}"), "{}");
    stage.endpoint.store().put(&format!("env:/z/{KEY}"), "{}");
    stage.endpoint.store().put("env:/none/other", "{}");
    let (recorded, recorder) = stage.endpoint.recorded();
    let names: Vec<_> =
        run(stage.backend_through(&recorded).workspaces()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["default", "a", "z"]);
    assert_eq!(recorder.take().len(), 5, "one page, one level, three states looked for");
}

/// The SDK asks for a connector at every attempt; each has a pool of its own.
#[test]
fn requests_one_after_another_share_a_connection() {
    let stage = Stage::new(&["dynamodb_table="]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    let (recorded, recorder) = stage.endpoint.recorded();
    let workspace = stage.backend_through(&recorded).workspace(WorkspaceName::default_name());
    run(async {
        for _ in 0..5 {
            workspace.read().await.unwrap();
        }
    });
    assert_eq!((recorder.take().len(), recorder.connections()), (5, 1));
}

/// As in the crate's documentation.
#[test]
fn an_output_is_read_from_a_state_that_its_url_names() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "10.0.0.1"));
    let (bucket, table) = (stage.endpoint.store().bucket(), stage.endpoint.store().table());
    let url = format!("s3://{bucket}/{KEY}?region=us-east-1&dynamodb_table={table}");
    let named = Workspace::at(&url, Env::new(stage.endpoint.env(), "dana", "build-07")).unwrap();
    let read = run(named.outputs()).unwrap().unwrap();
    assert_eq!(read.outputs.get("v").map(|output| output.value.to_json()).as_deref(), Some("\"10.0.0.1\""));
    let refused = Workspace::at("s3://b/k?buckt=x", Env::new([], "", "")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[test]
fn outputs_of_old_formats_are_proven_too() {
    let stage = Stage::new(&[]);
    let old = br#"{"version":3,"serial":4,"modules":[{"path":["root"],"outputs":{"v":{"value":["a"]}}}]}"#;
    stage.endpoint.store().put(KEY, *old);
    record(&stage, &md5_hex(old));
    let read = run(stage.workspace("default").outputs()).unwrap().unwrap();
    assert_eq!((read.header.version, read.header.serial), (3, 4));
    assert_eq!(read.outputs.get("v").map(|output| output.ty.to_string()).as_deref(), Some("list of string"));
    record(&stage, &md5_hex(b"another"));
    assert_eq!(run(stage.workspace("default").outputs()).unwrap_err().kind(), ErrorKind::Corrupt);
}
