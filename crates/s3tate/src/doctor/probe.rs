//! The probe: what the store does with conditions, tried on keys that nobody else uses.
//!
//! Every key is that of a lock object (and every item that of a lock) of a workspace `s3tate-probe-<random>`, which
//! doesn't exist: listings of workspaces don't show it, policies that allow lock objects of workspaces allow it, and one
//! that a killed run leaves behind says what it is. All are removed at the end, with their versions where that is allowed.

use std::collections::BTreeMap;

use super::behaviour::{Behaviour, Observed};
use crate::aws::Failure;
use crate::backend::Backend;
use crate::config::Encryption;
use crate::digest::StateDigest;
use crate::error::{ErrorKind, Result};
use crate::lock::{Holder, ItemLock, LockInfo, LockKind, LockRecord, LockStore as _, Refusal};
use crate::names::{ETag, WorkspaceName};
use crate::object::{Bucket, Condition, Put};
use crate::workspace::Workspace;

/// How the workspaces of probes are called, before random digits.
pub(super) const PREFIX: &str = "s3tate-probe-";
/// What the probe's records say they are for.
const OPERATION: &str = "doctor-probe";

/// What was seen, and what is left of it.
#[derive(Debug, Default)]
pub(super) struct Probed {
    pub(super) observed: Vec<(Behaviour, Observed)>,
    /// What could not be removed: its key or item, and why.
    pub(super) left: Vec<(LockKind, String, String)>,
}

/// Tries everything, on keys of its own, and cleans up.
pub(super) async fn run(backend: &Backend) -> Result<Probed> {
    let (twice, marker, item) = (Scratch::new(backend)?, Scratch::new(backend)?, Scratch::new(backend)?);
    let (first, second, third) = tokio::join!(twice.conditions(), marker.over_marker(), item.table());
    let mut probed = Probed::default();
    for (mut observed, left) in [first, second, third] {
        probed.observed.append(&mut observed);
        probed.left.extend(left);
    }
    Ok(probed)
}

type Outcome = (Vec<(Behaviour, Observed)>, Option<(LockKind, String, String)>);

/// A lock object and a lock item of a workspace that doesn't exist.
struct Scratch {
    workspace: Workspace,
    bucket: Bucket,
    key: String,
    info: LockInfo,
}

impl Scratch {
    fn new(backend: &Backend) -> Result<Self> {
        let name = format!("{PREFIX}{}", backend.env.random_id()?);
        let workspace = backend.workspace(WorkspaceName::new(name)?);
        let info = LockInfo {
            id: backend.env.random_id()?,
            operation: OPERATION.to_owned(),
            who: backend.env.who(),
            created: backend.env.now().to_string(),
            path: workspace.lock_path().to_string(),
            ..LockInfo::default()
        };
        Ok(Self { bucket: workspace.bucket(), key: workspace.key.lock_object(), workspace, info })
    }

    /// The body of one step; all differ.
    fn record(&self, step: &str) -> LockRecord {
        LockRecord::new(LockInfo { info: step.to_owned(), ..self.info.clone() })
    }

    async fn put(&self, step: &str, condition: Condition<'_>) -> Result<ETag, Failure> {
        let bytes = self.record(step).text.into_bytes().into();
        let tags = BTreeMap::new();
        let put = Put { key: &self.key, bytes, condition, metadata: &[], tags: &tags };
        Ok(self.bucket.put(put).await?.etag)
    }

    async fn conditions(&self) -> Outcome {
        let mut seen = Vec::new();
        let first = self.put("first", Condition::Absent).await;
        let first = match first {
            Ok(etag) => etag,
            Err(failure) => {
                let unsupported = failure.conditions_unsupported();
                seen.push((Behaviour::CreateOnce, unmet(&failure)));
                // Without a condition, the others can be tried all the same.
                match self.put("first", Condition::Always).await {
                    Ok(etag) if unsupported => etag,
                    Ok(_) => return (seen, self.clean().await),
                    Err(failure) => return (seen, self.clean_after(&failure).await),
                }
            }
        };
        self.continue_from(first, &mut seen).await;
        (seen, self.clean().await)
    }

