//! Reading: what is proven, what is refused, and that nothing is ever written.

use s3tate::{ErrorKind, WorkspaceName};
use s3tate_testkit::md5_hex;

use crate::stage::{KEY, Stage, run, state};

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
    let id = format!("{}-md5", stage.lock_path());
    let recorded = "0".repeat(32);
    stage.endpoint.store().put_item(&[("LockID".into(), id), ("Digest".into(), recorded.clone())].into());
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
    let id = format!("{}-md5", stage.lock_path());
    stage.endpoint.store().put_item(&[("LockID".into(), id), ("Digest".into(), "a".repeat(32))].into());
    let error = run(stage.workspace("default").read()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.hint_text().unwrap().contains("remove that item"));
}

/// Check 12.
#[test]
fn a_malformed_digest_counts_as_unknown() {
    let stage = Stage::new(&[]);
    stage.endpoint.store().put(KEY, state(1, "l", "a"));
    let id = format!("{}-md5", stage.lock_path());
    stage.endpoint.store().put_item(&[("LockID".into(), id), ("Digest".into(), "zz".into())].into());
    assert!(run(stage.workspace("default").read()).unwrap().bytes.is_some());
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
