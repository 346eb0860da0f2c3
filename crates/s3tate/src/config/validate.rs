//! The rules of the attribute table, all checked at once and without any network.

use super::attributes::{ATTRIBUTES, Attribute, Kind};
use super::value::Value;
use super::{Arguments, Source, located};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::problem::Problem;

/// Checks arguments against the table: required ones, formats, and those that exclude each other.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`], with every problem found.
pub fn validate(arguments: &Arguments, env: &Env) -> Result<()> {
    let is_missing = |attribute: &&Attribute| {
        attribute.required && arguments.get(attribute.name).is_none() && env.first(attribute.env).is_none()
    };
    let mut problems: Vec<_> = ATTRIBUTES.iter().filter(is_missing).map(missing).collect();
    problems.extend(unfit(arguments));
    problems.extend(super::variables::problems(env));
    if problems.is_empty() { Ok(()) } else { Err(Error::of_problems(problems)) }
}

/// What is wrong with those that are set.
pub(super) fn unfit(arguments: &Arguments) -> Vec<Problem> {
    let mut problems = Vec::new();
    for attribute in ATTRIBUTES {
        if let Some((value, source)) = arguments.with_source(attribute.name) {
            check_value(attribute, attribute.name, value, source, &mut problems);
            check_conflicts(attribute, arguments, source, &mut problems);
        }
    }
    check_web_identity(arguments, &mut problems);
    problems
}

fn missing(attribute: &Attribute) -> Problem {
    let name = attribute.name;
    let problem = Problem::new(format!("`{name}` is not set")).about(name);
    match attribute.env {
        [] => problem.hint(format!("set it in the backend block, or pass `-backend-config={name}=…`")),
        variables => problem.hint(format!("set `{name}` in the block, or {}", variables.join(" or "))),
    }
}

fn check_value(
    attribute: &Attribute,
    path: &str,
    value: &Value,
    source: &Source,
    problems: &mut Vec<Problem>,
) {
    if let (Kind::Object(members), Value::Map(values)) = (attribute.kind, value) {
        for member in members {
            let path = format!("{path}.{}", member.name);
            match values.get(member.name).filter(|value| !value.is_null()) {
                Some(value) => check_value(member, &path, value, source, problems),
                None if member.required => {
                    let problem = located(attribute, source, format!("`{path}` is not set"));
                    problems.push(problem.about(path));
                }
                None => {}
            }
        }
        return;
    }
    let Some(check) = attribute.check else { return };
    let unfit = texts(value).find_map(|text| check(text).err());
    problems.extend(
        unfit.map(|must| located(attribute, source, format!("`{path}` in {source} must {must}")).about(path)),
    );
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter_map(Value::as_str)
}

fn check_conflicts(
    attribute: &Attribute,
    arguments: &Arguments,
    source: &Source,
    problems: &mut Vec<Problem>,
) {
    let set = |path: &str| match path.split_once('.') {
        Some((name, member)) => arguments.get(name).is_some_and(|value| value.member(member).is_some()),
        None => arguments.get(path).is_some(),
    };
    for other in attribute.conflicts.iter().filter(|other| set(other)) {
        let message = format!("`{}` in {source} and `{other}` exclude each other", attribute.name);
        let problem = located(attribute, source, message).about(attribute.name);
        problems.push(problem.hint(format!("keep `{other}`, or the other one")));
    }
}

/// Exactly one of token and file; the variables that OpenTofu takes them from count as one.
fn check_web_identity(arguments: &Arguments, problems: &mut Vec<Problem>) {
    let Some((value, source)) = arguments.with_source("assume_role_with_web_identity") else { return };
    let (token, file) = (value.member("web_identity_token"), value.member("web_identity_token_file"));
    if token.is_some() && file.is_some() {
        let message = "`web_identity_token` and `web_identity_token_file` exclude each other";
        let problem = Problem::new(message).about("assume_role_with_web_identity");
        problems.push(problem.hint(format!("keep one of them in {source}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::partial;
    use crate::config::testing::directory;

    fn problems(options: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        let arguments = partial::read(&options, std::path::Path::new(".")).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        match validate(&arguments, &Env::new(variables, "u", "h")) {
            Ok(()) => Vec::new(),
            Err(error) => error.problems().iter().map(|problem| problem.message.clone()).collect(),
        }
    }

    const GOOD: [&str; 3] = ["bucket=b", "key=p/s", "region=us-east-1"];

    fn with(more: &[&str]) -> Vec<String> {
        problems(&[&GOOD[..], more].concat(), &[])
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let found =
            problems(&["key=/a", "retry_mode=x", "force_path_style=true", "use_path_style=true"], &[]);
        assert_eq!(found.len(), 5, "{found:?}");
        for word in ["`bucket`", "`region`", "`key`", "`retry_mode`", "`force_path_style`"] {
            assert!(found.iter().any(|problem| problem.contains(word)), "{word}: {found:?}");
        }
    }

    #[test]
    fn unfit_values_are_told_beside_unknown_names_and_wrong_types() {
        let dir = directory(&[(
            "a.hcl",
            "buckt = \"b\"\nkey = \"/a\"\nencrypt = \"perhaps\"\nretry_mode = \"x\"\n",
        )]);
        let error = partial::read(&["a.hcl".to_owned()], dir.path()).unwrap_err();
        let lines: Vec<_> =
            error.problems().iter().map(|problem| problem.place.as_ref().unwrap().line()).collect();
        assert_eq!(lines, [1, 2, 3, 4], "{error}");
    }

    #[test]
    fn variables_stand_in_for_required_attributes() {
        assert!(problems(&GOOD[..2], &[("AWS_DEFAULT_REGION", "r")]).is_empty());
        assert_eq!(problems(&GOOD[..2], &[]).len(), 1);
    }

    #[test]
    fn members_are_checked_by_their_path() {
        let found = with(&["assume_role={duration=\"1m\", policy_arns=[\"x\"]}"]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found.iter().any(|problem| problem.starts_with("`assume_role.role_arn` is not set")),
            "{found:?}"
        );
    }

    #[test]
    fn excluding_attributes_are_refused() {
        let key = format!("sse_customer_key={}=", "A".repeat(43));
        for pair in [
            ["endpoint=http://a", "endpoints={s3=\"http://b\"}"],
            ["shared_credentials_file=a", "shared_credentials_files=[\"b\"]"],
            ["allowed_account_ids=[\"1\"]", "forbidden_account_ids=[\"2\"]"],
            ["kms_key_id=alias/x", &key],
            ["role_arn=x", "assume_role={role_arn=\"arn:aws:iam::1:role/x\"}"],
        ] {
            assert_eq!(with(&pair).len(), 1, "{pair:?}");
            assert_eq!(with(&pair[..1]).len(), 0, "{pair:?}");
        }
        assert!(with(&["endpoint=http://a", "endpoints={sts=\"http://b\"}"]).is_empty());
    }
}
