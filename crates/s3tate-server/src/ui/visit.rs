//! A request for a page, and whoever made it.

use std::sync::Arc;

use axum::body::Body;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, StatusCode};

use super::session::Session;
use super::text;
use crate::answer::Refusal;
use crate::auth::{Action, Identity};
use crate::body::{not_kept, receive};
use crate::request::Record;
use crate::server::App;

/// The largest form.
const MOST_FORM_BYTES: u64 = 64 << 10;

/// One request for a page.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// The name that the browser reaches the server by.
    pub(super) host: Option<String>,
    /// Path and query, as they came.
    pub(super) address: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    pub(super) certificate: Option<Identity>,
    pub(super) record: &'a mut Record,
    session: Option<Session>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(
        app: &'a Arc<App>,
        head: Parts,
        certificate: Option<Identity>,
        record: &'a mut Record,
    ) -> Self {
        let query = pairs(head.uri.query().unwrap_or_default().as_bytes());
        let address = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let (method, headers) = (head.method, head.headers);
        // HTTP/2 has it in the request's target.
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = named.or(head.uri.authority().map(Authority::as_str)).map(str::to_owned);
        Self {
            app,
            method,
            headers,
            host,
            address,
            query,
            form: Vec::new(),
            certificate,
            record,
            session: None,
        }
    }

    pub(super) fn is_post(&self) -> bool {
        self.method == Method::POST
    }

    /// # Errors
    /// 405, where the page answers other methods.
    pub(super) fn only(&self, allow: &'static str) -> Result<(), Refusal> {
        if allow.split(", ").any(|method| method == self.method.as_str()) {
            return Ok(());
        }
        let detail = format!("{} is not answered here", self.method);
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail);
        Err(Refusal { allow: Some(allow), ..refusal })
    }

    /// A part of the query; empty where it isn't there.
    pub(super) fn asked(&self, name: &str) -> &str {
        value(&self.query, name)
    }

    /// A field of the form; empty where it isn't there.
    pub(super) fn field(&self, name: &str) -> &str {
        value(&self.form, name)
    }

    /// Reads the form that the body is.
    ///
    /// # Errors
    /// It is too large, or cut short.
    pub(super) async fn receive_form(&mut self, body: Body) -> Result<(), Refusal> {
        let spool = receive(&self.headers, body, MOST_FORM_BYTES, &self.app.temp_dir()).await?;
        self.form = pairs(&spool.bytes().map_err(not_kept)?);
        Ok(())
    }

    /// Goes on with the session of the cookie, if there is one that still holds.
    pub(super) fn resume(&mut self) -> bool {
        self.session = Session::of(self.app, &self.headers, self.certificate.as_ref());
        self.record.identity = self.session.as_ref().map(Session::identity);
        self.session.is_some()
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// 401.
    pub(super) fn identity(&self) -> Result<Identity, Refusal> {
        self.record.identity.clone().ok_or_else(super::nobody)
    }

    /// The session's mark in a form; each time another text.
    pub(super) fn mark(&self) -> Result<String, Refusal> {
        let session = self.session.as_ref().ok_or_else(super::nobody)?;
        Ok(session.mark(&self.app.ui.seal)?)
    }

    /// # Errors
    /// 403: the form isn't one of this session's, so that somebody else may have made it.
    pub(super) fn check_mark(&self) -> Result<(), Refusal> {
        let session = self.session.as_ref().ok_or_else(super::nobody)?;
        if session.knows(&self.app.ui.seal, self.field("mark")) {
            return Ok(());
        }
        let detail = "this form is not of your session; nothing was done: load the page again";
        Err(Refusal::new(StatusCode::FORBIDDEN, "mark", detail))
    }

    /// Whether whoever is signed in may do something with a state.
    pub(super) fn may(&self, key: &str, action: Action) -> bool {
        self.record.identity.as_ref().is_some_and(|identity| self.app.decide(identity, key, action).allowed)
    }

    /// Notes the action, and lets only those on who may.
    ///
    /// # Errors
    /// 403.
    pub(super) fn allow(&mut self, key: &str, action: Action) -> Result<(), Refusal> {
        let identity = self.identity()?;
        self.record.action = Some(action);
        self.app.allow(&identity, key, action)
    }

    pub(super) fn clock(&self) -> text::Clock {
        text::Clock(self.app.env().now())
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

fn value<'p>(pairs: &'p [(String, String)], name: &str) -> &'p str {
    pairs.iter().find(|(of, _)| of == name).map_or("", |(_, value)| value.as_str())
}
