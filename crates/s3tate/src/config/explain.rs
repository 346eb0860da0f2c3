//! Every effective value and where it came from.

use super::attributes::{ATTRIBUTES, Attribute, Kind, Since, attribute};
use super::value::Value;
use super::{Arguments, Source};
use crate::env::Env;

/// One value that holds: an attribute, or a member of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// Its name, members behind a dot: `endpoints.s3`.
    pub name: String,
    /// Its value; secrets are masked.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

/// What stands in for a secret.
const MASK: &str = "****";

/// The values that hold for a configuration, by name: what is set, what variables give, and defaults.
pub fn effective(arguments: &Arguments, env: &Env) -> Vec<Effective> {
    let mut values = Vec::new();
    for attribute in ATTRIBUTES {
        let set = arguments.with_source(attribute.name);
        match attribute.kind {
            Kind::Object(members) => {
                for member in members {
                    let value = set.and_then(|(value, source)| Some((value.member(member.name)?, source)));
                    // Only endpoints are looked for in variables member by member; roles are taken whole.
                    let fallback = value.is_none() && (set.is_some() || attribute.name == "endpoints");
                    let name = format!("{}.{}", attribute.name, member.name);
                    values.extend(of_attribute(name, member, value, fallback.then_some(env)));
                }
            }
            _ => values.extend(of_attribute(attribute.name.to_owned(), attribute, set, Some(env))),
        }
    }
    stronger_variables(&mut values, env);
    values.sort_by(|a, b| a.name.cmp(&b.name));
    replaced(values)
}

/// Variables that count although the attribute is set, as in stock clients.
fn stronger_variables(values: &mut Vec<Effective>, env: &Env) {
    let old_files = ("shared_credentials_file", "AWS_SHARED_CREDENTIALS_FILE");
    values.retain(|value| value.name != old_files.0 || env.var(old_files.1).is_none());
    for value in values {
        let beats: Option<&'static str> = match (value.name.as_str(), value.value.as_str()) {
            ("use_dualstack_endpoint", "false") => Some("AWS_USE_DUALSTACK_ENDPOINT"),
            ("use_fips_endpoint", "false") => Some("AWS_USE_FIPS_ENDPOINT"),
            ("max_retries", "0") => Some("AWS_MAX_ATTEMPTS"),
            _ => None,
        };
        if let Some((variable, text)) = beats.and_then(|variable| Some((variable, env.var(variable)?))) {
            (value.value, value.source) = (text.to_owned(), Source::Env(variable));
        } else if beats == Some("AWS_MAX_ATTEMPTS") {
            (value.value, value.source) = ("3".to_owned(), Source::Default);
        }
    }
}

fn of_attribute(
    name: String,
    attribute: &Attribute,
    set: Option<(&Value, &Source)>,
    env: Option<&Env>,
) -> Option<Effective> {
    let masked = |value: String| if attribute.secret { MASK.to_owned() } else { without_password(value) };
    if let Some((value, source)) = set {
        return Some(Effective { name, value: masked(show(value)), source: source.clone() });
    }
    if let Some((variable, value)) = env?.first(attribute.env) {
        return Some(Effective { name, value: masked(value.to_owned()), source: Source::Env(variable) });
    }
    let default =
        attribute.default.filter(|_| attribute.replaced_by.is_none() && attribute.since == Since::Current)?;
    Some(Effective { name, value: default.to_owned(), source: Source::Default })
}

/// An old name that is set takes the place of its successor's variable or default.
fn replaced(mut values: Vec<Effective>) -> Vec<Effective> {
    let set: Vec<_> =
        values.iter().filter(|value| !matches!(value.source, Source::Env(_) | Source::Default)).collect();
    let successors: Vec<_> =
        set.iter().filter_map(|value| attribute(&value.name)?.replaced_by).map(str::to_owned).collect();
    let is_set = |name: &str| set.iter().any(|value| value.name == name);
    let hidden: Vec<_> = successors.into_iter().filter(|name| !is_set(name)).collect();
    values.retain(|value| !hidden.contains(&value.name));
    values
}