    /// The steps after the object is there. Each goes on from what the one before left, whatever the store did.
    async fn continue_from(&self, first: ETag, seen: &mut Vec<(Behaviour, Observed)>) {
        let mut current = first.clone();
        if seen.is_empty() {
            let again = self.put("second", Condition::Absent).await;
            if let Ok(etag) = &again {
                current = etag.clone();
            }
            seen.push((Behaviour::CreateOnce, refused(&again)));
        }
        let matching = self.put("third", Condition::Is(&current)).await;
        let overwrite = match matching {
            Ok(etag) => {
                current = etag;
                seen.extend(self.read("third").await);
                let stale = self.put("fourth", Condition::Is(&first)).await;
                if let Ok(etag) = &stale {
                    current = etag.clone();
                }
                refused(&stale)
            }
            Err(failure) => unmet(&failure),
        };
        seen.push((Behaviour::StaleOverwrite, overwrite));
        // Where no overwriting was possible the first tag is not a stale one.
        let stale = if current == first { "\"00000000000000000000000000000000\"" } else { first.as_str() };
        let deleted = self.bucket.delete(&self.key, Some(stale)).await;
        seen.push((Behaviour::StaleDelete, refused(&deleted)));
    }

    /// Reads what the step `step` has just written.
    async fn read(&self, step: &str) -> Vec<(Behaviour, Observed)> {
        let written = self.record(step).text;
        let body = match self.bucket.get(&self.key).await {
            Ok(body) => body,
            Err(failure) => return vec![(Behaviour::ReadYourWrite, unmet(&failure))],
        };
        let same = body.as_ref().is_some_and(|body| body.bytes == written.as_bytes());
        let mut seen = vec![(Behaviour::ReadYourWrite, Observed::of(same))];
        let config = &self.workspace.backend.config;
        let encrypted = matches!(config.encryption, Encryption::Kms(_) | Encryption::Customer(_));
        if let Some(body) = body.filter(|_| !encrypted) {
            let tag = body.etag.as_ref().map(|tag| tag.as_str().trim_matches('"').to_owned());
            let md5 = tag.and_then(|tag| StateDigest::from_hex(&tag)) == Some(StateDigest::of(&body.bytes));
            seen.push((Behaviour::Md5ETag, Observed::of(md5)));
        }
        seen
    }

    async fn over_marker(&self) -> Outcome {
        // The other object tells what is wrong.
        if let Err(failure) = self.put("first", Condition::Always).await {
            return (Vec::new(), self.clean_after(&failure).await);
        }
        if self.bucket.delete(&self.key, None).await.is_err() {
            return (Vec::new(), self.clean().await);
        }
        let observed = match self.put("second", Condition::Absent).await {
            Ok(_) => Observed::Honoured,
            Err(failure) if failure.precondition_failed() => Observed::Ignored,
            Err(failure) if failure.conditions_unsupported() => return (Vec::new(), self.clean().await),
            Err(failure) => unmet(&failure),
        };
        (vec![(Behaviour::CreateOverMarker, observed)], self.clean().await)
    }

