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
/// `NAME=VALUE`. An empty option that stands alone means none at all. Relative files are looked up in `directory`.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: a file that can't be read or parsed, an unknown name, an unfit value, an empty option
/// beside others.
pub fn read(options: &[String], directory: &Path) -> Result<Arguments> {
    let mut arguments = Arguments::default();
    if options == [""] {
        return Ok(arguments);
    }
    for option in options {
        if option.is_empty() {
            return Err(Error::invalid("an empty `-backend-config=` stands beside others; nothing was done")
                .hint("alone it means that nothing is laid over the block; remove it, or the others"));
        }
        if let Some((name, value)) = option.split_once('=') {
            arguments.extend(Arguments::check([pair(name, value)?], Vec::new())?);
        } else {
            let (given, problems) = file(&directory.join(option))?;
            arguments.extend(Arguments::check(given, problems)?);
        }
    }
    Ok(arguments)
}

/// The text itself, which the attribute's type may convert; an expression where the type is a collection.
fn pair(name: &str, text: &str) -> Result<Argument> {
    let is_collection = |kind| matches!(kind, Kind::StringSet | Kind::StringMap | Kind::Object(_));
    let value = if attribute(name).is_some_and(|attribute| is_collection(attribute.kind)) {
        literal::parse(text).map_err(|why| {
            Error::invalid(format!("option `-backend-config={name}=…` has an unfit value")).fact("cause", why)
        })?
    } else {
        Value::String(text.to_owned())
    };
    Ok(Argument { name: name.to_owned(), value, source: Source::Option })
}

fn file(path: &Path) -> Result<(Vec<Argument>, Vec<Problem>)> {
    let text = hcl::read_text(path)
        .map_err(|error| error.hint("an option with `=` is a NAME=VALUE pair, one without is a file"))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return json::Document::parse(path, &text)?.arguments();
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

    /// Check 45: of files and pairs that set the same attribute, the last one wins.
    #[test]
    fn later_options_win_whatever_their_kind() {
        let dir = directory(&[("a.hcl", "key = \"a\"\n"), ("b.json", r#"{"key": "b"}"#)]);
        assert_eq!(key_of(&["a.hcl", "key=x", "b.json"], dir.path()), Value::String("b".into()));
        assert_eq!(key_of(&["b.json", "key=x", "a.hcl"], dir.path()), Value::String("a".into()));
        assert_eq!(key_of(&["b.json", "a.hcl", "key=x"], dir.path()), Value::String("x".into()));
    }

    #[test]
    fn an_empty_option_stands_alone() {
        assert_eq!(read(&[String::new()], Path::new(".")).unwrap(), Arguments::default());
        for options in [["key=x", ""], ["", "key=x"]] {
            let error = read(&options.map(str::to_owned), Path::new(".")).unwrap_err();
            assert!(error.to_string().contains("-backend-config"), "{error}");
        }
    }

    #[test]
    fn bools_and_numbers_are_read_from_the_text_as_it_stands() {
        let one = |option: &str| read(&[option.to_owned()], Path::new("."));
        assert_eq!(one("use_lockfile=1").unwrap().get("use_lockfile"), Some(&Value::Bool(true)));
        for option in ["use_lockfile=\"true\"", "use_lockfile=null", "max_retries=1+1", " key =x"] {
            assert!(one(option).is_err(), "{option}");
        }
    }

    #[test]
    fn collections_are_read_as_expressions() {
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
