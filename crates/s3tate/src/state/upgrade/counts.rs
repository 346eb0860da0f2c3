//! Counts of maps in flat attributes, which formats 1 and 2 wrote like those of lists.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

type Attributes<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// Renames `P.#` to `P.%` where what it counts has names instead of numbers, and removes it where it counts nothing.
///
/// One after another in the order of the keys, since the count of an inner collection is an entry of the outer one.
pub(super) fn mend(attributes: &mut Attributes<'_>) {
    let counts: Vec<String> =
        attributes.keys().filter(|key| key.ends_with(".#")).map(ToString::to_string).collect();
    for count in counts {
        let prefix = count.trim_end_matches('#');
        let names = names_below(attributes, prefix);
        let is_list = names.iter().all(|name| name.parse::<i64>().is_ok());
        if !names.is_empty() && is_list {
            continue;
        }
        if let Some(value) = attributes.remove(count.as_str())
            && !names.is_empty()
        {
            attributes.insert(Cow::Owned(format!("{prefix}%")), value);
        }
    }
}

/// The first parts of the keys below a prefix; the prefix's own count is none.
fn names_below(attributes: &Attributes<'_>, prefix: &str) -> BTreeSet<String> {
    let rests = attributes.keys().filter_map(|key| key.strip_prefix(prefix));
    let first = |rest: &str| match rest.find('.') {
        Some(at) if at > 0 => rest[..at].to_owned(),
        _ => rest.to_owned(),
    };
    rests.map(first).filter(|name| name != "#").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(keys: &[&str]) -> Vec<String> {
        let mut attributes: Attributes<'_> =
            keys.iter().map(|key| (Cow::Borrowed(*key), Cow::Borrowed("1"))).collect();
        mend(&mut attributes);
        attributes.into_keys().map(Cow::into_owned).collect()
    }

    #[test]
    fn maps_are_told_from_lists_by_their_keys() {
        assert_eq!(mended(&["tags.#", "tags.Name"]), ["tags.%", "tags.Name"]);
        assert_eq!(mended(&["list.#", "list.0", "list.12"]), ["list.#", "list.0", "list.12"]);
        assert_eq!(mended(&["mixed.#", "mixed.0", "mixed.x"]), ["mixed.%", "mixed.0", "mixed.x"]);
        assert_eq!(mended(&["none.#", ".#", "#"]), ["#"]);
    }

    #[test]
    fn collections_within_collections_count() {
        let nested = ["set.#", "set.17.tags.#", "set.17.tags.Name"];
        assert_eq!(mended(&nested), ["set.#", "set.17.tags.%", "set.17.tags.Name"]);
        assert_eq!(mended(&["a.#", "a.b.#", "a.b.0"]), ["a.%", "a.b.#", "a.b.0"]);
    }
}
