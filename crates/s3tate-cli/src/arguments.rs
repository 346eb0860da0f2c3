//! Terraform's way of writing options: `-name` means `--name`.

use std::ffi::OsString;

/// Options after which everything belongs to another command.
const TAKES_THE_REST: [&str; 3] = ["-exec", "--exec", "--"];

/// Gives single-dash long options their second dash, up to the point where another command begins.
pub(crate) fn normalize(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut normal: Vec<OsString> = arguments.next().into_iter().collect();
    for argument in arguments.by_ref() {
        let ends = TAKES_THE_REST.iter().any(|name| argument == *name);
        normal.push(long(argument));
        if ends {
            break;
        }
    }
    normal.extend(arguments);
    normal
}

fn long(argument: OsString) -> OsString {
    let Some(text) = argument.to_str() else { return argument };
    let mut chars = text.chars();
    let single = chars.next() == Some('-')
        && chars.next().is_some_and(char::is_alphabetic)
        && chars.next().is_some_and(|c| c.is_alphanumeric() || c == '-');
    if single { format!("-{text}").into() } else { argument }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(arguments: &[&str]) -> Vec<String> {
        let given = arguments.iter().map(OsString::from);
        normalize(given).into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn single_dashes_are_doubled() {
        assert_eq!(
            normal(&["s3tate", "-chdir=d", "output", "-json", "--raw", "-h", "-", "x-y"]),
            ["s3tate", "--chdir=d", "output", "--json", "--raw", "-h", "-", "x-y"]
        );
    }

    #[test]
    fn another_commands_options_are_its_own() {
        assert_eq!(
            normal(&["s3tate", "local", "-exec", "sh", "-ec"]),
            ["s3tate", "local", "--exec", "sh", "-ec"]
        );
        assert_eq!(normal(&["s3tate", "--", "-ec"]), ["s3tate", "--", "-ec"]);
    }
}