/// A URL without the user and password that stand in it, as proxies' may.
fn without_password(text: String) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{MASK}{}", &rest[user.len()..]),
        None => text,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(text) | Value::String(text) => text.clone(),
        Value::List(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::Map(members) => members
            .iter()
            .map(|(name, value)| format!("{name}={}", show(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::partial;

    fn explained(options: &[&str], variables: &[(&str, &str)], name: &str) -> Option<(String, String)> {
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        let arguments = partial::read(&options, std::path::Path::new(".")).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let values = effective(&arguments, &Env::new(variables, "u", "h"));
        let found = values.into_iter().find(|value| value.name == name)?;
        Some((found.value, found.source.to_string()))
    }

    fn pair(value: &str, source: &str) -> (String, String) {
        (value.to_owned(), source.to_owned())
    }

    #[test]
    fn sources_are_named_in_their_order() {
        let variables = [("AWS_REGION", "env"), ("AWS_DEFAULT_REGION", "old")];
        let option = "option -backend-config";
        assert_eq!(explained(&["region=r"], &variables, "region"), Some(pair("r", option)));
        assert_eq!(explained(&[], &variables, "region"), Some(pair("env", "variable AWS_REGION")));
        assert_eq!(explained(&[], &[], "region"), None);
        assert_eq!(explained(&[], &[], "workspace_key_prefix"), Some(pair("env:", "default")));
        let endpoint = [("AWS_ENDPOINT_URL", "http://all")];
        assert_eq!(
            explained(&[], &endpoint, "endpoints.s3"),
            Some(pair("http://all", "variable AWS_ENDPOINT_URL"))
        );
        assert_eq!(explained(&["endpoint=http://s3"], &endpoint, "endpoints.s3"), None);
        assert_eq!(
            explained(&["endpoint=http://s3"], &endpoint, "endpoint"),
            Some(pair("http://s3", option))
        );
    }

    #[test]
    fn variables_that_beat_attributes_are_shown() {
        let variable = [("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_SHARED_CREDENTIALS_FILE", "/v")];
        let options = ["use_fips_endpoint=false", "shared_credentials_file=/old", "max_retries=0"];
        let name = "use_fips_endpoint";
        assert_eq!(
            explained(&options, &variable, name),
            Some(pair("true", "variable AWS_USE_FIPS_ENDPOINT"))
        );
        assert_eq!(explained(&options, &variable, "shared_credentials_file"), None);
        let source = "variable AWS_SHARED_CREDENTIALS_FILE";
        assert_eq!(explained(&options, &variable, "shared_credentials_files"), Some(pair("/v", source)));
        assert_eq!(explained(&options, &[], "max_retries"), Some(pair("3", "default")));
        let attempts = [("AWS_MAX_ATTEMPTS", "7")];
        assert_eq!(
            explained(&options, &attempts, "max_retries"),
            Some(pair("7", "variable AWS_MAX_ATTEMPTS"))
        );
    }

    #[test]
    fn passwords_of_proxies_are_masked() {
        for (given, shown) in [
            ("http://dana:hush@proxy:3128/x", "http://****@proxy:3128/x"),
            ("http://proxy/a@b", "http://proxy/a@b"),
        ] {
            let option = format!("https_proxy={given}");
            assert_eq!(explained(&[&option], &[], "https_proxy").unwrap().0, shown);
        }
    }

    #[test]
    fn secrets_are_masked() {
        let role = "assume_role_with_web_identity={web_identity_token=\"hush\"}";
        for (name, options, variables) in [
            ("secret_key", &["secret_key=hush"][..], &[][..]),
            ("token", &[], &[("AWS_SESSION_TOKEN", "hush")]),
            ("assume_role_with_web_identity.web_identity_token", &[role], &[]),
        ] {
            assert_eq!(explained(options, variables, name).unwrap().0, MASK, "{name}");
        }
    }
}
