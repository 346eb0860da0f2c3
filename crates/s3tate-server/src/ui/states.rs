//! The states that somebody may look at, by search.

use askama::Template;
use form_urlencoded::Serializer;
use http::StatusCode;
use s3tate::catalog::BrowsedState;

use super::Visit;
use super::frame::{Frame, page};
use super::text::{self, Clock, When};
use crate::address;
use crate::answer::{Refusal, Response};
use crate::auth::Action;

/// How many states a page has.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "states.html")]
struct States<'a> {
    frame: Frame,
    search: &'a str,
    /// Whether it isn't the first page.
    later: bool,
    rows: Vec<Row>,
    /// The address of the next page.
    next: Option<String>,
}

struct Row {
    key: String,
    href: String,
    /// Who holds the lock, and for what.
    lock: Option<String>,
    serial: Option<u64>,
    size: String,
    stored: Option<When>,
    who: Option<String>,
    writer: Option<String>,
}

pub(super) async fn list(visit: Visit<'_>) -> Result<Response, Refusal> {
    let identity = visit.identity()?;
    let search = visit.asked("q").trim();
    let lower = search.to_lowercase();
    let after = Some(visit.asked("after")).filter(|after| !after.is_empty());
    let app = std::sync::Arc::clone(visit.app);
    let wanted = move |key: &str| {
        key.to_lowercase().contains(&lower)
            && address::check(key).is_ok()
            && app.decide(&identity, key, Action::Outputs).allowed
    };
    let found = visit.app.backend.browse(after, ROWS, wanted).await?;
    let clock = visit.clock();
    let next = found.next.map(|key| {
        let query = Serializer::new(String::new()).extend_pairs([("q", search), ("after", &key)]).finish();
        format!("/?{query}")
    });
    let rows = found.states.into_iter().map(|state| {
        let tells = tells_holder(&visit, &state.key);
        row(state, tells, clock)
    });
    let rows = rows.collect();
    let frame = Frame { at: "states", ..Frame::of(&visit, "States")? };
    page(StatusCode::OK, &States { frame, search, later: after.is_some(), rows, next })
}

/// Whether somebody may know who holds the lock of a state, and by which ID: more than its outputs tell.
pub(super) fn tells_holder(visit: &Visit<'_>, key: &str) -> bool {
    visit.may(key, Action::Read) || visit.may(key, Action::BreakLock)
}

fn row(state: BrowsedState, tells_holder: bool, clock: Clock) -> Row {
    let lock = state.locks.first().map(|holder| match &holder.info {
        _ if !tells_holder => "by somebody".to_owned(),
        Some(info) => format!("{}, {}", info.who, operation(&info.operation)),
        None => "an unreadable record".to_owned(),
    });
    Row {
        href: text::href("state", &state.key),
        lock,
        serial: state.serial,
        size: text::size(state.size_bytes),
        stored: state.modified.map(|time| clock.when(time)),
        who: state.who,
        writer: state.header.map(|header| header.terraform_version).filter(|version| !version.is_empty()),
        key: state.key,
    }
}

/// What a lock is held for, without what all operations begin with.
pub(super) fn operation(name: &str) -> String {
    let short = name.strip_prefix("OperationType").unwrap_or(name).to_lowercase();
    if short.is_empty() { "no operation".to_owned() } else { short }
}
