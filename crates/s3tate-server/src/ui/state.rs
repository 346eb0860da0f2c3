//! One state: what it says of itself, who holds its lock, and its outputs.

use askama::Template;
use http::StatusCode;
use s3tate::lock::Holder;
use s3tate::state::{OutputsDocument, render};
use s3tate::{ErrorKind, StateInfo};

use super::breaking::shown_id;
use super::frame::{Frame, Tab, page, tabs};
use super::states::operation;
use super::text::{self, Clock, When};
use super::{Visit, states};
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::guard::{breakable, taken_by};

#[derive(Template)]
#[template(path = "state.html")]
struct State<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    /// What became of a form that was sent before.
    notice: &'static str,
    facts: Option<Facts>,
    locks: Vec<Lock>,
    may_look: bool,
    outputs: Vec<Output>,
    /// Why outputs can't be shown.
    trouble: &'static str,
    /// Where sensitive outputs are asked for, where there are any to show.
    reveal: Option<String>,
    /// Where they are hidden again, while they are shown.
    hide: Option<String>,
    may_read: bool,
    history: String,
    refused: Option<String>,
}

struct Facts {
    serial: u64,
    lineage: String,
    writer: String,
    size: Option<String>,
    stored: Option<When>,
    who: Option<String>,
    version: Option<String>,
}

/// A lock that is held.
pub(super) struct Lock {
    pub(super) id: String,
    pub(super) who: String,
    /// The identity by which it was taken through a server.
    pub(super) principal: Option<String>,
    pub(super) operation: String,
    pub(super) since: Option<When>,
    pub(super) writer: String,
    pub(super) readable: bool,
    pub(super) place: &'static str,
    /// Where it can be broken, for those who may.
    pub(super) breaking: Option<String>,
}

struct Output {
    name: String,
    kind: String,
    /// `None` where it is hidden.
    value: Option<String>,
    sensitive: bool,
}

pub(super) async fn show(mut visit: Visit<'_>, key: &str, reveal: bool) -> Result<Response, Refusal> {
    let may_look = visit.may(key, Action::Outputs);
    let may_read = visit.may(key, Action::Read);
    if reveal {
        visit.allow(key, Action::Read)?;
    } else if !visit.may(key, Action::BreakLock) || may_look {
        visit.allow(key, Action::Outputs)?;
    }
    let workspace = visit.app.backend.state_at(key);
    let outputs = async { if may_look { workspace.outputs().await } else { Ok(None) } };
    let (info, holders, outputs) =
        futures::future::join3(workspace.info(), workspace.lock_holders(), outputs).await;
    let clock = visit.clock();
    let info =
        info.or_else(|error| if error.kind() == ErrorKind::Corrupt { Ok(None) } else { Err(error) })?;
    let (outputs, trouble) = match outputs {
        Ok(document) => (document, ""),
        Err(error) if error.kind() == ErrorKind::Corrupt => (
            None,
            "What is stored here can't be read as a state: it is encrypted, damaged, or something else.",
        ),
        Err(error) => return Err(error.into()),
    };
    let mut locks: Vec<_> = holders?.iter().map(|holder| lock(&visit, key, holder, clock)).collect();
    if !states::tells_holder(&visit, key) {
        locks.clear();
    }
    // Anybody may write the address that tells of it.
    let done = if locks.is_empty() { visit.asked("done") } else { "" };
    let outputs = outputs.map(|document| listed(&document, may_read, reveal)).unwrap_or_default();
    let hidden = may_read && outputs.iter().any(|output| output.sensitive);
    let state = State {
        frame: Frame::of(&visit, key)?,
        key,
        tabs: tabs(&visit, key, "state"),
        notice: notice(done),
        facts: info.filter(|_| may_look).map(|info| facts(info, clock)),
        locks,
        may_look,
        outputs,
        trouble,
        reveal: hidden.then(|| text::href("reveal", key)),
        hide: reveal.then(|| text::href("state", key)),
        may_read,
        history: text::href("history", key),
        refused: visit.may(key, Action::Admin).then(|| super::refused::href(key)),
    };
    page(StatusCode::OK, &state)
}

fn notice(done: &str) -> &'static str {
    match done {
        "broken" => "The lock was broken. A write under it is refused from now on.",
        "free" => "The lock is free already; nothing was broken.",
        _ => "",
    }
}

fn facts(info: StateInfo, clock: Clock) -> Facts {
    Facts {
        serial: info.header.serial,
        lineage: info.header.lineage,
        writer: info.header.terraform_version,
        size: info.size_bytes.map(text::size),
        stored: info.modified.map(|time| clock.when(time)),
        who: info.who,
        version: info.version_id.map(|id| id.as_str().to_owned()),
    }
}

/// What is told of a lock, and to those who may break it, where.
pub(super) fn lock(visit: &Visit<'_>, key: &str, holder: &Holder, clock: Clock) -> Lock {
    let info = holder.info.clone();
    let principal = info.as_ref().and_then(taken_by);
    let readable = info.is_some();
    let own = principal.is_some() && principal == visit.record.identity.as_ref().map(|who| who.name.clone());
    let may = breakable(visit.app.settings.force_unlock, visit.may(key, Action::BreakLock), own);
    let since = info.as_ref().and_then(s3tate::lock::LockInfo::created_at);
    let info = info.unwrap_or_default();
    Lock {
        id: shown_id(holder),
        who: info.who,
        principal,
        operation: operation(&info.operation),
        since: since.map(|time| clock.when(time)),
        writer: info.version,
        readable,
        place: match holder.kind.as_str() {
            "dynamodb" => "an item of the table",
            _ => "an object beside the state",
        },
        breaking: may.then(|| text::href("break", key)),
    }
}

/// The outputs that may be seen. Whoever may not read the state isn't told which sensitive ones there are.
fn listed(document: &OutputsDocument, may_read: bool, reveal: bool) -> Vec<Output> {
    let shown = document.outputs.iter().filter(|(_, output)| may_read || !output.sensitive);
    shown
        .map(|(name, output)| {
            let value = match render::single(&document.outputs, name) {
                Ok(render::Answer::Text(text)) => text.trim_end().to_owned(),
                _ => String::new(),
            };
            Output {
                name: name.to_owned(),
                kind: output.ty.to_string(),
                value: (reveal || !output.sensitive).then_some(value),
                sensitive: output.sensitive,
            }
        })
        .collect()
}
