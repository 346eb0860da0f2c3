//! What most tests begin with: an endpoint, stock Terraform, s3tate, and a backend that both use.

use std::path::Path;

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Backend, Client, Endpoint, Kind, Locking, Workdir, md5_hex};

/// The key of the default workspace's state.
pub(crate) const KEY: &str = "network/prod.tfstate";

/// Outputs of all shapes, and a resource that needs no provider to be installed.
pub(crate) const FIRST: &str = r#"
output "greeting" {
  value = "hello"
}
output "password" {
  value     = "s3cr3t"
  sensitive = true
}
output "network" {
  value = { cidr = "10.0.0.0/16", zones = ["a", "b"], size = 3, "ünï <&>" = null, empty = [] }
}
resource "terraform_data" "first" {
  input = "one"
}
"#;

/// What [`FIRST`] became later.
pub(crate) const SECOND: &str = r#"
output "greeting" {
  value = "good evening"
}
resource "terraform_data" "first" {
  input = "two"
}
"#;

/// An endpoint with the programs that meet there.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) endpoint: Endpoint,
    pub(crate) locking: Locking,
    pub(crate) stock: Client,
    pub(crate) s3tate: Client,
}

impl Stage {
    pub(crate) fn new(kind: Kind, locking: Locking) -> Result<Self, Missing> {
        Self::on(Endpoint::start(kind)?, locking)
    }

    /// The same on a bucket that keeps no versions.
    pub(crate) fn unversioned(kind: Kind, locking: Locking) -> Result<Self, Missing> {
        Self::on(Endpoint::start_unversioned(kind)?, locking)
    }

    fn on(endpoint: Endpoint, locking: Locking) -> Result<Self, Missing> {
        let stock = Client::terraform(Terraform::V1_11, &endpoint)?;
        Ok(Self { stock, s3tate: s3tate(&endpoint), endpoint, locking })
    }

    pub(crate) fn backend(&self) -> Backend<'_> {
        Backend::new(&self.endpoint, KEY, self.locking)
    }

    /// A directory with this configuration and the stage's backend, where nothing has run yet.
    pub(crate) fn workdir(&self, body: &str) -> Workdir {
        Workdir::with(&self.configuration(body))
    }

    pub(crate) fn configuration(&self, body: &str) -> String {
        format!("{}{body}", self.backend().block(Terraform::V1_11))
    }

    /// A directory where stock has applied this configuration.
    pub(crate) fn applied(&self, body: &str) -> Workdir {
        let workdir = self.workdir(body);
        let _initialised = self.stock.run(&workdir, &["init", "-input=false"]).succeeds();
        let _applied = self.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        workdir
    }

    /// The stored bytes of the default workspace's state.
    pub(crate) fn stored(&self) -> Vec<u8> {
        self.endpoint.store().bytes(KEY)
    }

    /// Fails the test unless the workspace's state is there, its digest is right, and nobody holds its lock.
    #[track_caller]
    pub(crate) fn is_sound(&self, workspace: &str) {
        let key = self.backend().state_key(workspace);
        let store = self.endpoint.store();
        let digest = self.locking.has_table().then(|| md5_hex(&store.bytes(&key)));
        assert_eq!(store.digest(&key), digest, "the digest of `{key}`");
        assert_eq!(store.get(&format!("{key}.tflock")), None, "the lock object of `{key}`");
        assert_eq!(store.item(&format!("{}/{key}", store.bucket())), None, "the lock item of `{key}`");
    }

    /// Fails the test unless both programs say the same of this directory's outputs, and s3tate pulls what is stored.
    #[track_caller]
    pub(crate) fn is_read_alike(&self, workdir: &Workdir, workspace: &str) {
        let stock = self.stock.run(workdir, &["output", "-json"]).succeeds();
        let s3tate = self.s3tate.run(workdir, &["output", "-json"]).succeeds();
        assert_eq!(s3tate.stdout_text(), stock.stdout_text());
        let pulled = self.s3tate.run(workdir, &["state", "pull"]).succeeds();
        let stored = self.endpoint.store().bytes(&self.backend().state_key(workspace));
        assert_eq!(pulled.stdout_text(), String::from_utf8_lossy(&stored));
        assert_eq!(pulled.stdout(), stored);
    }
}

/// A file of the sample states.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let states = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../s3tate-testkit/fixtures/states"));
    std::fs::read(states.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The program that this crate builds.
pub(crate) fn s3tate(endpoint: &Endpoint) -> Client {
    Client::new(env!("CARGO_BIN_EXE_s3tate"), endpoint)
}

/// A newer state than `stored`: the next serial, and another greeting.
pub(crate) fn with_greeting(stored: &[u8], greeting: &str) -> Vec<u8> {
    let mut state: serde_json::Value = serde_json::from_slice(stored).expect("the state is JSON");
    let serial = state["serial"].as_u64().expect("it has a serial");
    state["serial"] = (serial + 1).into();
    state["outputs"]["greeting"] = serde_json::json!({ "value": greeting, "type": "string" });
    serde_json::to_vec_pretty(&state).expect("it can be written again")
}

/// The state's header, as two parts that pushes must keep in order.
pub(crate) fn lineage_and_serial(stored: &[u8]) -> (String, u64) {
    let state: serde_json::Value = serde_json::from_slice(stored).expect("the state is JSON");
    let lineage = state["lineage"].as_str().expect("it has a lineage");
    (lineage.to_owned(), state["serial"].as_u64().expect("it has a serial"))
}

/// Makes a test of each function for each endpoint and each way to lock.
macro_rules! everywhere {
    ($($test:ident),+ $(,)?) => { $(
        mod $test {
            use s3tate_testkit::{Kind, Locking, require};

            use crate::stage::Stage;

            #[test]
            fn embedded_table() {
                super::$test(&require!(Stage::new(Kind::Embedded, Locking::Table)));
            }

            #[test]
            fn embedded_lockfile() {
                super::$test(&require!(Stage::new(Kind::Embedded, Locking::Lockfile)));
            }

            #[test]
            fn embedded_both() {
                super::$test(&require!(Stage::new(Kind::Embedded, Locking::Both)));
            }

            #[test]
            fn moto_table() {
                super::$test(&require!(Stage::new(Kind::Moto, Locking::Table)));
            }

            #[test]
            fn moto_lockfile() {
                super::$test(&require!(Stage::new(Kind::Moto, Locking::Lockfile)));
            }

            #[test]
            fn moto_both() {
                super::$test(&require!(Stage::new(Kind::Moto, Locking::Both)));
            }
        }
    )+ };
}
pub(crate) use everywhere;
