//! The commands that meet faults: what is there before, and what after.

use s3tate_testkit::{Backend, Endpoint, LockRecord, Locking, Store, Workdir, md5_hex};

/// The workspace that is made and deleted.
pub(crate) const OTHER: &str = "dev";

/// A command that locks or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    PushNew,
    PushNext,
    PushForced,
    PushKeeping,
    Restore,
    RestoreDeleted,
    WorkspaceNew,
    WorkspaceDelete,
    ForceUnlock,
    LockRun,
}

impl Operation {
    pub(crate) const LOCKINGS: [Locking; 3] = [Locking::Table, Locking::Lockfile, Locking::Both];

    /// Its arguments.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::PushNew | Self::PushNext => &["state", "push", "next.json"],
            Self::PushForced => &["state", "push", "-force", "next.json"],
            Self::PushKeeping => &["state", "push", "-keep=1", "next.json"],
            Self::Restore | Self::RestoreDeleted => &["restore", "serial:3", "-auto-approve"],
            Self::WorkspaceNew => &["workspace", "new", OTHER],
            Self::WorkspaceDelete => &["workspace", "delete", OTHER],
            Self::ForceUnlock => &["force-unlock", "-force", "6f0c2a7e-2c0b-4f5e-9a57-0c6f0e2f9c11"],
            Self::LockRun => &["lock", "run", "--", "touch", "ran"],
        }
    }

    /// The workspace whose state and lock it is about.
    pub(crate) fn workspace(self) -> &'static str {
        match self {
            Self::WorkspaceNew | Self::WorkspaceDelete => OTHER,
            _ => "default",
        }
    }

    /// What the state is before it.
    pub(crate) fn before(self) -> Option<Vec<u8>> {
        match self {
            Self::PushNew | Self::WorkspaceNew | Self::RestoreDeleted => None,
            Self::WorkspaceDelete => Some(state(1, "lineage-of-dev", None)),
            _ => Some(state(7, "lineage", Some("before"))),
        }
    }

    /// What is pushed. A forced push is of a state that would be refused.
    fn source(self) -> Vec<u8> {
        match self {
            Self::PushForced => state(3, "another-lineage", Some("forced")),
            _ => state(8, "lineage", Some("next")),
        }
    }

    /// What is brought back.
    fn earlier() -> Vec<u8> {
        state(3, "lineage", Some("earlier"))
    }

    /// Puts what is there before the command into the store and the directory.
    pub(crate) fn prepare(self, target: &Target<'_>, workdir: &Workdir) {
        workdir.write("next.json", self.source());
        if matches!(self, Self::Restore | Self::RestoreDeleted) {
            target.put(Self::earlier());
        }
        match self.before() {
            Some(bytes) => target.put(bytes),
            None if self == Self::RestoreDeleted => target.delete(),
            None => {}
        }
        if self == Self::ForceUnlock {
            target.backend().put_lock(&LockRecord::of_a_dead_holder(&target.lock_path()));
        }
    }

    /// Whether these bytes are what it is to leave.
    pub(crate) fn is_done_by(self, bytes: Option<&[u8]>) -> bool {
        let Some(bytes) = bytes else { return self == Self::WorkspaceDelete };
        let Ok(found) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
        match self {
            Self::PushNew | Self::PushNext | Self::PushKeeping => {
                found == parsed(&state(9, "lineage", Some("next")))
            }
            // Somebody else's write in between has a serial too.
            Self::Restore | Self::RestoreDeleted => {
                let serial = found["serial"].as_u64().filter(|serial| *serial > 3);
                serial.is_some_and(|serial| found == parsed(&state(serial, "lineage", Some("earlier"))))
            }
            Self::PushForced => found == parsed(&state(4, "another-lineage", Some("forced"))),
            Self::WorkspaceNew => {
                found["serial"] == 1 && found["resources"] == serde_json::json!([]) && bytes.ends_with(b"}\n")
            }
            Self::WorkspaceDelete => false,
            Self::ForceUnlock | Self::LockRun => Some(bytes) == self.before().as_deref(),
        }
    }
}

fn parsed(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("tests write JSON")
}

/// A state with one output, or an empty one.
pub(crate) fn state(serial: u64, lineage: &str, greeting: Option<&str>) -> Vec<u8> {
    let outputs = greeting.map_or_else(
        || serde_json::json!({}),
        |greeting| serde_json::json!({ "greeting": { "value": greeting, "type": "string" } }),
    );
    let state = serde_json::json!({
        "version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": lineage, "outputs": outputs,
        "resources": [], "check_results": null,
    });
    serde_json::to_vec_pretty(&state).expect("a document")
}

/// The state, digest and locks that a case is about.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) key: String,
    pub(crate) workspace: &'static str,
    pub(crate) locking: Locking,
}

impl Target<'_> {
    /// The default workspace's backend block.
    pub(crate) fn block(&self, attempts: u32) -> String {
        let backend = Backend::new(self.endpoint, &self.key, self.locking);
        let attributes = backend.attributes(s3tate_testkit::tools::Terraform::V1_11);
        format!("terraform {{\n  backend \"s3\" {{\n{attributes}max_retries = {attempts}\n  }}\n}}\n")
    }

    pub(crate) fn store(&self) -> &Store {
        self.endpoint.store()
    }

    /// The key of the state.
    pub(crate) fn state_key(&self) -> String {
        Backend::new(self.endpoint, &self.key, self.locking).state_key(self.workspace)
    }

    /// The same as if the workspace were the default one of its own key, to look at its locks.
    pub(crate) fn backend(&self) -> Backend<'_> {
        Backend::new(self.endpoint, &self.state_key(), self.locking)
    }

    pub(crate) fn lock_path(&self) -> String {
        self.backend().lock_path()
    }

    /// Deletes the state by hand, its digest too.
    fn delete(&self) {
        self.store().delete(&self.state_key());
        self.store().delete_item(&format!("{}-md5", self.lock_path()));
    }

    /// Stores a state as stock does, with its digest.
    pub(crate) fn put(&self, bytes: Vec<u8>) {
        let digest = md5_hex(&bytes);
        self.store().put(&self.state_key(), bytes);
        if self.locking.has_table() {
            self.store().put_digest(&self.state_key(), &digest);
        }
    }
}
