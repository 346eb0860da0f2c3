//! The log as objects of the bucket, for servers beside each other: a chain for each process, an object for each round.
//!
//! `.s3tate/audit/CHAIN/SEQ.jsonl`: what was written since the last round, from line `SEQ` on. No object is ever replaced.

use jiff::Timestamp;
use s3tate::{Backend, Error, ErrorKind, Result};

use super::chain::Chain;
use super::event::Event;
use crate::address::OWN;

/// A log whose lines are objects.
#[derive(Debug)]
pub(super) struct BucketLog {
    backend: Backend,
    /// The name of the chain.
    name: String,
    chain: Chain,
    /// What may be stored or not: nothing comes after it before that is known.
    unsettled: Option<(String, String, Chain)>,
}

/// Where the objects of all chains are.
pub(super) fn prefix() -> String {
    format!("{OWN}/audit/")
}

impl BucketLog {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn new(backend: Backend, now: Timestamp) -> Result<Self> {
        let id = backend.env().random_id()?;
        let name = format!("{}-{id}", now.strftime("%Y%m%dT%H%M%SZ"));
        Ok(Self { backend, name, chain: Chain::default(), unsettled: None })
    }

    /// Stores events as one object.
    ///
    /// # Errors
    /// Failures of the store. The next call begins by storing what this one may not have.
    pub(super) async fn append(&mut self, events: &[Event], now: Timestamp) -> Result<()> {
        if let Some((key, text, end)) = self.unsettled.take() {
            self.store(key, text, end).await?;
        }
        let opened = (self.chain.seq == 0).then(|| Event::opened(now, None));
        let key = format!("{}{}/{:012}.jsonl", prefix(), self.name, self.chain.seq + 1);
        let (mut text, mut end) = (String::new(), self.chain.clone());
        for event in opened.iter().chain(events) {
            let (line, next) = end.seal(event).map_err(|cause| {
                Error::new(ErrorKind::Bug, "a line of the audit log can't be written").with_source(cause)
            })?;
            text.push_str(&line);
            end = next;
        }
        self.store(key, text, end).await
    }

    async fn store(&mut self, key: String, text: String, end: Chain) -> Result<()> {
        match self.settled(&key, &text).await {
            Ok(()) => {
                self.chain = end;
                Ok(())
            }
            Err(error) => {
                self.unsettled = Some((key, text, end));
                Err(error)
            }
        }
    }

    /// Stores an object, or finds it stored by an attempt whose answer was lost.
    async fn settled(&self, key: &str, text: &str) -> Result<()> {
        if self.backend.create_object(key, text.to_owned().into_bytes()).await? {
            return Ok(());
        }
        match self.backend.get_object(key).await? {
            Some(found) if found == text.as_bytes() => Ok(()),
            _ => Err(Error::new(ErrorKind::Conflict, format!("somebody else wrote the audit log `{key}`"))),
        }
    }
}
