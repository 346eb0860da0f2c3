//! `s3tate serve check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use s3tate::{Error, Result};
use s3tate_server::Settings;
use s3tate_server::auth::{Action, Identity, Method, decide};

use crate::ui;

/// Explain whether somebody may do something with a state, and by which rule. Exits with 1 where not.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who: `token:NAME`, `oidc:ISSUER:PRINCIPAL` or `cert:SUBJECT`.
    #[arg(long = "as", value_name = "IDENTITY")]
    identity: String,
    /// A claim of theirs, repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    claim: Vec<String>,
    /// The state's key.
    #[arg(long, value_name = "KEY")]
    path: String,
    /// What they want to do: outputs, read, lock (or plan), write, break-lock or admin. Default: each.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
}

pub(super) fn run(args: &Check) -> Result<ExitCode> {
    let settings = Settings::read(&args.config)?;
    let identity = identity(args)?;
    let actions = match args.action.as_deref() {
        None => Action::ALL.to_vec(),
        Some(word) => vec![action(word)?],
    };
    let mut all = true;
    for action in actions {
        let decision = decide(&settings.rules, &identity, &args.path, action);
        all &= decision.allowed;
        ui::data(format!("{action}: {decision}\n"))?;
        if let Some(rule) = decision.rule.and_then(|number| settings.rules.get(number - 1)) {
            ui::data(format!(
                "  who {:?}, claims {:?}, path {:?}, allow {:?}, deny {:?}\n",
                rule.who, rule.claims, rule.path, rule.allow, rule.deny
            ))?;
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn action(word: &str) -> Result<Action> {
    let word = if word == "plan" { "lock" } else { word };
    let found = Action::ALL.into_iter().find(|action| action.as_str() == word);
    let known = Action::ALL.map(Action::as_str).join(", ");
    found
        .ok_or_else(|| Error::invalid(format!("`{word}` is no action")).hint(format!("it is one of {known}")))
}

fn identity(args: &Check) -> Result<Identity> {
    let method = match args.identity.split(':').next() {
        Some("token") => Method::Token,
        Some("oidc") => Method::Oidc,
        Some("cert") => Method::Certificate,
        _ => {
            return Err(Error::invalid(format!("`{}` is no identity", args.identity))
                .hint("write `token:NAME`, `oidc:ISSUER:PRINCIPAL` or `cert:SUBJECT`"));
        }
    };
    let mut identity = Identity::new(args.identity.clone(), method);
    for claim in &args.claim {
        let (name, value) = claim
            .split_once('=')
            .ok_or_else(|| Error::invalid(format!("`{claim}` is no claim")).hint("write NAME=VALUE"))?;
        identity.claims.insert(name.to_owned(), value.into());
    }
    Ok(identity)
}
