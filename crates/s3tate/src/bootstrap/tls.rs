//! The bucket policy's statement that refuses requests without TLS, and how it joins a policy that is there.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::arn;
use crate::config::BackendConfig;
use crate::error::{Error, ErrorKind, Result};

const SID: &str = "DenyRequestsWithoutTLS";
const STATEMENT: &str = "Statement";

/// A policy with this statement alone.
pub(super) fn policy(config: &BackendConfig) -> String {
    json!({ "Version": "2012-10-17", STATEMENT: [statement(config, SID)] }).to_string()
}

fn statement(config: &BackendConfig, sid: &str) -> Value {
    let bucket = arn::bucket(config);
    json!({
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// Whether a policy refuses all requests without TLS, however it writes that.
pub(super) fn is_enforced(config: &BackendConfig, policy: &str) -> Result<bool> {
    let statements = statements(&members(config, policy)?)?;
    let values = statements.iter().filter_map(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    Ok(values.into_iter().any(|statement| refuses_plain_requests(config, &statement)))
}

fn refuses_plain_requests(config: &BackendConfig, statement: &Value) -> bool {
    let everybody = match &statement["Principal"] {
        Value::Object(kinds) => kinds.get("AWS").is_some_and(|value| has(value, "*")),
        value => has(value, "*"),
    };
    let bucket = arn::bucket(config);
    let resources = &statement["Resource"];
    let all = has(resources, "*") || (has(resources, &bucket) && has(resources, &format!("{bucket}/*")));
    let actions = &statement["Action"];
    statement["Effect"] == "Deny"
        && everybody
        && all
        && (has(actions, "s3:*") || has(actions, "*"))
        && is_without_tls(&statement["Condition"])
}

/// Whether this is the one condition: a second one would narrow what is refused.
fn is_without_tls(condition: &Value) -> bool {
    let Some(operators) = condition.as_object().filter(|operators| operators.len() == 1) else {
        return false;
    };
    operators.iter().all(|(operator, keys)| {
        let one = keys.as_object().filter(|keys| keys.len() == 1);
        matches!(operator.as_str(), "Bool" | "BoolIfExists")
            && one.is_some_and(|keys| {
                keys.iter().all(|(key, value)| {
                    key.eq_ignore_ascii_case("aws:SecureTransport")
                        && (has(value, "false") || *value == Value::Bool(false))
                })
            })
    })
}

/// Whether a member that may be one text or a list of them has this one.
fn has(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| has(value, text)),
        value => value.as_str() == Some(text),
    }
}

/// The policy with the statement added. What was there is carried over as it was written.
pub(super) fn joined(config: &BackendConfig, policy: &str) -> Result<String> {
    let mut members = members(config, policy)?;
    let mut statements = statements(&members)?;
    statements.push(raw(&statement(config, &free_sid(&statements)))?);
    members.insert(STATEMENT.to_owned(), raw(&statements)?);
    serde_json::to_string(&members).map_err(unwritable)
}

/// An id that no other statement has: ids must not repeat in a policy.
fn free_sid(statements: &[Box<RawValue>]) -> String {
    let taken: Vec<Value> =
        statements.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
    let is_free = |sid: &String| taken.iter().all(|statement| statement["Sid"] != sid.as_str());
    let numbered = (2..).map(|number| format!("{SID}{number}"));
    std::iter::once(SID.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

fn members(config: &BackendConfig, policy: &str) -> Result<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(policy).map_err(|cause| {
        let message =
            format!("the policy of bucket `{}` is not readable; nothing was changed", config.bucket);
        Error::new(ErrorKind::Corrupt, message).with_source(cause)
    })
}

fn statements(members: &BTreeMap<String, Box<RawValue>>) -> Result<Vec<Box<RawValue>>> {
    let Some(stored) = members.get(STATEMENT) else { return Ok(Vec::new()) };
    if stored.get().trim_start().starts_with('[') {
        return serde_json::from_str(stored.get()).map_err(unwritable);
    }
    Ok(vec![stored.clone()])
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(value).map_err(unwritable)
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::Bug, "can't put a bucket policy together; nothing was changed").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const OTHER: &str = r#"{"Sid": "Keep", "Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"s3:GetObject", "Resource":"arn:aws:s3:::b/*" }"#;

    #[test]
    fn our_own_policy_is_recognised() {
        let config = config(&[]);
        assert!(is_enforced(&config, &policy(&config)).unwrap());
    }

    #[test]
    fn other_spellings_are_recognised() {
        let spelling = r#"{"Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:*"],
            "Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"],"Condition":{"BoolIfExists":{"AWS:securetransport":[false]}}}}"#;
        let spelling = spelling.replace("[false]", "false");
        assert!(is_enforced(&config(&[]), &spelling).unwrap());
    }

    #[test]
    fn what_refuses_less_is_not_taken_for_it() {
        let config = config(&[]);
        let ours = policy(&config);
        for (from, to) in [
            ("\"Deny\"", "\"Allow\""),
            ("\"s3:*\"", "\"s3:GetObject\""),
            ("\"arn:aws:s3:::b\",", ""),
            ("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"arn:aws:iam::1:root\"}"),
            ("\"false\"", "\"true\""),
            ("{\"Bool\"", "{\"StringEquals\":{\"a\":\"b\"},\"Bool\""),
        ] {
            let less = ours.replace(from, to);
            assert_ne!(less, ours, "{from} is not in {ours}");
            assert!(!is_enforced(&config, &less).unwrap(), "{less}");
        }
    }

    #[test]
    fn joining_keeps_what_was_there_byte_for_byte() {
        let config = config(&[]);
        for before in
            [format!(r#"{{"Id":"x","Statement":[{OTHER}]}}"#), format!(r#"{{"Id":"x","Statement":{OTHER}}}"#)]
        {
            let after = joined(&config, &before).unwrap();
            assert!(after.contains(OTHER), "{after}");
            assert!(after.contains(r#""Id":"x""#), "{after}");
            assert!(is_enforced(&config, &after).unwrap());
        }
    }

    #[test]
    fn a_taken_id_is_not_taken_twice() {
        let before = format!(r#"{{"Statement":[{{"Sid":"{SID}","Effect":"Deny"}}]}}"#);
        let after: Value = serde_json::from_str(&joined(&config(&[]), &before).unwrap()).unwrap();
        assert_eq!(after["Statement"][1]["Sid"], format!("{SID}2"));
    }
}
