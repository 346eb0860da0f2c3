//! Weaknesses of stock clients that `docs/weaknesses.md` lists, where no other test shows that s3tate lacks them.

use s3tate::lock::{LockKind, LockOptions, Operation};
use s3tate::{ErrorKind, WorkspaceName};
use s3tate_testkit::{Endpoint, Gate, Spoil, md5_hex};

use crate::stage::{KEY, Stage, run, state};

/// One attempt: whatever is refused stays refused.
const ONCE: [&str; 2] = ["use_lockfile=true", "max_retries=1"];

fn behind_a_gate(options: &[&str]) -> (Stage, Endpoint, Gate) {
    let stage = Stage::new(options);
    let (behind, gate) = Gate::before(&stage.endpoint);
    (stage, behind, gate)
}

fn object_request(stage: &Stage, method: &str, suffix: &str) -> String {
    format!("{method} /{}/{KEY}{suffix}", stage.endpoint.store().bucket())
}

/// Check 13, and W5.
#[test]
fn a_denied_digest_is_an_error_with_item_and_value() {
    let (stage, behind, gate) = behind_a_gate(&["max_retries=1"]);
    let workspace = stage.workspace_through(&behind);
    let base = run(workspace.read()).unwrap();
    gate.spoil("PutItem", Spoil::Refuse(400, "AccessDeniedException"), 1);
    let error = run(workspace.write_and_release(&base, state(1, "l", "a"), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    let digest = md5_hex(&state(1, "l", "a"));
    assert!(error.facts().any(|(name, fact)| name == "digest" && fact == digest), "{error:?}");
    assert!(error.facts().any(|(_, fact)| fact.contains(&format!("{}-md5", stage.lock_path()))), "{error:?}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("dynamodb:PutItem")), "{error:?}");
}

/// Checks 29 and 30, and W7: another write under way, and a holder that is gone when it is looked up.
#[test]
fn a_refusal_without_a_holder_is_tried_again() {
    for (status, code) in [(409, "ConditionalRequestConflict"), (412, "PreconditionFailed")] {
        let (stage, behind, gate) = behind_a_gate(&ONCE);
        let workspace = stage.workspace_through(&behind);
        let first = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap().unwrap();
        run(first.release()).unwrap();
        gate.spoil(&object_request(&stage, "PUT", ".tflock"), Spoil::Refuse(status, code), 1);
        let guard = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap().unwrap();
        assert_eq!(guard.held().len(), 2, "{code}");
        run(guard.release()).unwrap();
    }
}

/// W8: somebody holds the lock, and the request fails for another reason.
#[test]
fn a_lock_request_that_fails_is_not_called_held() {
    let (stage, behind, gate) = behind_a_gate(&["max_retries=1"]);
    let holder = run(stage.workspace("default").lock(Operation::LockRun, &LockOptions::default())).unwrap();
    for (code, kind) in
        [("ThrottlingException", ErrorKind::Unavailable), ("AccessDeniedException", ErrorKind::Denied)]
    {
        gate.spoil("PutItem", Spoil::Refuse(400, code), 1);
        let error = run(stage.workspace_through(&behind).lock(Operation::StatePush, &LockOptions::default()));
        assert_eq!(error.unwrap_err().kind(), kind);
    }
    run(holder.unwrap().release()).unwrap();
}

/// W19: the lock of a workspace that has no state yet.
#[test]
fn a_lock_without_a_state_is_removed() {
    let stage = Stage::new(&["use_lockfile=true"]);
    let workspace = stage.workspace("dev");
    let guard = run(workspace.lock(Operation::Init, &LockOptions::default())).unwrap().unwrap();
    let released = run(workspace.force_unlock(&guard.info().id)).unwrap();
    assert_eq!(released.removed, [LockKind::LockFile, LockKind::DynamoDb]);
    assert!(stage.endpoint.store().items().is_empty() && stage.endpoint.store().keys().is_empty());
    run(guard.release()).unwrap();
}

/// W22: the item is held by somebody else, and the lock object can't be given back.
#[test]
fn a_clean_up_that_fails_names_what_is_left_and_who_refused() {
    let (stage, behind, gate) = behind_a_gate(&ONCE);
    let (endpoint, _open) = Gate::before(&stage.endpoint);
    let table_only = Stage::on(endpoint, &[]);
    let theirs =
        run(table_only.workspace("default").lock(Operation::LockRun, &LockOptions::default())).unwrap();
    let theirs = theirs.unwrap();
    gate.spoil(&object_request(&stage, "DELETE", ".tflock"), Spoil::Refuse(503, "SlowDown"), 9);
    let workspace = stage.workspace_through(&behind);
    let error = run(workspace.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert!(error.facts().any(|(name, fact)| name == "left behind" && fact.contains(".tflock")), "{error:?}");
    assert!(
        error.facts().any(|(name, fact)| name == "refused" && fact.contains(&theirs.info().id)),
        "{error:?}"
    );
    run(theirs.release()).unwrap();
}

/// Check 36, and W26: a workspace is read, written and deleted whether or not it can be listed.
#[test]
fn a_workspace_that_can_not_be_listed_is_found() {
    let (stage, behind, gate) = behind_a_gate(&["max_retries=1"]);
    run(stage.workspace("dev").create(&LockOptions::default())).unwrap();
    let listing = format!("GET /{}", stage.endpoint.store().bucket());
    for name in [listing.clone(), format!("{listing}/")] {
        gate.spoil(&name, Spoil::Refuse(403, "AccessDenied"), 9);
    }
    let backend = stage.backend_through(&behind);
    let listed = run(backend.workspaces()).unwrap();
    assert_eq!(listed, [WorkspaceName::default_name()], "otherwise the listing was not refused");
    let dev = backend.workspace(WorkspaceName::new("dev").unwrap());
    assert!(run(dev.read()).unwrap().bytes.is_some());
    assert_eq!(run(dev.create(&LockOptions::default())).unwrap_err().kind(), ErrorKind::Conflict);
    run(dev.delete(false, &LockOptions::default())).unwrap();
}

/// W27: nobody can lock the workspace before it is gone.
#[test]
fn a_workspace_is_locked_until_it_is_deleted() {
    let (stage, behind, gate) = behind_a_gate(&["workspace_key_prefix=w"]);
    let theirs = stage.workspace("dev");
    run(theirs.create(&LockOptions::default())).unwrap();
    let ours = stage.backend_through(&behind).workspace(WorkspaceName::new("dev").unwrap());
    gate.spoil(&format!("DELETE /{}/w/dev/{KEY}", stage.endpoint.store().bucket()), Spoil::Hold, 1);
    std::thread::scope(|scope| {
        let deletion = scope.spawn(|| run(ours.delete(false, &LockOptions::default())));
        gate.wait();
        let error = run(theirs.lock(Operation::StatePush, &LockOptions::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        gate.open();
        deletion.join().unwrap().unwrap();
    });
    assert!(stage.endpoint.store().items().is_empty(), "neither digest nor lock");
}

/// W28: never taken for "no state".
#[test]
fn a_missing_bucket_is_no_empty_state() {
    let stage = Stage::new(&["bucket=nowhere-at-all"]);
    let error = run(stage.workspace("default").read()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("there is no bucket `nowhere-at-all`"), "{error}");
}
