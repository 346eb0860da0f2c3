//! The plan: every step with its reason, in the order in which it is carried out.

use super::inspect::{Found, Seen, inspect};
use super::judge::{self, Judged};
use super::step::{Action, Change, Step, Subject};
use crate::backend::Backend;
use crate::config::{BackendConfig, Encryption};
use crate::error::{Error, Result};

/// How to plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Change what exists and is otherwise. Default: false.
    pub adopt: bool,
    /// Whether requests without TLS are to be refused. Default: unless the configured endpoint is itself without TLS,
    /// since the statement would shut its users out.
    pub tls_only: Option<bool>,
}

/// What would be done to bucket and table. Nothing is changed until it is applied.
#[derive(Debug)]
pub struct Plan {
    pub(super) backend: Backend,
    steps: Vec<Step>,
}

impl Plan {
    /// Looks at bucket and table with one round of requests, and plans.
    ///
    /// # Errors
    /// - [`crate::ErrorKind::Denied`]: the bucket is there, but not for these credentials.
    /// - [`crate::ErrorKind::Invalid`]: the bucket is in another region.
    /// - [`crate::ErrorKind::Unavailable`]: a service did not answer.
    pub async fn make(backend: &Backend, options: Options) -> Result<Self> {
        let found = Box::pin(inspect(backend)).await?;
        let steps = Planner { config: &backend.config, found: &found, options }.steps()?;
        Ok(Self { backend: backend.clone(), steps })
    }

    /// All steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many steps take this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// The error of a step that stands in the way of everything.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: the table can't be used, and can't be changed.
    pub fn check(&self) -> Result<()> {
        let Some(step) = self.steps.iter().find(|step| step.action == Action::Refused) else { return Ok(()) };
        let error =
            Error::invalid(format!("{} can't be used: {}; nothing was changed", step.object, step.why))
                .fact("found", step.found.clone().unwrap_or_default())
                .fact("wanted", step.wanted.clone());
        Err(error.hint(
            "set `dynamodb_table` to a name that is free; `s3tate bootstrap -apply` creates that table",
        ))
    }
}

struct Planner<'a> {
    config: &'a BackendConfig,
    found: &'a Found,
    options: Options,
}

