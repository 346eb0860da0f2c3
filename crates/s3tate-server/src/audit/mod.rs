//! The audit log: what was tried and what came of it, in lines that hold on to each other.
//!
//! What changes anything is told before it is done (`begun`) and afterwards (`done`); what is refused, afterwards alone. With
//! `on_failure = "deny"` nothing is done that can't be told, and nothing is acknowledged before it was.

mod bucket;
mod chain;
mod event;
mod file;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use http::StatusCode;
use s3tate::{Backend, Env, Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot};

use crate::answer::Refusal;
use crate::auth::Action;
use crate::config::{self, OnFailure};
use crate::request::Record;
use bucket::BucketLog;
use event::Event;
use file::FileLog;
use verify::Verifier;
pub use verify::{Flaw, Verified, verify};

/// How many lines are written by one request to the store, or one wait for the disk.
const MOST_AT_ONCE: usize = 256;

/// How many objects are read at a time to check them.
const CONCURRENT_READS: usize = 8;

/// Where everything that changes states is told.
#[derive(Debug)]
pub(crate) struct Audit {
    logs: Vec<mpsc::UnboundedSender<Entry>>,
    settings: config::Audit,
    env: Env,
}

/// A line, and whom to tell that it is written.
type Entry = (Event, oneshot::Sender<std::result::Result<(), Arc<Error>>>);

impl Audit {
    /// Opens the logs that are configured.
    ///
    /// # Errors
    /// The file can't be written or gone on with.
    pub(crate) fn new(settings: config::Audit, backend: &Backend) -> Result<Self> {
        let env = backend.env().clone();
        let mut logs = Vec::new();
        if let Some(path) = &settings.file {
            logs.push(to_file(path, &env)?);
        }
        if settings.in_bucket {
            logs.push(to_bucket(BucketLog::new(backend.clone(), env.now())?, env.clone()));
        }
        Ok(Self { logs, settings, env })
    }

    /// Tells what is about to be done.
    ///
    /// # Errors
    /// 503: it can't be told, and must not be done.
    pub(crate) async fn begin(&self, record: &Record) -> std::result::Result<(), Refusal> {
        self.tell(record, Event::begun(record, self.env.now())).await
    }

    /// Tells what came of a request, where that is for the log.
    ///
    /// # Errors
    /// 503: it can't be told, and must not be acknowledged.
    pub(crate) async fn conclude(
        &self,
        record: &Record,
        status: StatusCode,
        refusal: Option<&Refusal>,
    ) -> std::result::Result<(), Refusal> {
        if !self.is_about(record) {
            return Ok(());
        }
        self.tell(record, Event::done(record, self.env.now(), status.as_u16(), refusal)).await
    }

    fn is_about(&self, record: &Record) -> bool {
        match record.method.as_str() {
            "GET" | "HEAD" => {
                let reads = [Action::Outputs, Action::Read, Action::Admin].map(Some);
                self.settings.reads && reads.contains(&record.action)
            }
            "OPTIONS" => false,
            _ => record.key.is_some(),
        }
    }

    async fn tell(&self, record: &Record, event: Event) -> std::result::Result<(), Refusal> {
        let entries = self.logs.iter().map(|log| append(log, event.clone()));
        let failed = join_all(entries).await.into_iter().find_map(std::result::Result::err);
        let Some(error) = failed else { return Ok(()) };
        tracing::error!(request_id = record.id, error = %error, "the audit log can't be written");
        if self.settings.on_failure == OnFailure::Warn {
            return Ok(());
        }
        let detail = "the audit log can't be written, and nothing is done here without it";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "audit", detail))
    }
}

async fn append(log: &mpsc::UnboundedSender<Entry>, event: Event) -> std::result::Result<(), Arc<Error>> {
    let gone = || Arc::new(Error::new(ErrorKind::Bug, "nobody writes the audit log any more"));
    let (told, written) = oneshot::channel();
    log.send((event, told)).map_err(|_| gone())?;
    written.await.map_err(|_| gone())?
}

/// A thread of its own waits for the disk.
fn to_file(path: &Path, env: &Env) -> Result<mpsc::UnboundedSender<Entry>> {
    let mut log = FileLog::open(path, env.now())?;
    let (sender, mut entries) = mpsc::unbounded_channel();
    let env = env.clone();
    let work = move || {
        let mut batch = Vec::new();
        while entries.blocking_recv_many(&mut batch, MOST_AT_ONCE) > 0 {
            let (events, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
            answer(waiting, log.append(&events, env.now()));
        }
    };
    let failed = |cause| Error::new(ErrorKind::Unavailable, "the audit log has no thread").with_source(cause);
    std::thread::Builder::new().name("audit".to_owned()).spawn(work).map_err(failed)?;
    Ok(sender)
}

fn to_bucket(mut log: BucketLog, env: Env) -> mpsc::UnboundedSender<Entry> {
    let (sender, mut entries) = mpsc::unbounded_channel();
    drop(tokio::spawn(async move {
        let mut batch = Vec::new();
        while entries.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
            let (events, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
            answer(waiting, log.append(&events, env.now()).await);
        }
    }));
    sender
}

/// Tells those who wait; whoever doesn't any more need not know.
fn answer(waiting: Vec<oneshot::Sender<std::result::Result<(), Arc<Error>>>>, written: Result<()>) {
    let written = written.map_err(Arc::new);
    for one in waiting {
        drop(one.send(written.clone()));
    }
}

/// Checks the chains in a bucket, each by itself: name, and what it holds or the first bad line.
///
/// # Errors
/// Failures of the store.
pub async fn verify_bucket(
    backend: &Backend,
    wanted: Option<&str>,
) -> Result<Vec<(String, std::result::Result<Verified, Flaw>)>> {
    let prefix = bucket::prefix();
    let mut chains: BTreeMap<String, std::result::Result<Verifier, Flaw>> = BTreeMap::new();
    // In the order of their numbers, since keys are listed in that of their bytes.
    let keys = backend.object_keys(&prefix).await?.into_iter();
    let objects = keys.map(|key| async { (backend.get_object(&key).await, key) });
    let mut objects = stream::iter(objects).buffered(CONCURRENT_READS);
    while let Some((bytes, key)) = objects.next().await {
        let bytes = bytes?.unwrap_or_default();
        let Some((name, _)) = key.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let chain = chains.entry(name.to_owned()).or_insert_with(|| Ok(Verifier::new(wanted)));
        if let Ok(verifier) = chain {
            let taken = bytes.split_inclusive(|byte| *byte == b'\n').try_for_each(|line| verifier.take(line));
            if let Err(flaw) = taken {
                *chain = Err(flaw);
            }
        }
    }
    let end = |(name, chain): (String, std::result::Result<Verifier, Flaw>)| {
        (format!("{prefix}{name}"), chain.and_then(Verifier::finish))
    };
    Ok(chains.into_iter().map(end).collect())
}