    async fn table(&self) -> Outcome {
        let Some(item) = self.workspace.digest_item() else { return (Vec::new(), None) };
        let lock = item.lock();
        let held = match lock.acquire(&self.record("first")).await {
            Ok(held) => held,
            Err(refusal) => {
                let observed = not_acquired(refusal);
                // An answer may have been lost.
                let left = match lock.holder().await {
                    Ok(Some(held)) => self.clean_table(&lock, &held, &observed).await,
                    Ok(None) | Err(_) => None,
                };
                return (vec![(Behaviour::TablePut, observed)], left);
            }
        };
        let second = lock.acquire(&self.record("second")).await;
        let put = match &second {
            Ok(_) => Observed::Ignored,
            Err(Refusal::Held(_) | Refusal::Contended(_)) => Observed::Honoured,
            Err(Refusal::Failed(error)) => Observed::Failed(error.to_string()),
        };
        let held = second.unwrap_or(held);
        let stale = held.clone().with_record(&self.record("never"));
        let delete = match lock.release(&stale).await {
            Ok(removed) => Observed::of(!removed),
            Err(error) => Observed::Failed(error.to_string()),
        };
        let left = self.clean_table(&lock, &held, &delete).await;
        (vec![(Behaviour::TablePut, put), (Behaviour::TableDelete, delete)], left)
    }

    async fn clean_table(
        &self,
        lock: &ItemLock,
        held: &Holder,
        deleted: &Observed,
    ) -> Option<(LockKind, String, String)> {
        if *deleted == Observed::Ignored {
            return None;
        }
        let error = lock.release(held).await.err()?;
        Some((LockKind::DynamoDb, self.info.path.clone(), error.to_string()))
    }

    /// Removes what a write may have stored whose answer was lost; one that was refused stored nothing.
    async fn clean_after(&self, failure: &Failure) -> Option<(LockKind, String, String)> {
        if failure.outcome_unknown() { self.clean().await } else { None }
    }

    /// Removes the object, and its versions where that is allowed: a few bytes that nobody would miss.
    async fn clean(&self) -> Option<(LockKind, String, String)> {
        if let Err(failure) = self.bucket.delete(&self.key, None).await {
            return Some((LockKind::LockFile, self.key.clone(), failure.cause_line()));
        }
        self.forget_versions().await;
        None
    }

    /// Most writers may not do this, and what stays then is hidden.
    async fn forget_versions(&self) {
        let config = &self.workspace.backend.config;
        let client = self.workspace.backend.clients.s3().await;
        let Ok(page) = client.list_object_versions().bucket(&config.bucket).prefix(&self.key).send().await
        else {
            return;
        };
        let objects = page.versions().iter().filter_map(aws_sdk_s3::types::ObjectVersion::version_id);
        let markers =
            page.delete_markers().iter().filter_map(aws_sdk_s3::types::DeleteMarkerEntry::version_id);
        let forget = objects
            .chain(markers)
            .filter(|id| *id != "null")
            .map(|id| client.delete_object().bucket(&config.bucket).key(&self.key).version_id(id).send());
        drop(futures::future::join_all(forget).await);
    }
}

/// A request that had to be refused.
fn refused<T>(answer: &Result<T, Failure>) -> Observed {
    match answer {
        Ok(_) => Observed::Ignored,
        Err(failure) if failure.precondition_failed() || failure.concurrent_write() => Observed::Honoured,
        Err(failure) => unmet(failure),
    }
}

/// A request that had no answer of the kind that was asked for.
fn unmet(failure: &Failure) -> Observed {
    let answer = failure.cause_line();
    if failure.denied() {
        Observed::Denied(answer)
    } else if failure.is("NoSuchBucket") {
        Observed::Failed(answer)
    } else if failure.conditions_unsupported() || failure.precondition_failed() || failure.status == Some(404)
    {
        Observed::Refused(answer)
    } else {
        Observed::Failed(answer)
    }
}

fn not_acquired(refusal: Refusal) -> Observed {
    let error = match refusal {
        Refusal::Failed(error) => error,
        Refusal::Held(_) | Refusal::Contended(_) => {
            return Observed::Refused("an item that was never there is held".into());
        }
    };
    let answer = error.facts().find(|(label, _)| *label == "cause").map(|(_, cause)| cause.to_owned());
    let answer = answer.unwrap_or_else(|| error.to_string());
    if error.kind() == ErrorKind::Denied { Observed::Denied(answer) } else { Observed::Failed(answer) }
}
