//! Encryption of state and lock object, and of every request that reads them again.

use s3tate::lock::{LockOptions, Operation};
use s3tate::{ErrorKind, PushOptions, WorkspaceName};
use s3tate_testkit::Store;

use crate::stage::{KEY, Stage, run, state};

const KEY_OF_32_BYTES: &str = "sse_customer_key=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Check 50: a store that refuses whoever comes without the key is satisfied by every request, also for the holder.
#[test]
fn a_customers_key_goes_with_every_request() {
    let stage = Stage::new(&[KEY_OF_32_BYTES, "encrypt=true", "use_lockfile=true"]);
    let workspace = stage.workspace("default");
    run(workspace.push(&state(1, "l", "a"), &PushOptions::default())).unwrap();
    run(workspace.push(&state(5, "l", "b"), &PushOptions::default())).unwrap();
    assert!(run(workspace.read()).unwrap().bytes.is_some());
    assert!(run(workspace.outputs()).unwrap().is_some());
    run(async {
        let guard = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap().unwrap();
        let refused = workspace.lock(Operation::StatePush, &LockOptions::default()).await.unwrap_err();
        assert!(
            refused.facts().any(|(_, value)| value.contains(&guard.info().id)),
            "the holder was looked up"
        );
        guard.release().await.unwrap();
    });
    assert!(is_encrypted(stage.endpoint.store(), KEY));
    let without = Stage::on(stage.endpoint, &[]);
    assert_eq!(run(without.workspace("default").read()).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_customers_key_goes_with_every_part() {
    let stage = Stage::new(&[KEY_OF_32_BYTES, "encrypt=true"]);
    let backend = stage.backend_with(&stage.endpoint, &[("S3TATE_MULTIPART_ABOVE", "5MiB")]);
    let workspace = backend.workspace(WorkspaceName::default_name());
    run(workspace.push(&state(1, "l", &"a".repeat(6 << 20)), &PushOptions::default())).unwrap();
    assert_eq!(run(workspace.read()).unwrap().bytes.unwrap(), state(2, "l", &"a".repeat(6 << 20)));
    assert!(is_encrypted(stage.endpoint.store(), KEY));
}

/// Whether the object can't be had without its key.
fn is_encrypted(store: &Store, key: &str) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.get(key))).is_err()
}

#[test]
fn workspaces_are_looked_for_with_the_key_too() {
    let stage = Stage::new(&[KEY_OF_32_BYTES, "encrypt=true"]);
    run(stage.workspace("dev").create(&LockOptions::default())).unwrap();
    for number in 0..1001 {
        stage.endpoint.store().put(&format!("env:/dev/other/{number}"), "{}");
    }
    let names: Vec<_> = run(stage.backend().workspaces()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["default", "dev"]);
}
