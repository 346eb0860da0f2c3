//! States so large that they are written in parts.

use s3tate::{ErrorKind, PushOptions, Pushed, Workspace, WorkspaceName};
use s3tate_testkit::{Endpoint, Gate, Spoil, md5_hex};

use crate::stage::{KEY, Stage, run, state};

/// The default workspace, with parts from 5 MiB on, which is S3's least.
fn workspace(stage: &Stage, endpoint: &Endpoint) -> Workspace {
    let variables = [("S3TATE_DIGEST_TIMEOUT", "0s"), ("S3TATE_MULTIPART_ABOVE", "5MiB")];
    stage.backend_with(endpoint, &variables).workspace(WorkspaceName::default_name())
}

fn large(serial: u64, letter: &str) -> Vec<u8> {
    state(serial, "l", &letter.repeat(12 << 20))
}

fn push(workspace: &Workspace, bytes: &[u8]) -> s3tate::Result<Pushed> {
    run(workspace.push(bytes, &PushOptions::default()))
}

/// Fails the test unless the stored state is this one, proven, unlocked, and without parts that are left over.
#[track_caller]
fn assert_stored(stage: &Stage, bytes: &[u8]) {
    let store = stage.endpoint.store();
    assert!(store.bytes(KEY) == bytes, "other bytes are stored");
    assert_eq!(store.digest(KEY), Some(md5_hex(bytes)));
    assert_eq!(store.items().len(), 1, "the lock is free");
    assert_eq!(store.open_uploads(), 0);
}

#[test]
fn parts_make_one_object_with_one_digest() {
    let stage = Stage::new(&[]);
    let workspace = workspace(&stage, &stage.endpoint);
    push(&workspace, &large(1, "a")).unwrap();
    assert_stored(&stage, &large(2, "a"));
    let object = stage.endpoint.store().get(KEY).unwrap();
    assert!(object.etag.ends_with("-3\""), "{}", object.etag);
    assert_eq!(object.content_type, "application/json");
    assert_eq!(object.metadata["s3tate-md5"], md5_hex(&object.bytes));
    // Replacing one goes by its entity tag, whatever that is made of.
    push(&workspace, &large(3, "b")).unwrap();
    assert_stored(&stage, &large(4, "b"));
    // What travels with it proves it without reading it.
    let (recorded, recorder) = stage.endpoint.recorded();
    let reader = stage.backend_through(&recorded).workspace(WorkspaceName::default_name());
    let mut printed = Vec::new();
    assert!(run(reader.pull(&mut printed)).unwrap().is_some());
    assert!(printed == large(4, "b"));
    assert_eq!(recorder.take().len(), 2);
}

#[test]
fn the_condition_stands_on_the_completion() {
    let stage = Stage::new(&[]);
    let workspace = workspace(&stage, &stage.endpoint);
    let empty = run(workspace.read()).unwrap();
    push(&workspace, &state(1, "l", "a")).unwrap();
    let base = run(workspace.read()).unwrap();
    push(&workspace, &state(3, "l", "first")).unwrap();
    for base in [empty, base] {
        let error = run(workspace.write_and_release(&base, large(3, "b"), None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_stored(&stage, &state(4, "l", "first"));
    }
}

#[test]
fn what_fails_halfway_leaves_the_stored_state_and_no_parts() {
    let stage = Stage::new(&[]);
    push(&stage.workspace("default"), &state(1, "l", "a")).unwrap();
    let (gated, gate) = Gate::before(&stage.endpoint);
    for operation in ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"] {
        gate.spoil(operation, Spoil::Refuse(403, "AccessDenied"), 1);
        let error = push(&workspace(&stage, &gated), &large(3, "b")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{operation}: {error}");
        assert_stored(&stage, &state(2, "l", "a"));
    }
}

#[test]
fn a_lost_reply_to_the_completion_is_settled() {
    let stage = Stage::new(&[]);
    push(&stage.workspace("default"), &state(1, "l", "a")).unwrap();
    let (gated, gate) = Gate::before(&stage.endpoint);
    gate.spoil("CompleteMultipartUpload", Spoil::LoseReply, 1);
    push(&workspace(&stage, &gated), &large(3, "b")).unwrap();
    assert_stored(&stage, &large(4, "b"));
}
