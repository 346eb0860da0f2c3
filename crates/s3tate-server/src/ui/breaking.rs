//! Breaking a lock: a page that shows it, and the form on it that breaks exactly that one.

use askama::Template;
use http::StatusCode;
use s3tate::lock::Holder;
use sha2::Digest as _;

use super::Visit;
use super::frame::{Frame, Tab, go_to, page, tabs};
use super::state::{Lock, lock};
use super::text;
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::body::hex;
use crate::guard::taken_by;
use crate::routes::{finish, may_break};

#[derive(Template)]
#[template(path = "break.html")]
struct Break<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    back: String,
    action: String,
    locks: Vec<Lock>,
    /// What the form names: the IDs of all that are held, which are one as a rule.
    shown: String,
    /// Why the form before wasn't carried out.
    changed: bool,
}

/// The ID of a lock; of one whose record can't be read, what tells it from others.
pub(super) fn shown_id(holder: &Holder) -> String {
    if let Some(info) = &holder.info {
        return info.id.clone();
    }
    let record = holder.record.as_deref().unwrap_or_default();
    format!("unreadable-{}", &hex(&sha2::Sha256::digest(record))[..16])
}

fn all_ids(holders: &[Holder]) -> String {
    let mut ids: Vec<_> = holders.iter().map(shown_id).collect();
    ids.dedup();
    ids.join(" ")
}

pub(super) async fn answer(visit: Visit<'_>, key: &str) -> Result<Response, Refusal> {
    let identity = visit.identity()?;
    visit.record.action = Some(Action::BreakLock);
    let holders = visit.app.door(key).holders().await?;
    let principal = holders.first().and_then(|holder| taken_by(holder.info.as_ref()?));
    may_break(visit.app, &identity, key, principal.as_deref())?;
    let ids = all_ids(&holders);
    if holders.is_empty() {
        return Ok(go_to(&text::href_with("state", key, &[("done", "free")]), None));
    }
    if !visit.is_post() {
        return confirm(&visit, key, &holders, ids, false);
    }
    // What the person saw and agreed to, and nothing that was taken since.
    if visit.field("lock") != ids || visit.field("sure") != "yes" {
        return confirm(&visit, key, &holders, ids, true);
    }
    visit.record.forced = true;
    visit.record.lock_id = Some(ids);
    finish(visit.app, visit.record, key, &holders, "force").await?;
    Ok(go_to(&text::href_with("state", key, &[("done", "broken")]), None))
}

fn confirm(
    visit: &Visit<'_>,
    key: &str,
    holders: &[Holder],
    shown: String,
    changed: bool,
) -> Result<Response, Refusal> {
    let clock = visit.clock();
    let content = Break {
        frame: Frame::of(visit, format!("Break the lock of {key}"))?,
        key,
        tabs: tabs(visit, key, ""),
        back: text::href("state", key),
        action: text::href("break", key),
        locks: holders.iter().map(|holder| lock(visit, key, holder, clock)).collect(),
        shown,
        changed,
    };
    page(if changed { StatusCode::CONFLICT } else { StatusCode::OK }, &content)
}
