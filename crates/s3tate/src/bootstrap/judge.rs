//! What is there, held against what should be.

use super::inspect::{DefaultEncryption, Found, Seen, Table};
use super::tls;
use crate::config::{BackendConfig, Encryption};
use crate::error::Result;

/// The outcome for one setting of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// As it should be; what is there.
    Fits(String),
    /// Otherwise; what is there.
    Differs(String),
    /// It can't be seen.
    Denied,
    /// The store doesn't have it.
    Unsupported,
}

impl Judged {
    fn of<T>(seen: &Seen<T>, nothing: &str, judge: impl FnOnce(&T) -> (bool, String)) -> Self {
        match seen {
            Seen::Known(None) => Self::Differs(nothing.to_owned()),
            Seen::Known(Some(value)) => match judge(value) {
                (true, found) => Self::Fits(found),
                (false, found) => Self::Differs(found),
            },
            Seen::Denied(_) => Self::Denied,
            Seen::Unsupported => Self::Unsupported,
        }
    }
}

pub(super) fn public_access(found: &Found) -> Judged {
    Judged::of(&found.public_access_blocked, "nothing is blocked", |blocked| {
        let on = blocked.iter().filter(|blocked| **blocked).count();
        (on == blocked.len(), format!("{on} of {} kinds of public access are blocked", blocked.len()))
    })
}

pub(super) fn versioning(found: &Found) -> Judged {
    Judged::of(&found.versioning, "never enabled", |status| (status == "Enabled", status.clone()))
}

/// KMS is accepted where S3's own keys would do: it is never taken away.
pub(super) fn encryption(config: &BackendConfig, found: &Found) -> Judged {
    Judged::of(&found.encryption, "none", |default| {
        let fits = match &config.encryption {
            Encryption::Kms(key) => {
                is_kms(default) && default.key.as_deref().is_some_and(|found| same_key(found, key))
            }
            _ => default.algorithm == "AES256" || is_kms(default),
        };
        (fits, describe(default))
    })
}

fn is_kms(default: &DefaultEncryption) -> bool {
    default.algorithm.starts_with("aws:kms")
}

fn describe(default: &DefaultEncryption) -> String {
    match &default.key {
        Some(key) => format!("{} with key `{key}`", default.algorithm),
        None => default.algorithm.clone(),
    }
}

/// A key may be named by its id alone or by its whole name.
fn same_key(one: &str, other: &str) -> bool {
    let id = |name: &str| {
        let last = name.rsplit(':').next().unwrap_or_default();
        last.strip_prefix("key/").unwrap_or(last).to_owned()
    };
    let both_whole = one.starts_with("arn:") && other.starts_with("arn:");
    if both_whole { one == other } else { id(one) == id(other) }
}

/// Also gives the policy to put, where one is needed.
pub(super) fn policy(config: &BackendConfig, found: &Found) -> Result<(Judged, String)> {
    let before = match &found.policy {
        Seen::Known(Some(policy)) => policy,
        other => {
            return Ok((Judged::of(other, "no policy", |_| (false, String::new())), tls::policy(config)));
        }
    };
    if tls::is_enforced(config, before)? {
        return Ok((
            Judged::Fits("a statement that refuses requests without TLS".to_owned()),
            before.clone(),
        ));
    }
    Ok((Judged::Differs(before.clone()), tls::joined(config, before)?))
}

/// What a table is, in words, or why it can't be used.
pub(super) fn table(table: &Table) -> Result<String, String> {
    if !table.fits {
        return Err("its key is not the one that locks need, and a table's key can't be changed".to_owned());
    }
    match table.status.as_str() {
        "ACTIVE" => {}
        "DELETING" => return Err("it is being deleted".to_owned()),
        status => return Ok(format!("it is there, and {}", status.to_lowercase())),
    }
    let billing = if table.on_demand { "on demand" } else { "provisioned, which works as well" };
    Ok(format!("it is there, with the right key; billed {billing}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    fn found(algorithm: &str, key: Option<&str>) -> Found {
        Found {
            plain_http: false,
            bucket: true,
            public_access_blocked: Seen::Known(Some([true, true, true, false])),
            versioning: Seen::Known(Some("Suspended".into())),
            encryption: Seen::Known(Some(DefaultEncryption {
                algorithm: algorithm.into(),
                key: key.map(str::to_owned),
            })),
            policy: Seen::Known(None),
            expiry: Seen::Known(None),
            table: Seen::Known(None),
            recovery: Seen::Known(None),
        }
    }

    #[test]
    fn stronger_encryption_is_not_taken_away() {
        let plain = config(&[]);
        for (algorithm, key) in [("AES256", None), ("aws:kms", Some("k")), ("aws:kms:dsse", None)] {
            assert!(matches!(encryption(&plain, &found(algorithm, key)), Judged::Fits(_)), "{algorithm}");
        }
    }

    #[test]
    fn a_configured_key_has_to_be_that_key() {
        let arn = "arn:aws:kms:us-east-1:1:key/57ff7a43-341d-46b6-aee3-a450c9de6dc8";
        let kms = config(&["encrypt=true", "kms_key_id=57ff7a43-341d-46b6-aee3-a450c9de6dc8"]);
        for key in ["57ff7a43-341d-46b6-aee3-a450c9de6dc8", arn] {
            assert!(matches!(encryption(&kms, &found("aws:kms", Some(key))), Judged::Fits(_)), "{key}");
        }
        for (algorithm, key) in [("AES256", None), ("aws:kms", None), ("aws:kms", Some("other"))] {
            assert!(matches!(encryption(&kms, &found(algorithm, key)), Judged::Differs(_)), "{algorithm}");
        }
        assert!(
            !same_key(arn, "arn:aws:kms:us-east-1:2:key/57ff7a43-341d-46b6-aee3-a450c9de6dc8"),
            "another account's"
        );
    }

    #[test]
    fn half_of_it_is_not_enough() {
        let found = found("AES256", None);
        assert_eq!(
            public_access(&found),
            Judged::Differs("3 of 4 kinds of public access are blocked".to_owned())
        );
        assert_eq!(versioning(&found), Judged::Differs("Suspended".to_owned()));
    }

    #[test]
    fn only_the_right_key_makes_a_lock_table() {
        let good = Table {
            keys: "LockID (S, HASH)".into(),
            fits: true,
            status: "ACTIVE".into(),
            on_demand: false,
            protected: false,
        };
        assert!(table(&good).unwrap().contains("provisioned"));
        assert!(table(&Table { fits: false, ..good.clone() }).is_err());
        assert!(table(&Table { status: "DELETING".into(), ..good.clone() }).is_err());
        assert!(table(&Table { status: "CREATING".into(), ..good }).unwrap().ends_with("creating"));
    }
}
