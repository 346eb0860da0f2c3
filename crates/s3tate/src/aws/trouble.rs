//! Why no credentials may be used: handed through the SDK as an error, and found again in its chain.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::identity::{Outcome, Tried};

/// Why no request was signed. Nothing was sent to S3 or DynamoDB.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// No source gave any.
    NoCredentials(Vec<Tried>),
    /// The shared files can't be used, or lack the profile that is named.
    Files(String),
    /// The caller's account is refused by the configuration.
    Account { account: String, list: &'static str },
    /// The caller's account is asked for and can't be found out.
    NoAccount(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials(tried) => match tried.last() {
                Some(last) => write!(f, "{}: {}", last.label, last.detail),
                None => f.write_str("no source is configured"),
            },
            Self::Files(why) | Self::NoAccount(why) => f.write_str(why),
            Self::Account { account, list } => write!(f, "account {account} is refused by `{list}`"),
        }
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    /// The error to show; `place` is what the credentials were for, such as `` `s3://b` (eu-west-1)``.
    pub(crate) fn into_error(self, place: &str) -> Error {
        match self {
            Self::NoCredentials(tried) => {
                let hint = hint(&tried);
                let message = format!("no usable AWS credentials for {place}");
                let looked_at = tried.into_iter().filter(|tried| tried.outcome != Outcome::NotNeeded);
                let error = looked_at.fold(Error::new(ErrorKind::Denied, message), |error, tried| {
                    error.fact(tried.label, tried.detail)
                });
                error.hint(hint)
            }
            Self::Files(why) => Error::invalid(format!("no usable AWS credentials for {place}"))
                .fact("cause", why)
                .hint("correct `profile`, AWS_PROFILE or the shared files; `aws configure list-profiles` shows what there is"),
            Self::Account { account, list } => {
                let message = format!("AWS account {account} is not allowed for {place}; nothing was read or written");
                Error::new(ErrorKind::Denied, message)
                    .fact("cause", format!("`{list}` refuses it"))
                    .hint("`s3tate whoami` shows where these credentials come from")
            }
            Self::NoAccount(why) => {
                let message = format!("can't tell which AWS account {place} would be used with; nothing was read or written");
                Error::new(ErrorKind::Denied, message)
                    .fact("cause", why)
                    .hint("`allowed_account_ids` and `forbidden_account_ids` need an answer from STS, or from IAM")
            }
        }
    }
}

/// What to do where the search ended at its last entry.
fn hint(tried: &[Tried]) -> String {
    let failed = tried.last().filter(|last| last.outcome == Outcome::Failed);
    match failed {
        Some(last) if last.detail.contains("SSO") => {
            let profile = last.label.split('`').nth(1).unwrap_or("default");
            format!("`aws sso login --profile {profile}`, or name another profile with AWS_PROFILE")
        }
        _ => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE".to_owned(),
    }
}
