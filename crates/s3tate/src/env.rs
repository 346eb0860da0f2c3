//! The one reader of environment variables, clock, randomness and the names of user and host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};

/// Everything the library takes from its surroundings, so that tests can hand in their own.
///
/// Cheap to clone. Only [`Env::from_process`] looks around.
#[derive(Debug, Clone)]
pub struct Env {
    vars: Arc<BTreeMap<String, String>>,
    user: Arc<str>,
    host: Arc<str>,
}

impl Env {
    /// Reads this process's variables and the names of user and host.
    ///
    /// Variables that are not UTF-8 are left out. Unknown names become empty, as in Terraform's lock record.
    pub fn from_process() -> Self {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::new(vars, whoami::username().unwrap_or_default(), whoami::hostname().unwrap_or_default())
    }

    /// Makes surroundings out of given values.
    pub fn new(
        vars: impl IntoIterator<Item = (String, String)>,
        user: impl Into<String>,
        host: impl Into<String>,
    ) -> Self {
        Self {
            vars: Arc::new(vars.into_iter().collect()),
            user: user.into().into(),
            host: host.into().into(),
        }
    }

    /// The value of a variable; an empty one counts as unset, as in Terraform and the AWS SDK.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first of `names` that is set, with its value.
    pub fn first<'a>(&'a self, names: &[&'static str]) -> Option<(&'static str, &'a str)> {
        names.iter().find_map(|name| Some((*name, self.var(name)?)))
    }

    /// Every variable that is set.
    pub(crate) fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.vars.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// `user@host`, either side possibly empty: the `Who` of a lock record.
    pub fn who(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    /// Where temporary files go: `TMPDIR`, else the system's own place for them.
    pub fn temp_dir(&self) -> PathBuf {
        self.var("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// A steady clock for measuring waits; follows tokio's, so that tests can pause it.
    pub fn instant(&self) -> tokio::time::Instant {
        tokio::time::Instant::now()
    }

    /// Waits; follows tokio's clock.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits")]
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// A random duration of up to `most`, so that those who wait for the same don't meet again; zero without randomness.
    pub fn jitter(&self, most: Duration) -> Duration {
        let mut bytes = [0_u8; 4];
        match getrandom::fill(&mut bytes) {
            Ok(()) => most.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)),
            Err(_) => Duration::ZERO,
        }
    }

    /// Sixteen random bytes as `8-4-4-4-12` lower-case hex: the shape of Terraform's lock ids and lineages.
    ///
    /// No version or variant bits are set, as in Terraform.
    ///
    /// # Errors
    /// [`ErrorKind::Bug`] where the system gives no randomness.
    pub fn random_id(&self) -> Result<String> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|cause| {
            Error::new(ErrorKind::Bug, format!("the system gives no random bytes: {cause}"))
        })?;
        let hex = crate::digest::hex(&bytes);
        Ok([&hex[0..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_count_as_unset() {
        let env = Env::new([("A".into(), String::new()), ("B".into(), "b".into())], "u", "h");
        assert_eq!(env.var("A"), None);
        assert_eq!(env.first(&["A", "B"]), Some(("B", "b")));
        assert_eq!(env.who(), "u@h");
    }

    #[test]
    fn random_ids_have_the_shape_of_terraforms() {
        let id = Env::new([], "", "").random_id().unwrap();
        let groups: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert!(id.chars().all(|c| c == '-' || (c.is_ascii_hexdigit() && !c.is_ascii_uppercase())));
    }
}
