//! Releases of Terraform, as far as the backend's schema depends on them.

use std::str::FromStr;

use super::attributes::Attribute;

/// A release, such as `1.0` (the last of them) or `1.6.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(u16, u16, u16);

impl Release {
    /// The release whose schema the table of attributes has.
    pub const CURRENT: &'static str = "1.11";

    fn parse(text: &str, patch: u16) -> Option<Self> {
        let mut numbers = text.trim().split('.').map(str::parse);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let patch = numbers.next().unwrap_or(Ok(patch)).ok()?;
        numbers.next().is_none().then_some(Self(major, minor, patch))
    }
}

/// The current one.
impl Default for Release {
    fn default() -> Self {
        Self(1, 11, u16::MAX)
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, u16::MAX)
            .ok_or_else(|| format!("`{text}` is no release, such as `1.0` or `1.11.4`"))
    }
}

impl Attribute {
    /// Whether a release of Terraform knows it.
    pub fn is_in(&self, release: Release) -> bool {
        self.releases.split(", ").filter_map(|span| span.split_once('–')).any(|(first, last)| {
            let begun = Release::parse(first, 0).is_some_and(|first| first <= release);
            begun && Release::parse(last, u16::MAX).is_none_or(|last| release <= last)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::attributes::{ATTRIBUTES, Since, attribute};

    #[test]
    fn the_current_release_knows_the_current_schema() {
        let current = Release::CURRENT.parse().unwrap();
        assert_eq!(current, Release::default());
        for attribute in ATTRIBUTES {
            assert_eq!(attribute.is_in(current), attribute.since == Since::Current, "{}", attribute.name);
        }
    }

    #[test]
    fn attributes_come_go_and_come_back() {
        let knows = |release: &str, name: &str| attribute(name).unwrap().is_in(release.parse().unwrap());
        assert!(knows("0.12", "skip_requesting_account_id"));
        assert!(!knows("1.0", "skip_requesting_account_id") && !knows("1.6.0", "skip_requesting_account_id"));
        assert!(knows("1.6.1", "skip_requesting_account_id") && knows("1.11.4", "use_lockfile"));
        assert!(knows("1.9.8", "role_arn") && !knows("1.10.0", "role_arn"));
        assert!(!knows("1.11", "state_tags"));
        for text in ["", "1", "1.x", "1.2.3.4", "v1.0"] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
    }
}