impl Planner<'_> {
    fn steps(&self) -> Result<Vec<Step>> {
        // Public access is blocked before anything else can be set.
        let mut steps = vec![self.bucket(), self.public_access(), self.versioning(), self.encryption()];
        steps.push(self.tls_only()?);
        steps.extend(self.expiry());
        if let Some(name) = &self.config.table {
            let table = format!("table `{name}`");
            steps.push(self.table(&table));
            steps.extend(self.extras(&table));
        }
        Ok(steps)
    }

    fn bucket_name(&self) -> String {
        format!("bucket `{}`", self.config.bucket)
    }

    fn bucket(&self) -> Step {
        let (action, why) = if self.found.bucket {
            (Action::Unchanged, "it is there".to_owned())
        } else {
            (Action::Create, format!("there is none; in {}", self.config.region))
        };
        Step {
            subject: Subject::Bucket,
            action,
            object: self.bucket_name(),
            why,
            found: None,
            wanted: format!("a bucket in {}", self.config.region),
            change: (action == Action::Create).then_some(Change::CreateBucket),
        }
    }

    /// A setting of the bucket: created with a new bucket; on one that exists left alone unless adopting.
    fn setting(&self, subject: Subject, judged: Judged, wanted: &str, reason: &str, change: Change) -> Step {
        let (action, why, found) = match judged {
            _ if !self.found.bucket => (Action::Create, reason.to_owned(), None),
            Judged::Fits(found) => (Action::Unchanged, "it is as it should be".to_owned(), Some(found)),
            Judged::Differs(found) if self.options.adopt => (Action::Adopt, reason.to_owned(), Some(found)),
            Judged::Differs(found) => {
                (Action::Differs, format!("{reason}; left alone without -adopt"), Some(found))
            }
            Judged::Denied => (Action::Denied, "these credentials may not see it".to_owned(), None),
            Judged::Unsupported => (Action::Unsupported, "this store doesn't have it".to_owned(), None),
        };
        let changes = matches!(action, Action::Create | Action::Adopt);
        Step {
            subject,
            action,
            object: self.bucket_name(),
            why,
            found,
            wanted: wanted.to_owned(),
            change: changes.then_some(change),
        }
    }

    fn public_access(&self) -> Step {
        let judged = judge::public_access(self.found);
        let wanted = "all kinds of public access are blocked";
        let reason = "a state is full of secrets";
        self.setting(Subject::PublicAccessBlock, judged, wanted, reason, Change::BlockPublicAccess)
    }

    fn versioning(&self) -> Step {
        let judged = judge::versioning(self.found);
        let reason = "brings back a state that was overwritten or deleted";
        self.setting(Subject::Versioning, judged, "Enabled", reason, Change::KeepVersions)
    }

    fn encryption(&self) -> Step {
        let wanted = match &self.config.encryption {
            Encryption::Kms(key) => format!("aws:kms with key `{key}`"),
            _ => "AES256".to_owned(),
        };
        let judged = judge::encryption(self.config, self.found);
        let reason = "covers what is written without asking for it";
        self.setting(Subject::DefaultEncryption, judged, &wanted, reason, Change::Encrypt)
    }

    fn tls_only(&self) -> Result<Step> {
        let (judged, after) = judge::policy(self.config, self.found)?;
        let before = match &self.found.policy {
            Seen::Known(policy) => policy.clone(),
            Seen::Denied(_) | Seen::Unsupported => None,
        };
        let wanted = if before.is_some() { "the same with one statement more" } else { "one statement" };
        let wanted = format!("{wanted}: s3:* is denied where aws:SecureTransport is false");
        let reason = "keeps states and credentials off the wire in clear";
        let change = Change::PutPolicy { before, after };
        let step = self.setting(Subject::TlsOnly, judged, &wanted, reason, change);
        Ok(if self.wants_tls_only() || step.action == Action::Unchanged { step } else { without_tls(step) })
    }

    fn wants_tls_only(&self) -> bool {
        self.options.tls_only.unwrap_or(!self.found.plain_http)
    }

    /// Lifecycle filters know prefixes only, so no rule can mean all lock objects and nothing else.
    fn expiry(&self) -> Option<Step> {
        if !self.config.use_lockfile {
            return None;
        }
        let there = matches!(self.found.expiry, Seen::Known(Some(true)));
        let (action, why) = if there {
            (Action::Unchanged, "a lifecycle rule expires old versions")
        } else {
            (
                Action::Recommended,
                "every lock leaves a version and a delete marker: consider a lifecycle rule; filters know no \
                 suffixes, so it would expire old versions of states, too",
            )
        };
        Some(Step {
            subject: Subject::LockObjectExpiry,
            action,
            object: self.bucket_name(),
            why: why.to_owned(),
            found: None,
            wanted: "noncurrent versions of `*.tflock` expire".to_owned(),
            change: None,
        })
    }

    fn table(&self, object: &str) -> Step {
        let (action, why, found) = match &self.found.table {
            Seen::Known(None) => (Action::Create, "there is none".to_owned(), None),
            Seen::Known(Some(table)) => match judge::table(table) {
                Ok(why) => (Action::Unchanged, why, Some(table.keys.clone())),
                Err(why) => (Action::Refused, why, Some(table.keys.clone())),
            },
            Seen::Denied(_) => (Action::Denied, "these credentials may not see it".to_owned(), None),
            Seen::Unsupported => (Action::Unsupported, "this store has no tables".to_owned(), None),
        };
        let change = match &self.found.table {
            Seen::Known(None) => Some(Change::CreateTable),
            Seen::Known(Some(table)) if table.fits && table.status == "CREATING" => Some(Change::AwaitTable),
            _ => None,
        };
        Step {
            subject: Subject::Table,
            action,
            object: object.to_owned(),
            why,
            found,
            wanted: "LockID (S, HASH), no other key, billed on demand".to_owned(),
            change,
        }
    }

    /// What a new table gets where the store has it, and what is only recommended for one that exists.
    fn extras(&self, object: &str) -> Vec<Step> {
        let recovery = match &self.found.recovery {
            Seen::Known(on) => Ok(on.unwrap_or_default()),
            Seen::Denied(_) => Err((Action::Denied, "these credentials may not see it")),
            Seen::Unsupported => Err((Action::Unsupported, "this store doesn't have it")),
        };
        let (new, protected) = match &self.found.table {
            Seen::Known(None) => (true, false),
            Seen::Known(Some(table)) if table.fits => (false, table.protected),
            // The step of the table itself tells.
            _ => return Vec::new(),
        };
        let extra = |subject, on: Result<bool, (Action, &str)>, why: &str, change| {
            let (action, why) = match on {
                _ if new => (Action::Create, why.to_owned()),
                Ok(true) => (Action::Unchanged, "it is on".to_owned()),
                Ok(false) => (Action::Recommended, format!("{why}; an existing table is left alone")),
                Err((action, why)) => (action, why.to_owned()),
            };
            let (object, wanted) = (object.to_owned(), "on".to_owned());
            Step { subject, action, object, why, found: None, wanted, change: new.then_some(change) }
        };
        let protects = "without the table nothing can be locked";
        let recovers = "brings digests back after a slip";
        vec![
            extra(Subject::DeletionProtection, Ok(protected), protects, Change::ProtectTable),
            extra(Subject::PointInTimeRecovery, recovery, recovers, Change::EnableRecovery),
        ]
    }
}

fn without_tls(step: Step) -> Step {
    let why =
        "the endpoint is reached without TLS: the statement would shut its users out, and -tls-only sets it";
    Step { action: Action::Unsupported, why: why.to_owned(), change: None, ..step }
}
