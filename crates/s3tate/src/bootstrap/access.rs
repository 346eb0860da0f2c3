//! The least that each role has to be allowed, as identity policies.
//!
//! Writing conditionally needs `s3:PutObject` alone, and `TransactWriteItems` needs what its parts need. Nothing grants
//! `sts:GetCallerIdentity`, which is always allowed.

use serde::Serialize;
use serde_json::{Value, json};

use super::arn;
use crate::config::{BackendConfig, Encryption};

/// Who uses the backend, and for what. Each may do what the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads outputs and states; takes no lock.
    Reader,
    /// Locks and reads, as `terraform plan` does.
    Planner,
    /// Locks, reads and writes, and creates and deletes workspaces.
    Writer,
}

impl Role {
    /// All roles, least first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Planner, Self::Writer];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Planner => "planner",
            Self::Writer => "writer",
        }
    }

    /// What it may do, in words for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Reader => "reads states and outputs; `terraform plan` only with `-lock=false`",
            Self::Planner => "locks and reads: `terraform plan`",
            Self::Writer => {
                "locks, reads and writes: `terraform apply`, `state push`, `workspace new` and `delete`"
            }
        }
    }

    fn locks(self) -> bool {
        self != Self::Reader
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

/// The least policy for a role on this backend: JSON, ends with a newline.
pub fn access_policy(config: &BackendConfig, role: Role) -> String {
    let mut statement = vec![list(config), states(config, role)];
    if role == Role::Writer {
        statement.push(deletion(config));
    }
    if role.locks() && config.use_lockfile {
        statement.push(lock_objects(config));
    }
    statement.extend(table(config, role));
    statement.extend(kms(config, role));
    let document = Document { version: "2012-10-17", statement };
    // A document of texts can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn allow(sid: &'static str, action: Vec<&'static str>, resource: Vec<String>) -> Statement {
    Statement { sid, effect: "Allow", action, resource, condition: None }
}

/// Finds workspaces, and lets a missing state be told from a forbidden one: without it S3 answers 403 for both.
///
/// It carries no condition on `s3:prefix`: the look for a missing object has no prefix that could fulfil it.
fn list(config: &BackendConfig) -> Statement {
    allow("ListWorkspacesAndTellMissingFromForbidden", vec!["s3:ListBucket"], vec![arn::bucket(config)])
}

fn states(config: &BackendConfig, role: Role) -> Statement {
    let resource = [arn::default_state(config), arn::other_states(config)];
    let resource = resource.map(|pattern| arn::objects(config, &pattern)).into();
    if role != Role::Writer {
        return allow("ReadStates", vec!["s3:GetObject"], resource);
    }
    // Stock clients write what is larger than 5 MiB in parts, and give up half-written ones.
    let mut action = vec!["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];
    action.extend(acl(config));
    allow("ReadAndWriteStates", action, resource)
}

fn acl(config: &BackendConfig) -> Option<&'static str> {
    config.acl.is_some().then_some("s3:PutObjectAcl")
}

fn deletion(config: &BackendConfig) -> Statement {
    let states = arn::objects(config, &arn::other_states(config));
    allow("DeleteWorkspaces", vec!["s3:DeleteObject"], vec![states])
}

fn lock_objects(config: &BackendConfig) -> Statement {
    let states = [arn::default_state(config), arn::other_states(config)];
    let resource = states.map(|pattern| arn::objects(config, &format!("{pattern}.tflock"))).into();
    let mut action = vec!["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    action.extend(acl(config));
    allow("LockObjects", action, resource)
}

fn table(config: &BackendConfig, role: Role) -> Option<Statement> {
    let resource = vec![arn::table(config, config.table.as_deref()?)];
    Some(if role.locks() {
        allow(
            "LocksAndDigests",
            vec!["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"],
            resource,
        )
    } else {
        allow("ReadDigests", vec!["dynamodb:GetItem"], resource)
    })
}

/// Lock objects are encrypted as states are, so whoever writes either makes data keys.
fn kms(config: &BackendConfig, role: Role) -> Option<Statement> {
    let Encryption::Kms(key) = &config.encryption else { return None };
    let writes = role == Role::Writer || (role.locks() && config.use_lockfile);
    let mut action = vec!["kms:Decrypt"];
    if writes {
        action.push("kms:GenerateDataKey");
    }
    let (resource, alias) = arn::kms_key(config, key);
    let condition = alias.map(|alias| json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}));
    Some(Statement { condition, ..allow("UseKey", action, vec![resource]) })
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
