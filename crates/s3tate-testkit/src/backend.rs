//! The `backend "s3"` block that reaches an endpoint.

use std::fmt::Write;

use crate::tools::Terraform;
use crate::{Endpoint, LockRecord, REGION};

/// Which locks a configuration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locking {
    /// A DynamoDB table.
    Table,
    /// A lock object.
    Lockfile,
    /// Both.
    Both,
    /// None at all.
    Off,
}

impl Locking {
    /// Whether the table is used.
    pub fn has_table(self) -> bool {
        matches!(self, Self::Table | Self::Both)
    }

    /// Whether the lock object is used.
    pub fn has_lockfile(self) -> bool {
        matches!(self, Self::Lockfile | Self::Both)
    }
}

/// A backend configuration for one state key of an endpoint.
#[derive(Debug, Clone)]
pub struct Backend<'a> {
    endpoint: &'a Endpoint,
    key: String,
    locking: Locking,
}

impl<'a> Backend<'a> {
    /// Keeps the state at `key` in the endpoint's bucket.
    pub fn new(endpoint: &'a Endpoint, key: &str, locking: Locking) -> Self {
        Self { endpoint, key: key.to_owned(), locking }
    }

    /// The attributes, one `name = value` a line, as this generation of Terraform knows them.
    pub fn attributes(&self, version: Terraform) -> String {
        let store = self.endpoint.store();
        let mut lines = String::new();
        let mut line = |name: &str, value: &str| writeln!(lines, "{name} = {value}").expect("text grows");
        line("bucket", &quoted(store.bucket()));
        line("key", &quoted(&self.key));
        line("region", &quoted(REGION));
        let url = quoted(self.endpoint.url());
        match version {
            Terraform::V1_11 => line("use_path_style", "true"),
            Terraform::V1_0 => {
                for name in ["endpoint", "dynamodb_endpoint", "sts_endpoint", "iam_endpoint"] {
                    line(name, &url);
                }
                line("force_path_style", "true");
                line("skip_metadata_api_check", "true");
            }
            Terraform::V0_11 => {
                assert_eq!(self.locking, Locking::Off, "0.11.11 can't be told where DynamoDB is");
                line("endpoint", &url);
                for name in [
                    "force_path_style",
                    "skip_credentials_validation",
                    "skip_get_ec2_platforms",
                    "skip_metadata_api_check",
                    "skip_region_validation",
                    "skip_requesting_account_id",
                ] {
                    line(name, "true");
                }
            }
        }
        if self.locking.has_table() {
            line("dynamodb_table", &quoted(store.table()));
        }
        if self.locking.has_lockfile() {
            assert_eq!(version, Terraform::V1_11, "older versions know no lock objects");
            line("use_lockfile", "true");
        }
        lines
    }

    /// The whole `terraform` block for this generation of Terraform.
    pub fn block(&self, version: Terraform) -> String {
        format!("terraform {{\n  backend \"s3\" {{\n{}  }}\n}}\n", self.attributes(version))
    }

    /// The state key of a workspace.
    pub fn state_key(&self, workspace: &str) -> String {
        match workspace {
            "default" => self.key.clone(),
            other => format!("env:/{other}/{}", self.key),
        }
    }

    /// The partition value of the default workspace's lock item, which is its lock record's `Path` too.
    pub fn lock_path(&self) -> String {
        format!("{}/{}", self.endpoint.store().bucket(), self.key)
    }

    /// The records of the default workspace's lock: none when it is free, one for each mechanism when it is held.
    pub fn locks(&self) -> Vec<LockRecord> {
        let store = self.endpoint.store();
        let object = store.get(&format!("{}.tflock", self.key)).map(|object| object.bytes);
        let item = store.item(&self.lock_path()).map(|item| item["Info"].clone().into_bytes());
        object.into_iter().chain(item).map(|text| LockRecord::parse(&text)).collect()
    }

    /// Whether the default workspace's lock is held by every mechanism that is configured.
    pub fn is_locked(&self) -> bool {
        let mechanisms = usize::from(self.locking.has_table()) + usize::from(self.locking.has_lockfile());
        self.locks().len() == mechanisms
    }

    /// Takes the default workspace's lock for `record` by writing it into the store.
    pub fn put_lock(&self, record: &LockRecord) {
        let store = self.endpoint.store();
        if self.locking.has_lockfile() {
            store.put(&format!("{}.tflock", self.key), record.to_json());
        }
        if self.locking.has_table() {
            let members = [("LockID", self.lock_path()), ("Info", record.to_json())];
            store.put_item(&members.map(|(name, value)| (name.to_owned(), value)).into());
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
