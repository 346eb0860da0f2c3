//! Pages for people: what is stored, who holds a lock, what changed, and the few things that people do about it.
//!
//! Everything is made here and sent as HTML; there is no script. Whoever signs in with a credential gets a sealed cookie,
//! which these pages alone look at: it opens no other address of the server. What changes something, or shows what is
//! hidden, is a form that carries a mark of the session.

mod assets;
mod breaking;
mod diff;
mod frame;
mod history;
mod login;
mod origin;
mod refused;
mod resources;
mod seal;
mod session;
mod state;
mod states;
mod text;
mod visit;

use axum::body::Body;
use http::{HeaderMap, StatusCode};
use s3tate::config::BackendConfig;
use s3tate::{Error, Result};
use tokio::sync::Semaphore;

use crate::address;
use crate::answer::{Refusal, Response};
use crate::config::Serving;
use crate::request::{Query, Target};
use seal::Seal;

pub(crate) use frame::refused;
pub(crate) use visit::Visit;

/// How many comparisons go on at a time: each holds two states in memory.
const COMPARISONS: usize = 2;

/// What the pages of one server share.
#[derive(Debug)]
pub(crate) struct Ui {
    seal: Seal,
    /// Whether browsers reach the server by TLS.
    secure: bool,
    comparisons: Semaphore,
}

impl Ui {
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: the key file can't be used.
    pub(crate) fn new(settings: &Serving, tls: bool) -> Result<Self> {
        let seal = match &settings.session_key {
            None => Seal::random()?,
            Some(path) => {
                let name = || path.display().to_string();
                let bytes = std::fs::read(path).map_err(|cause| {
                    Error::invalid("can't read the session key; nothing was started")
                        .fact("file", name())
                        .with_source(cause)
                })?;
                Seal::of_file(&bytes).map_err(|error| {
                    error.fact("file", name()).hint("`openssl rand -out FILE 32` makes one")
                })?
            }
        };
        let secure = tls || settings.url.as_deref().is_some_and(|url| url.starts_with("https://"));
        Ok(Self { seal, secure, comparisons: Semaphore::new(COMPARISONS) })
    }
}

/// One page, or what pages consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    Style,
    Icon,
    Login,
    Logout,
    States,
    /// A state, by its key.
    State(String),
    /// The same with sensitive outputs.
    Reveal(String),
    Resources(String),
    History(String),
    Diff(String),
    Break(String),
    /// Requests that were refused.
    Refused,
    /// The bytes of a refused write.
    Rescued(String),
}

impl Page {
    /// Reads what follows `/ui/` in a path.
    ///
    /// # Errors
    /// Why it names no page.
    pub(crate) fn parse(
        path: &str,
        query: &Query,
        config: &BackendConfig,
    ) -> std::result::Result<Self, String> {
        let (head, rest) = path.split_once('/').unwrap_or((path, ""));
        let key = || address::state_key(rest, query.workspace.as_deref(), config);
        match (head, rest) {
            ("", "") => Ok(Self::States),
            ("style.css", "") => Ok(Self::Style),
            ("icon.svg", "") => Ok(Self::Icon),
            ("login", "") => Ok(Self::Login),
            ("logout", "") => Ok(Self::Logout),
            ("refused", "") => Ok(Self::Refused),
            ("rescue", id) if crate::request::is_request_id(id) => Ok(Self::Rescued(id.to_owned())),
            ("state", _) => key().map(Self::State),
            ("reveal", _) => key().map(Self::Reveal),
            ("resources", _) => key().map(Self::Resources),
            ("history", _) => key().map(Self::History),
            ("diff", _) => key().map(Self::Diff),
            ("break", _) => key().map(Self::Break),
            _ => Err("there is no such page".to_owned()),
        }
    }

    /// The label in metrics and logs.
    pub(crate) fn route(&self) -> &'static str {
        match self {
            Self::Style => "/ui/style.css",
            Self::Icon => "/ui/icon.svg",
            Self::Login => login::ROUTE,
            Self::Logout => "/ui/logout",
            Self::States => "/ui",
            Self::State(_) => "/ui/state/{key}",
            Self::Reveal(_) => "/ui/reveal/{key}",
            Self::Resources(_) => "/ui/resources/{key}",
            Self::History(_) => "/ui/history/{key}",
            Self::Diff(_) => "/ui/diff/{key}",
            Self::Break(_) => "/ui/break/{key}",
            Self::Refused => "/ui/refused",
            Self::Rescued(_) => "/ui/rescue/{id}",
        }
    }

    /// The state that it is about.
    pub(crate) fn key(&self) -> Option<&str> {
        match self {
            Self::State(key)
            | Self::Reveal(key)
            | Self::Resources(key)
            | Self::History(key)
            | Self::Diff(key)
            | Self::Break(key) => Some(key),
            _ => None,
        }
    }

    /// The methods that it answers.
    fn methods(&self) -> &'static str {
        match self {
            Self::Login | Self::Break(_) => "GET, HEAD, POST",
            Self::Logout | Self::Reveal(_) => "POST",
            _ => "GET, HEAD",
        }
    }
}

/// Whether a person waits for the answer: a browser asks for a page.
pub(crate) fn is_for_people(path: &str, headers: &HeaderMap) -> bool {
    let page = matches!(path, "/" | "/ui") || path.starts_with("/ui/");
    let accepted = headers.get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
    page && accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// What a browser sees at the server's address, where others get a line of text.
pub(crate) fn instead(target: Target, for_people: bool) -> Target {
    if target == Target::Home && for_people { Target::Page(Page::States) } else { target }
}

/// Answers a request for a page.
///
/// # Errors
/// Refusals, which [`refused`] makes pages of.
pub(crate) async fn answer(
    mut visit: Visit<'_>,
    body: Body,
    page: Page,
) -> std::result::Result<Response, Refusal> {
    match page {
        Page::Style => return Ok(assets::style()),
        Page::Icon => return Ok(assets::icon()),
        _ => {}
    }
    visit.only(page.methods())?;
    if visit.is_post() {
        origin::check(&visit)?;
        visit.receive_form(body).await?;
    }
    if page == Page::Login {
        return login::answer(visit).await;
    }
    if !visit.resume() {
        return if visit.is_post() { Err(nobody()) } else { Ok(login::redirect(&visit)) };
    }
    if let Err(refusal) = visit.app.count(&visit.identity()?) {
        visit.app.metrics.limited("identity");
        return Err(refusal);
    }
    if visit.is_post() {
        visit.check_mark()?;
    }
    match page {
        Page::Logout => Ok(login::out(&visit)),
        Page::State(key) => state::show(visit, &key, false).await,
        Page::Reveal(key) => state::show(visit, &key, true).await,
        Page::Resources(key) => resources::show(visit, &key).await,
        Page::History(key) => history::show(visit, &key).await,
        Page::Diff(key) => diff::show(visit, &key).await,
        Page::Break(key) => breaking::answer(visit, &key).await,
        Page::Refused => refused::list(visit).await,
        Page::Rescued(id) => refused::download(visit, &id).await,
        Page::States | Page::Style | Page::Icon | Page::Login => states::list(visit).await,
    }
}

fn nobody() -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "session", "the session has ended; sign in and do it again")
}
