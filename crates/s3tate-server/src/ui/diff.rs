//! What differs between two versions of a state, by address and attribute; sensitive values stay hidden.

use askama::Template;
use http::StatusCode;
use s3tate::diff::{
    Action as Became, AttributeChange, ObjectChange, OutputChange, Relation, Sensitive, Shown, StateDiff,
};
use s3tate::history::VersionSpec;
use s3tate::state::StateError;
use s3tate::{Error, ErrorKind, VersionId};

use super::Visit;
use super::frame::{Frame, Tab, page, tabs};
use super::text;
use crate::answer::{Refusal, Response};
use crate::auth::Action;

/// How many objects a page shows.
const MOST: usize = 1000;
/// The longest value that is shown, in characters.
const LONGEST: usize = 2000;

#[derive(Template)]
#[template(path = "diff.html")]
struct Diff<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    back: String,
    swapped: String,
    before: Option<u64>,
    after: Option<u64>,
    unrelated: bool,
    same: bool,
    objects: Vec<Object>,
    /// How many more there are.
    more: usize,
    outputs: Vec<Value>,
}

struct Object {
    address: String,
    from: Option<String>,
    deposed: Option<String>,
    class: &'static str,
    word: &'static str,
    values: Vec<Value>,
}

/// What a name stood for, and what it stands for.
struct Value {
    name: String,
    class: &'static str,
    sign: &'static str,
    word: &'static str,
    before: Option<String>,
    after: Option<String>,
    hidden: bool,
    note: &'static str,
}

pub(super) async fn show(mut visit: Visit<'_>, key: &str) -> Result<Response, Refusal> {
    visit.allow(key, Action::Read)?;
    let (from, to) = (visit.asked("from").to_owned(), visit.asked("to").to_owned());
    if from.is_empty() || to.is_empty() {
        let detail = "choose two versions to compare, in the state's history";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "versions", detail));
    }
    let difference = compared(&visit, key, &from, &to).await?;
    let serial = |header: &Option<s3tate::state::Header>| header.as_ref().map(|header| header.serial);
    let content = Diff {
        frame: Frame::of(&visit, format!("Changes of {key}"))?,
        key,
        tabs: tabs(&visit, key, "history"),
        back: text::href("history", key),
        swapped: text::href_with("diff", key, &[("from", &to), ("to", &from)]),
        before: serial(&difference.before),
        after: serial(&difference.after),
        unrelated: difference.relation() == Relation::Unrelated,
        same: difference.is_empty(),
        more: difference.objects.len().saturating_sub(MOST),
        objects: difference.objects.into_iter().take(MOST).map(object).collect(),
        outputs: difference.outputs.into_iter().map(output).collect(),
    };
    page(StatusCode::OK, &content)
}

async fn compared(visit: &Visit<'_>, key: &str, from: &str, to: &str) -> Result<StateDiff, Refusal> {
    let busy =
        |_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "no more comparisons now; try again");
    let _permit = visit.app.ui.comparisons.acquire().await.map_err(busy)?;
    let workspace = visit.app.backend.state_at(key);
    let version = |id: &str| VersionSpec::Id(VersionId::from(id.to_owned()));
    let (before, after) = (version(from), version(to));
    let (before, after) =
        futures::future::try_join(workspace.version(&before), workspace.version(&after)).await?;
    let compared =
        tokio::task::spawn_blocking(move || StateDiff::between(&before, &after, Sensitive::Masked)).await;
    let failed = |cause| Error::new(ErrorKind::Bug, "the comparison came to no end").with_source(cause);
    Ok(compared.map_err(failed)?.map_err(unreadable)?)
}

fn unreadable(cause: StateError) -> Error {
    Error::new(ErrorKind::Corrupt, "one of the versions can't be read as a state").with_source(cause)
}

fn class(became: Became) -> &'static str {
    match became {
        Became::Added => "added",
        Became::Removed => "removed",
        Became::Replaced | Became::Changed => "changed",
        Became::Moved => "moved",
    }
}

fn object(change: ObjectChange) -> Object {
    let facts = change.facts.into_iter().map(|(what, before, after)| {
        value(format!("({what})"), Became::Changed, Some(Shown::Json(before)), Some(Shown::Json(after)))
    });
    let attributes = change.attributes.into_iter().map(|AttributeChange { path, before, after }| {
        let became = match (&before, &after) {
            (None, _) => Became::Added,
            (_, None) => Became::Removed,
            _ => Became::Changed,
        };
        value(path, became, before, after)
    });
    Object {
        values: facts.chain(attributes).collect(),
        address: change.address,
        from: change.from,
        deposed: change.deposed,
        class: class(change.action),
        word: change.action.as_str(),
    }
}

fn output(change: OutputChange) -> Value {
    let note = if change.same_value { "type or mark changed" } else { "" };
    Value { note, ..value(change.name, change.action, change.before, change.after) }
}

fn value(name: String, became: Became, before: Option<Shown>, after: Option<Shown>) -> Value {
    let hidden = [&before, &after].contains(&&Some(Shown::Masked));
    let text = |shown: Option<Shown>| match shown {
        Some(Shown::Json(json)) if !hidden => Some(shortened(json)),
        _ => None,
    };
    let (class, sign, word) = (class(became), became.sign(), became.as_str());
    Value { name, class, sign, word, before: text(before), after: text(after), hidden, note: "" }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}
