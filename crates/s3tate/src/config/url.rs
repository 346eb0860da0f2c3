//! `s3://BUCKET/KEY?attribute=value&…`: a state named without any file.

use percent_encoding::percent_decode_str;

use super::value::Value;
use super::{Argument, Source, literal};
use crate::config::attributes::{Kind, attribute};
use crate::error::{Error, Result};

/// Reads a state URL as arguments: bucket, key, and any attribute as a query parameter.
///
/// Percent escapes are decoded; the key is taken verbatim otherwise, so a workspace's state is named by its full key.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: another scheme, no bucket, no key, or a parameter without `=`.
pub(super) fn arguments(url: &str) -> Result<Vec<Argument>> {
    let malformed = |why: &str| {
        Error::invalid(format!("`{url}` doesn't name a state"))
            .fact("cause", why)
            .hint("write s3://BUCKET/KEY?region=REGION&dynamodb_table=TABLE")
    };
    let rest = url.strip_prefix("s3://").ok_or_else(|| malformed("it doesn't begin with s3://"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, key) = place.split_once('/').ok_or_else(|| malformed("there is no key"))?;
    if bucket.is_empty() || key.is_empty() {
        return Err(malformed("bucket or key is empty"));
    }
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| malformed("an escape is not UTF-8"))
    };
    let mut arguments = vec![text("bucket", decode(bucket)?), text("key", decode(key)?)];
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or_else(|| malformed("a parameter has no `=`"))?;
        let value = decode(value)?;
        let nested = attribute(name)
            .is_some_and(|attribute| !matches!(attribute.kind, Kind::String | Kind::Bool | Kind::Number));
        let value = if nested {
            literal::parse(&value).map_err(|why| malformed(&why))?
        } else {
            Value::String(value)
        };
        arguments.push(Argument { name: name.to_owned(), value, source: Source::Url });
    }
    Ok(arguments)
}

fn text(name: &str, value: String) -> Argument {
    Argument { name: name.to_owned(), value: Value::String(value), source: Source::Url }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Arguments;

    #[test]
    fn a_url_names_bucket_key_and_attributes() {
        let arguments =
            arguments("s3://b/env:/dev/p%20s?region=eu-west-1&dynamodb_table=t&use_lockfile=true").unwrap();
        let arguments = Arguments::check(arguments, Vec::new()).unwrap();
        assert_eq!(arguments.get("key").and_then(Value::as_str), Some("env:/dev/p s"));
        assert_eq!(arguments.get("dynamodb_table").and_then(Value::as_str), Some("t"));
        assert_eq!(arguments.get("use_lockfile"), Some(&Value::Bool(true)));
    }

    #[test]
    fn malformed_urls_are_refused() {
        for url in ["http://b/k", "s3://b", "s3:///k", "s3://b/", "s3://b/k?region"] {
            assert!(arguments(url).is_err(), "{url}");
        }
    }
}
