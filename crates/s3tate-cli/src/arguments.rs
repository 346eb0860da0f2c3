//! Terraform's ways of giving options: `-name` means `--name`, and `TF_CLI_ARGS` adds more.

use std::ffi::OsString;

use clap::CommandFactory as _;
use s3tate::{Env, Error, Result};

use crate::cli::Cli;

/// Options after which everything belongs to another command.
const TAKES_THE_REST: [&str; 3] = ["-exec", "--exec", "--"];

/// The arguments with what `TF_CLI_ARGS` and `TF_CLI_ARGS_<command>` put behind the command's name, as Terraform does.
///
/// # Errors
/// [`s3tate::ErrorKind::Invalid`]: a variable's quotes don't close.
pub(crate) fn complete(arguments: impl IntoIterator<Item = OsString>, env: &Env) -> Result<Vec<OsString>> {
    let mut arguments = normalize(arguments);
    let (end, command) = command_of(&arguments);
    let own = format!("TF_CLI_ARGS_{}", command.join("_").replace('-', "_"));
    let mut more = Vec::new();
    for name in ["TF_CLI_ARGS", own.as_str()] {
        let Some(text) = env.var(name).filter(|_| !command.is_empty()) else { continue };
        let words = shlex::split(text).ok_or_else(|| {
            Error::invalid(format!("`{name}` has an open quote; nothing was done")).fact("value", text)
        })?;
        more.extend(words.into_iter().map(|word| long(word.into())));
    }
    arguments.splice(end..end, more);
    Ok(arguments)
}

/// Where the command's name ends, and its words, such as `state push`.
fn command_of(arguments: &[OsString]) -> (usize, Vec<String>) {
    let mut level = Cli::command();
    let (mut end, mut words) = (0, Vec::new());
    let mut skip = false;
    for (at, argument) in arguments.iter().enumerate().skip(1) {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut skip) || text.starts_with('-') {
            // Options before the command that take the next word as their value.
            skip = matches!(&*text, "--chdir" | "--backend-config" | "--state");
            continue;
        }
        let Some(found) = level.find_subcommand(&*text).cloned() else { break };
        words.push(found.get_name().to_owned());
        (end, level) = (at + 1, found);
        if !level.has_subcommands() {
            break;
        }
    }
    (end, words)
}

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

    fn completed(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let arguments = arguments.iter().map(OsString::from);
        let all = complete(arguments, &Env::new(variables, "", "")).unwrap();
        all.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn variables_add_options_behind_the_command() {
        let variables = [("TF_CLI_ARGS", "-no-color"), ("TF_CLI_ARGS_state_push", "-lock-timeout='1 m'")];
        assert_eq!(
            completed(&["s3tate", "-chdir", "d", "state", "push", "f"], &variables),
            ["s3tate", "--chdir", "d", "state", "push", "--no-color", "--lock-timeout=1 m", "f"]
        );
        assert_eq!(
            completed(&["s3tate", "output", "x"], &variables),
            ["s3tate", "output", "--no-color", "x"]
        );
        assert_eq!(
            completed(&["s3tate", "force-unlock", "x"], &[("TF_CLI_ARGS_force_unlock", "-force")]),
            ["s3tate", "force-unlock", "--force", "x"]
        );
        assert_eq!(completed(&["s3tate", "--version"], &variables), ["s3tate", "--version"]);
        assert!(
            complete(
                ["s3tate".into(), "init".into()],
                &Env::new([("TF_CLI_ARGS".into(), "'".into())], "", "")
            )
            .is_err()
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
