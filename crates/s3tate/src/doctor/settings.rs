//! Credentials, and what bucket and table are set to; judged by `bootstrap`.

use super::finding::{Finding, FindingKind, Severity};
use super::look::Seen;
use crate::bootstrap::{Action, Step, Subject};
use crate::error::ErrorKind;
use crate::workspace::Workspace;

pub(super) fn judge(workspace: &Workspace, seen: &Seen) -> Vec<Finding> {
    let mut findings = vec![identity(seen), listing(workspace, seen)];
    match &seen.settings {
        Ok(plan) => {
            let missing = |subject| {
                plan.steps().iter().any(|step| step.subject == subject && step.action == Action::Create)
            };
            let (no_bucket, no_table) = (missing(Subject::Bucket), missing(Subject::Table));
            let steps = plan.steps().iter().filter(|step| match step.subject {
                Subject::Bucket | Subject::Table => true,
                Subject::DeletionProtection | Subject::PointInTimeRecovery => !no_table,
                _ => !no_bucket,
            });
            findings.extend(steps.filter_map(setting));
            if no_bucket {
                findings.retain(|finding| finding.kind != FindingKind::Listing);
            }
        }
        Err(error) => {
            let severity = if error.kind() == ErrorKind::Denied { Severity::Note } else { Severity::Problem };
            findings.push(Finding::of_error(FindingKind::Settings, severity, error));
        }
    }
    if !workspace.backend.config.locks() {
        let finding = Finding::warning(FindingKind::NoLocks, "nothing excludes other writers");
        findings.push(finding.advice("set `use_lockfile = true` or `dynamodb_table`"));
    }
    findings
}

fn identity(seen: &Seen) -> Finding {
    match &seen.identity {
        None => {
            let summary = "whose the credentials are was not asked: no STS belongs to this store";
            Finding::note(FindingKind::Identity, summary)
        }
        Some(Ok(identity)) => {
            Finding::ok(FindingKind::Identity, format!("the credentials are {}", identity.arn))
                .fact("account", identity.account.clone())
        }
        // Nothing else needs it.
        Some(Err(error)) => Finding::of_error(FindingKind::Identity, Severity::Note, error),
    }
}

fn listing(workspace: &Workspace, seen: &Seen) -> Finding {
    let bucket = &workspace.backend.config.bucket;
    match &seen.listing {
        Ok(()) => Finding::ok(FindingKind::Listing, format!("workspaces in `{bucket}` can be listed")),
        Err(failure) => {
            let finding = Finding::warning(
                FindingKind::Listing,
                format!("workspaces in `{bucket}` can't be listed: {}", failure.cause_line()),
            );
            if !failure.is("AccessDenied") {
                return finding;
            }
            let so = "stock clients see the default workspace alone, and neither a missing bucket nor a missing state \
                      can be told from a forbidden one";
            finding.fact("so", so).advice("grant s3:ListBucket on the bucket")
        }
    }
}

/// What a step of a plan says of what is there; steps that matter to nobody now are left out.
fn setting(step: &Step) -> Option<Finding> {
    let kind = FindingKind::Setting(step.subject);
    let found = step.found.as_deref().unwrap_or("nothing");
    let exists = matches!(step.subject, Subject::Bucket | Subject::Table);
    Some(match step.action {
        Action::Unchanged => {
            Finding::ok(kind, format!("{step}: {}", step.found.as_deref().unwrap_or(&step.why)))
        }
        Action::Create => Finding::problem(kind, format!("{step} is missing"))
            .advice("correct its name, or create it")
            .command("s3tate bootstrap -apply"),
        Action::Refused => Finding::problem(kind, format!("{step} can't hold locks: {}", step.why))
            .fact("found", found)
            .fact("wanted", step.wanted.clone())
            .advice("set `dynamodb_table` to another table; `s3tate bootstrap -apply` creates it"),
        // Without TLS a statement alone is missing; the rest protects the states themselves.
        Action::Differs | Action::Adopt if step.subject == Subject::TlsOnly => {
            Finding::note(kind, format!("requests without TLS are not refused by {}", step.object))
                .command("s3tate bootstrap -apply -adopt")
        }
        Action::Differs | Action::Adopt => Finding::warning(kind, format!("{step} is not as it should be"))
            .fact("found", found)
            .fact("wanted", step.wanted.clone())
            .command("s3tate bootstrap -apply -adopt"),
        Action::Denied | Action::Recommended => Finding::note(kind, format!("{step}: {}", step.why)),
        Action::Unsupported if exists => Finding::problem(kind, format!("{step}: {}", step.why)),
        Action::Unsupported => return None,
    })
}
