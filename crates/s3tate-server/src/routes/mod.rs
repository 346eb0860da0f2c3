//! What can be asked for: one file each.

mod delete;
mod health;
mod history;
mod lock;
mod outputs;
mod read;
mod unlock;
mod why;
mod write;

pub(crate) use health::{LOOKED_AT, Readiness};
pub(crate) use unlock::{finish, may_break};
pub(crate) use why::rescued;

use std::sync::Arc;

use axum::body::Body;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use http::{HeaderMap, Method, StatusCode};

use crate::answer::{Refusal, Response};
use crate::auth::{Action, Identity};
use crate::request::{Query, Record, Target};
use crate::server::App;

/// One request, by somebody who is known.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Query,
    pub(crate) body: Body,
    pub(crate) record: &'a mut Record,
}

impl Call<'_> {
    /// Who asks. [`closed`] is reached by nobody else.
    fn identity(&self) -> Result<Identity, Refusal> {
        let nobody = || Refusal::new(StatusCode::UNAUTHORIZED, "none", "show a credential");
        self.record.identity.clone().ok_or_else(nobody)
    }

    /// Notes the action, and lets only those on who may.
    fn allow(&mut self, key: &str, action: Action) -> Result<Identity, Refusal> {
        let identity = self.identity()?;
        self.record.action = Some(action);
        self.app.allow(&identity, key, action)?;
        Ok(identity)
    }

    /// Tells the audit log what is about to be done. Whatever changes anything comes after it.
    async fn begin(&mut self) -> Result<(), Refusal> {
        match &self.app.audit {
            Some(audit) => audit.begin(self.record).await,
            None => Ok(()),
        }
    }

    fn only(&self, allow: &'static str) -> Refusal {
        only(&self.method, allow)
    }
}

fn only(method: &Method, allow: &'static str) -> Refusal {
    let detail = format!("{method} is not answered here; {allow} are");
    Refusal { allow: Some(allow), ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail) }
}

/// What anybody may ask for; `None` where it is for those who are known.
pub(crate) async fn open(app: &App, method: &Method, target: &Target) -> Option<Result<Response, Refusal>> {
    let open = matches!(
        target,
        Target::Home | Target::Health | Target::Ready | Target::Metrics | Target::Version | Target::OpenApi
    );
    if open && *method != Method::GET && *method != Method::HEAD {
        return Some(Err(only(method, "GET, HEAD")));
    }
    match target {
        Target::Home => Some(Ok(health::home())),
        Target::Health => Some(Ok(health::alive())),
        Target::Ready => Some(Ok(health::ready(app).await)),
        Target::Metrics => Some(Ok(health::metrics(app))),
        Target::Version => Some(Ok(health::version())),
        Target::OpenApi => Some(Ok(crate::answer::json(&crate::openapi::document()))),
        _ => None,
    }
}

/// What only those who are known may ask for. Boxed, one by one: a future of all of them would fill a thread's stack where
/// nothing is optimised.
pub(crate) fn closed(mut call: Call<'_>, target: Target) -> BoxFuture<'_, Result<Response, Refusal>> {
    let method = call.method.clone();
    let refused = |refusal| ready(Err(refusal)).boxed();
    match (target, method.as_str()) {
        (Target::State(key), "GET" | "HEAD") => async move { read::read(&mut call, &key).await }.boxed(),
        (Target::State(key), "POST" | "PUT") => async move { write::write(call, &key).await }.boxed(),
        (Target::State(key), "DELETE") => async move { delete::delete(&mut call, &key).await }.boxed(),
        (Target::State(key), "LOCK") | (Target::Lock(key), "LOCK" | "POST" | "PUT") => {
            async move { lock::lock(call, &key).await }.boxed()
        }
        (Target::State(key), "UNLOCK") | (Target::Lock(key), "UNLOCK" | "DELETE") => {
            async move { unlock::unlock(call, &key).await }.boxed()
        }
        (Target::Outputs(key), "GET" | "HEAD") => {
            async move { outputs::outputs(&mut call, &key).await }.boxed()
        }
        (Target::RemoteState(key), "GET" | "HEAD") => {
            async move { outputs::redacted_state(&mut call, &key).await }.boxed()
        }
        (Target::History(key), "GET" | "HEAD") => {
            async move { history::history(&mut call, &key).await }.boxed()
        }
        (Target::Restore(key), "POST") => async move { history::restore(&mut call, &key).await }.boxed(),
        (Target::Undelete(key), "POST") => async move { history::undelete(&mut call, &key).await }.boxed(),
        (Target::Why(id), "GET") => async move { why::why(&mut call, &id).await }.boxed(),
        (Target::Rescue(id), "GET") => async move { why::rescued(&mut call, &id).await }.boxed(),
        (Target::Restore(_) | Target::Undelete(_), _) => refused(call.only("POST")),
        (Target::State(_), _) => refused(call.only("GET, POST, PUT, DELETE, LOCK, UNLOCK")),
        (Target::Lock(_), _) => refused(call.only("POST, PUT, LOCK, DELETE, UNLOCK")),
        _ => refused(call.only("GET")),
    }
}
