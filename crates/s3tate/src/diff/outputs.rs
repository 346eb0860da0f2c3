//! Root outputs that differ.

use super::{Action, Sensitive, Shown, pair};
use crate::state::{Output, Outputs, StateError, StateFile};

/// An output that differs.
#[derive(Debug, Clone)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// Added, removed or changed.
    pub action: Action,
    /// Its value in the first state.
    pub before: Option<Shown>,
    /// Its value in the second state.
    pub after: Option<Shown>,
    /// Whether only its type or its mark differ.
    pub same_value: bool,
}

pub(super) fn compare(
    before: Option<&StateFile<'_>>,
    after: Option<&StateFile<'_>>,
    sensitive: Sensitive,
) -> Result<Vec<OutputChange>, StateError> {
    let read = |state: Option<&StateFile<'_>>| state.map(StateFile::outputs).transpose();
    let (before, after) = (read(before)?, read(after)?);
    let pairs = pair(by_name(before.as_ref()), by_name(after.as_ref()));
    Ok(pairs
        .into_iter()
        .filter_map(|(name, (before, after))| change(name, before, after, sensitive))
        .collect())
}

fn by_name(outputs: Option<&Outputs>) -> impl Iterator<Item = (&str, &Output)> {
    outputs.into_iter().flat_map(Outputs::iter)
}

fn change(
    name: &str,
    before: Option<&Output>,
    after: Option<&Output>,
    sensitive: Sensitive,
) -> Option<OutputChange> {
    let json = |output: Option<&Output>| output.map(|output| output.value.to_json());
    let (old, new) = (json(before), json(after));
    let same_value = old == new;
    let action = match (before, after) {
        (None, _) => Action::Added,
        (_, None) => Action::Removed,
        (Some(before), Some(after))
            if same_value && (&before.ty, before.sensitive) == (&after.ty, after.sensitive) =>
        {
            return None;
        }
        _ => Action::Changed,
    };
    let is_sensitive = [before, after].into_iter().flatten().any(|output| output.sensitive);
    let masked = is_sensitive && sensitive == Sensitive::Masked;
    let shown =
        |json: Option<String>| json.map(|json| if masked { Shown::Masked } else { Shown::Json(json) });
    Some(OutputChange { name: name.to_owned(), action, before: shown(old), after: shown(new), same_value })
}
