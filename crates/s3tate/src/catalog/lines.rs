//! What can be searched of a state, as lines of text.
//!
//! ```text
//! R <TAB> address <TAB> m or d <TAB> type <TAB> provider      an instance; what follows is of it
//! A <TAB> path <TAB> value                                    one of its attributes
//! O <TAB> name <TAB> value                                    an output; a sensitive one has no value
//! E <TAB> <TAB>                                               the end; without it, lines are missing
//! ```
//!
//! Values that the state marks as sensitive are left out. Formats before 4 have no marks, and releases before 1.10 did not
//! mark what only the provider's schema calls sensitive; so of what they wrote, and of types that are called like a secret,
//! only ids, ARNs, names and tags are taken, and nowhere an attribute that is called like one.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::diff::plain_attributes;
use crate::state::{Instance, Mode, Outputs, Resource};

/// Words in the names of attributes that hold secrets.
const SECRETS: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "private_key", "credential", "api_key"];
/// Types that hold secrets though they are called otherwise.
const SECRET_TYPES: [&str; 3] = ["ssm_parameter", "access_key", "tls_"];
/// What such an attribute's name ends with when it only tells whose secret it is.
const NAMING: [&str; 4] = ["_id", "_arn", "_name", "_version"];
/// The attributes that are taken of instances without marks.
const HARMLESS: [&str; 5] = ["id", "arn", "name", "tags", "tags_all"];

/// Writes an instance and what may be known of it.
///
/// `marks` tells whether the writer of the state is known to mark all that is sensitive.
pub(super) fn write_instance(
    out: &mut impl Write,
    resource: &Resource<'_>,
    instance: &Instance<'_>,
    marks: bool,
) -> io::Result<()> {
    let address = resource.address(instance.key.as_ref());
    let address = match &instance.deposed {
        Some(key) => format!("{address} (deposed {key})"),
        None => address,
    };
    let mode = if resource.mode == Mode::Managed { "m" } else { "d" };
    write_line(out, &["R", &address, mode, &resource.type_name, provider(&resource.provider)])?;
    let marked = marks && instance.sensitive_attributes.is_some() && !is_secret_type(&resource.type_name);
    for (path, value) in plain_attributes(instance) {
        if !value.is_empty() && value != "null" && may_be_known(&path, marked) {
            write_line(out, &["A", &path, &value])?;
        }
    }
    Ok(())
}

/// Writes the outputs.
pub(super) fn write_outputs(out: &mut impl Write, outputs: &Outputs) -> io::Result<()> {
    for (name, output) in outputs.iter() {
        let value = if output.sensitive { String::new() } else { output.value.to_json() };
        write_line(out, &["O", name, &value])?;
    }
    Ok(())
}

/// Writes the end.
pub(super) fn write_end(out: &mut impl Write) -> io::Result<()> {
    write_line(out, &["E", "", ""])
}

/// Whether a release marks all that is sensitive: 1.10 and later. A version that isn't understood is none.
pub(super) fn marks_all(terraform_version: &str) -> bool {
    let mut parts = terraform_version.split('.').map(str::parse::<u64>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (1, 10),
        _ => false,
    }
}

fn is_secret_type(type_name: &str) -> bool {
    SECRETS.iter().chain(&SECRET_TYPES).any(|word| type_name.contains(word))
}

fn write_line(out: &mut impl Write, parts: &[&str]) -> io::Result<()> {
    let mut line = parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("\t");
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// `registry.terraform.io/hashicorp/aws` of `provider["registry.terraform.io/hashicorp/aws"].west`.
fn provider(text: &str) -> &str {
    text.split('"').nth(1).unwrap_or(text)
}

fn may_be_known(path: &str, marked: bool) -> bool {
    let mut steps = path.split(['.', '[']).map(str::to_lowercase).peekable();
    let first_is_harmless = steps.peek().is_some_and(|first| HARMLESS.contains(&first.as_str()));
    let secret = |step: String| {
        SECRETS.iter().any(|word| step.contains(word)) && !NAMING.iter().any(|end| step.ends_with(end))
    };
    (marked || first_is_harmless) && !steps.any(secret)
}

/// A line as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Instance { address: Cow<'a, str>, managed: bool, type_name: Cow<'a, str>, provider: Cow<'a, str> },
    Attribute { path: Cow<'a, str>, value: Cow<'a, str> },
    Output { name: Cow<'a, str>, value: Cow<'a, str> },
    End,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` for one that no version of s3tate writes.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.split('\t').map(unescaped);
        let kind = parts.next()?;
        let first = parts.next()?;
        let second = parts.next()?;
        Some(match &*kind {
            "R" => {
                let (type_name, provider) = (parts.next()?, parts.next()?);
                Self::Instance { address: first, managed: second == "m", type_name, provider }
            }
            "A" => Self::Attribute { path: first, value: second },
            "O" => Self::Output { name: first, value: second },
            "E" => Self::End,
            _ => return None,
        })
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r', '\\']) {
        text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r").into()
    } else {
        text.into()
    }
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let meant = match character {
            '\\' => match characters.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        plain.push(meant);
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_what_is_in_them() {
        let parts = ["A", "tags[\"a\tb\"]", "two\nlines \\n and\ra tab\t"];
        let mut text = Vec::new();
        write_line(&mut text, &parts).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line = Line::parse(text.trim_end_matches('\n')).unwrap();
        assert_eq!(line, Line::Attribute { path: parts[1].into(), value: parts[2].into() });
        assert_eq!(Line::parse("X\ta\tb"), None);
    }

    #[test]
    fn releases_that_mark_less_are_known() {
        for (version, all) in [
            ("1.10.0", true),
            ("1.11.4", true),
            ("2.0.0-beta1", true),
            ("1.9.8", false),
            ("0.14.0", false),
            ("", false),
        ] {
            assert_eq!(marks_all(version), all, "{version}");
        }
        assert!(is_secret_type("random_password") && is_secret_type("aws_ssm_parameter"));
        assert!(!is_secret_type("aws_vpc"));
    }

    #[test]
    fn what_is_called_like_a_secret_is_not_known() {
        for known in
            ["id", "arn", "tags.Name", "secret_id", "master_user_secret_arn", "policy", "rule[0].port"]
        {
            assert!(may_be_known(known, true), "{known}");
        }
        for secret in ["password", "master_password", "auth.token", "db[0].client_secret", "Private_Key_pem"]
        {
            assert!(!may_be_known(secret, true), "{secret}");
        }
        for (path, known) in
            [("id", true), ("tags.x", true), ("arn", true), ("engine", false), ("tags.password", false)]
        {
            assert_eq!(may_be_known(path, false), known, "{path}");
        }
        assert_eq!(
            provider("provider[\"registry.terraform.io/hashicorp/aws\"].west"),
            "registry.terraform.io/hashicorp/aws"
        );
    }
}
