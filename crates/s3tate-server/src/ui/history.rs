//! The versions of a state, newest first, and the form that compares two of them.

use askama::Template;
use http::StatusCode;
use s3tate::history::StateVersion;
use s3tate::state::Changes;

use super::Visit;
use super::frame::{Frame, Tab, page, tabs};
use super::text::{self, Clock, When};
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::config::is_trusted_url;

/// How many versions are shown at first.
const FEW: usize = 30;
/// How many are shown at most: each is looked into.
const MOST: usize = 300;

#[derive(Template)]
#[template(path = "history.html")]
struct History<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    /// Where two versions are compared.
    action: String,
    comparable: bool,
    versions: Vec<Version>,
    /// Where more of them are shown.
    more: Option<String>,
    /// Whether the bucket keeps no versions.
    unversioned: bool,
}

struct Version {
    id: String,
    deleted: bool,
    latest: bool,
    serial: Option<u64>,
    stored: Option<When>,
    who: Option<String>,
    writer: Option<String>,
    size: String,
    resources: Option<u64>,
    /// How many instances it added, changed and removed.
    difference: Option<Changes>,
    /// The page of the CI run that wrote it.
    run: Option<String>,
    /// Its place among those that hold a state: at first, the second one is compared with the first.
    place: Option<usize>,
    /// What changed since the version before it.
    changes: Option<String>,
}

pub(super) async fn show(mut visit: Visit<'_>, key: &str) -> Result<Response, Refusal> {
    visit.allow(key, Action::Read)?;
    let limit = if visit.asked("all").is_empty() { FEW } else { MOST };
    let mut found = visit.app.backend.state_at(key).history(Some(limit + 1)).await?;
    let more = found.len() > limit && limit == FEW;
    found.truncate(limit);
    let unversioned = found.iter().any(|version| version.latest && version.id.as_str() == "null");
    let versions = versions(key, &found, visit.clock());
    let content = History {
        frame: Frame::of(&visit, format!("History of {key}"))?,
        key,
        tabs: tabs(&visit, key, "history"),
        action: text::href("diff", key),
        comparable: versions.iter().filter(|version| version.serial.is_some()).count() > 1,
        versions,
        more: more.then(|| text::href_with("history", key, &[("all", "yes")])),
        unversioned,
    };
    page(StatusCode::OK, &content)
}

fn versions(key: &str, found: &[StateVersion], clock: Clock) -> Vec<Version> {
    let states: Vec<_> = found.iter().filter(|version| version.header.is_some()).collect();
    let place = |id: &str| states.iter().position(|version| version.id.as_str() == id);
    found
        .iter()
        .map(|version| {
            let at = place(version.id.as_str());
            let earlier = at.and_then(|at| states.get(at + 1)).map(|earlier| earlier.id.as_str());
            let changes = earlier.map(|earlier| {
                text::href_with("diff", key, &[("from", earlier), ("to", version.id.as_str())])
            });
            let header = version.header.as_ref();
            Version {
                id: version.id.as_str().to_owned(),
                deleted: version.deleted,
                latest: version.latest,
                serial: header.map(|header| header.serial),
                stored: version.modified.map(|time| clock.when(time)),
                who: version.who.clone(),
                writer: header.map(|header| header.terraform_version.clone()).filter(|text| !text.is_empty()),
                size: text::size(version.size_bytes),
                resources: version.resources,
                difference: version.changes,
                // It was noted beside the state, where others may write.
                run: version.run.clone().filter(|url| is_trusted_url(url)),
                place: at,
                changes,
            }
        })
        .collect()
}
