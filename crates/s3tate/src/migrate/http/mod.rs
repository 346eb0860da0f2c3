//! A state on a state server, as Terraform's `http` backend keeps it.
//!
//! Redirects are not followed: a write or a lock that is redirected reaches nobody. Source: Terraform 1.11.4, on the wire.

mod client;
mod settings;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::StatusCode;

use client::{Answer, Client};
use settings::shown;
pub(crate) use settings::{Given, HttpSettings};

use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Holder, LockInfo, LockKind, LockRecord, LockStore, Refusal, Stamp};
use crate::names::WorkspaceName;

/// A state server's states, one for each workspace where the address has a place for its name.
#[derive(Debug, Clone)]
pub(crate) struct StateServer(Client);

impl StateServer {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]: a certificate or key can't be used.
    pub(crate) fn new(settings: HttpSettings, env: Env) -> Result<Self> {
        Ok(Self(Client::new(settings, env)?))
    }

    pub(crate) fn settings(&self) -> &HttpSettings {
        self.0.settings()
    }

    pub(crate) fn state(&self, name: &WorkspaceName) -> ServedState {
        ServedState(self.0.with(self.settings().of_workspace(name)))
    }
}

/// One state.
#[derive(Debug, Clone)]
pub(crate) struct ServedState(Client);

impl ServedState {
    /// The address, without what may be secret.
    pub(crate) fn url(&self) -> String {
        self.0.settings().shown()
    }

    fn address(&self) -> &str {
        &self.0.settings().address
    }

    /// The lock; `None` where no address of one is configured.
    pub(crate) fn lock(&self) -> Option<ServedLock> {
        self.0.settings().lock.is_some().then(|| ServedLock(self.0.clone()))
    }

    /// The bytes; `None` where the server says that there is no state.
    ///
    /// # Errors
    /// The server can't be reached, or answers otherwise.
    pub(crate) async fn read(&self) -> Result<Option<Bytes>> {
        let message = || format!("can't read `{}`", self.url());
        let answer = self.0.get().await.map_err(|error| unavailable(message(), &error))?;
        match answer.status {
            StatusCode::OK if !answer.body.is_empty() => Ok(Some(answer.body)),
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(None),
            _ => Err(answer.unexpected(self.address(), message())),
        }
    }

    /// Writes a state under a lock.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`]: the answer was lost. Otherwise nothing was written.
    pub(crate) async fn write(&self, bytes: Bytes, lock_id: Option<&str>) -> Result<()> {
        let answer = self.0.put(bytes, lock_id).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(()),
            StatusCode::CONFLICT | StatusCode::LOCKED => {
                let message = format!("`{}` refuses the state; nothing was written", self.url());
                Err(Error::new(ErrorKind::Conflict, message).fact("answer", answer.status.to_string()))
            }
            _ => {
                let message = format!("can't write `{}`; nothing was written", self.url());
                Err(answer.unexpected(self.address(), message))
            }
        }
    }

    /// Deletes the state.
    ///
    /// # Errors
    /// The server can't be reached, or answers otherwise.
    pub(crate) async fn delete(&self) -> Result<()> {
        let answer = self.0.delete().await?;
        match answer.status {
            StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
            _ => Err(answer.unexpected(self.address(), format!("can't delete `{}`", self.url()))),
        }
    }
}

/// A request without an effect needs no look at what it did.
fn unavailable(message: String, cause: &Error) -> Error {
    let error = Error::new(ErrorKind::Unavailable, message);
    cause.facts().fold(error, |error, (label, value)| error.fact(label.to_owned(), value))
}

/// The lock of a state on a state server.
#[derive(Debug)]
pub(crate) struct ServedLock(Client);

impl ServedLock {
    fn holder(&self, record: Option<String>) -> Holder {
        let address = self.0.settings().lock.as_ref().map_or("", |door| &door.address);
        let info = record.as_deref().and_then(LockInfo::read);
        let place = format!("the state server, `{}`", shown(address));
        Holder { kind: LockKind::Http, place, record, info, stamp: Stamp::Tag(None) }
    }

    async fn try_acquire(&self, record: &LockRecord) -> Result<Holder, Refusal> {
        let Some(door) = &self.0.settings().lock else {
            return Err(Refusal::Failed(Error::new(ErrorKind::Bug, "a lock without an address")));
        };
        let ours = || self.holder(Some(record.text.clone()));
        let answer = self.0.knock(door, &record.text).await.map_err(Refusal::Failed)?;
        match answer.status {
            StatusCode::OK => Ok(ours()),
            StatusCode::CONFLICT | StatusCode::LOCKED => {
                let held = self.holder(Some(String::from_utf8_lossy(&answer.body).into_owned()));
                // The answer to an earlier attempt may have been lost, or an earlier job may have left it.
                let is_ours = held.info.as_ref().is_some_and(|info| info.id == record.info.id);
                if is_ours { Ok(ours()) } else { Err(Refusal::Held(Box::new(held))) }
            }
            _ => {
                let message = "can't lock the state on the state server; nothing was written".to_owned();
                Err(Refusal::Failed(answer.unexpected(&door.address, message)))
            }
        }
    }

    async fn try_release(&self, holder: &Holder) -> Result<bool> {
        let Some(door) = &self.0.settings().unlock else {
            return Err(Error::new(ErrorKind::Bug, "a lock without an address to release it at"));
        };
        let answer = self.0.knock(door, holder.record.as_deref().unwrap_or_default()).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::CONFLICT | StatusCode::LOCKED | StatusCode::NOT_FOUND => Ok(false),
            _ => Err(not_released(&answer, &door.address)),
        }
    }
}

fn not_released(answer: &Answer, address: &str) -> Error {
    answer.unexpected(address, "can't release the lock on the state server".to_owned())
}

impl LockStore for ServedLock {
    fn acquire<'a>(&'a self, record: &'a LockRecord) -> BoxFuture<'a, Result<Holder, Refusal>> {
        self.try_acquire(record).boxed()
    }

    /// The protocol has no request that tells.
    fn holder(&self) -> BoxFuture<'_, Result<Option<Holder>>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn release<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<bool>> {
        self.try_release(holder).boxed()
    }
}
