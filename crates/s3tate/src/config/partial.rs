//! Partial configuration: the `-backend-config` options.

use std::path::Path;

use super::attributes::{Kind, attribute};
use super::value::Value;
use super::{Argument, Arguments, Source, hcl, json, literal};
use crate::error::{Error, Result};
use crate::problem::Problem;

/// Reads `-backend-config` options from left to right; later ones win.
///
/// An option is a file (HCL attributes, or JSON when its name ends in `.json`) unless it has a `=`, which makes it
/// `NAME=VALUE`. An empty option discards those before it. Relative files are looked up in `directory`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: a file that can't be read or parsed, an unknown name, an unfit value.
pub fn read(options: &[String], directory: &Path) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    for option in options {
        if option.is_empty() {
            arguments = Arguments::default();
        } else if let Some((name, value)) = option.split_once('=') {
            arguments.extend(Arguments::check([pair(name.trim(), value)?], Vec::new())?);
        } else {
            let (given, problems) = file(&directory.join(option))?;
            arguments.extend(Arguments::check(given, problems)?);
        }
    }
    Ok(arguments)
}

fn pair(name: &str, text: &str) -> Result<Argument> {
    let literally = attribute(name).is_none_or(|attribute| matches!(attribute.kind, Kind::String));
    let value = if literally {
        Value::String(text.to_owned())
    } else {
        literal::parse(text).or_else(|why| bare_text(text).ok_or(why)).map_err(|why| {
            Error::invalid(format!("option `-backend-config={name}=…` has an unfit value")).fact("cause", why)
        })?
    };
    Ok(Argument { name: name.to_owned(), value, source: Source::Option })
}

/// A single word, which the attribute's type may convert or refuse with a better message.
fn bare_text(text: &str) -> Option<Value> {
    text.chars().all(char::is_alphanumeric).then(|| Value::String(text.to_owned()))
}

fn file(path: &Path) -> Result<(Vec<Argument>, Vec<Problem>)> {
    let text = hcl::read_text(path)
        .map_err(|error| error.hint("an option with `=` is a NAME=VALUE pair, one without is a file"))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return Ok((json::arguments(path, &text, &json::parse(path, &text)?)?, Vec::new()));
    }
    let literally: hcl::Evaluate<'_> = &|_, expression| literal::evaluate(expression);
    Ok(hcl::body_arguments(path, &text, &hcl::parse_body(path, &text)?, literally))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::directory;

    fn key_of(options: &[&str], dir: &Path) -> Value {
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        read(&options, dir).unwrap().get("key").unwrap().clone()
    }

    /// Check 45.
    #[test]
    fn later_options_win_whatever_their_kind() {
        let dir = directory(&[("a.hcl", "key = \"a\"\n"), ("b.json", r#"{"key": "b"}"#)]);
        assert_eq!(key_of(&["a.hcl", "key=x", "b.json"], dir.path()), Value::String("b".into()));
        assert_eq!(key_of(&["b.json", "key=x", "a.hcl"], dir.path()), Value::String("a".into()));
        assert_eq!(key_of(&["b.json", "a.hcl", "key=x"], dir.path()), Value::String("x".into()));
    }

    #[test]
    fn an_empty_option_discards_earlier_ones() {
        let options = ["key=x".to_owned(), String::new(), "bucket=b".to_owned()];
        let arguments = read(&options, Path::new(".")).unwrap();
        assert_eq!(arguments.get("key"), None);
        assert_eq!(arguments.get("bucket"), Some(&Value::String("b".into())));
    }

    #[test]
    fn other_types_are_read_as_expressions() {
        let options =
            ["max_retries=7", "allowed_account_ids=[\"1\"]", "endpoints={s3=\"http://h\"}", "key=a=b"];
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        let arguments = read(&options, Path::new(".")).unwrap();
        assert_eq!(arguments.get("max_retries"), Some(&Value::Number("7".into())));
        assert_eq!(arguments.get("key"), Some(&Value::String("a=b".into())));
        let s3 = arguments.get("endpoints").and_then(|value| value.member("s3")).unwrap();
        assert_eq!(s3.as_str(), Some("http://h"));
    }

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let error = read(&["buckt=b".to_owned()], Path::new(".")).unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `bucket`?"));
    }
}
