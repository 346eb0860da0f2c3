//! Releases of Terraform and OpenTofu, as far as the backend's schema depends on them.

use std::str::FromStr;

use super::attributes::Attribute;

/// A release of Terraform, such as `1.0` (the last of them) or `1.6.3`, or of OpenTofu, such as `opentofu-1.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    is_open_tofu: bool,
    number: Number,
}

type Number = (u16, u16, u16);

const OPEN_TOFU: &str = "opentofu-";

impl Release {
    /// The release whose schema the table of attributes has.
    pub const CURRENT: &'static str = "1.11";
}

fn number(text: &str, patch: u16) -> Option<Number> {
    let mut numbers = text.trim().split('.').map(str::parse);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let patch = numbers.next().unwrap_or(Ok(patch)).ok()?;
    numbers.next().is_none().then_some((major, minor, patch))
}

/// The current one.
impl Default for Release {
    fn default() -> Self {
        Self { is_open_tofu: false, number: (1, 11, u16::MAX) }
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let open_tofu = text.strip_prefix(OPEN_TOFU);
        number(open_tofu.unwrap_or(text), u16::MAX)
            .map(|number| Self { is_open_tofu: open_tofu.is_some(), number })
            .ok_or_else(|| format!("`{text}` is no release, such as `1.0`, `1.11.4` or `opentofu-1.10`"))
    }
}

impl Attribute {
    /// Whether a release knows it.
    pub fn is_in(&self, release: Release) -> bool {
        let releases = if release.is_open_tofu { self.open_tofu } else { self.releases };
        releases.split(", ").filter_map(|span| span.split_once('–')).any(|(first, last)| {
            let begun = number(first, 0).is_some_and(|first| first <= release.number);
            begun && number(last, u16::MAX).is_none_or(|last| release.number <= last)
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
        assert!(!knows("opentofu-1.10", "state_tags") && knows("opentofu-1.11", "state_tags"));
        assert!(knows("opentofu-1.11", "role_arn") && !knows("opentofu-1.11", "lock_table"));
        assert!(!knows("opentofu-1.9", "use_lockfile") && knows("opentofu-1.6.0", "https_proxy"));
        for text in ["", "1", "1.x", "1.2.3.4", "v1.0", "opentofu-"] {
            assert!(text.parse::<Release>().is_err(), "{text}");
        }
    }
}
