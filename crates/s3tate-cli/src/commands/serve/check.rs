//! `s3tate serve check`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use s3tate::config::BackendConfig;
use s3tate::{Backend, Env, Error, Result};
use s3tate_server::Settings;
use s3tate_server::auth::{Action, Identity, Method, decide};
use s3tate_server::checkup::{self, Finding};

use crate::ui;

/// Check a configuration before a server uses it: the file, certificates, names in rules, issuers, bucket and locks. With
/// `-as`, explain instead whether somebody may do something with a state, and by which rule. Exits with 1 where not.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who: `token:NAME`, `oidc:ISSUER:PRINCIPAL` or `cert:SUBJECT`.
    #[arg(long = "as", value_name = "IDENTITY", requires = "path")]
    identity: Option<String>,
    /// A claim of theirs, repeatable.
    #[arg(long, value_name = "NAME=VALUE", requires = "identity")]
    claim: Vec<String>,
    /// The state's key.
    #[arg(long, value_name = "KEY", requires = "identity")]
    path: Option<String>,
    /// What they want to do: outputs, read, lock (or plan), write, break-lock or admin. Default: each.
    #[arg(long, value_name = "ACTION", requires = "identity")]
    action: Option<String>,
}

pub(super) async fn run(args: &Check, env: &Env) -> Result<ExitCode> {
    let mut settings = Settings::read(&args.config)?;
    match (&args.identity, &args.path) {
        (Some(name), Some(path)) => explain(args, &settings, &identity(name, &args.claim)?, path),
        _ => examine(&mut settings, env).await,
    }
}

async fn examine(settings: &mut Settings, env: &Env) -> Result<ExitCode> {
    let (mut findings, backend) = (Vec::new(), settings.backend.take());
    if let Err(error) = super::lets_somebody_in(settings) {
        findings.push(Finding::Problem(error));
    }
    let backend = backend.map(|arguments| Backend::new(BackendConfig::new(&arguments, env)?, env.clone()));
    let backend = backend.transpose()?;
    match &backend {
        Some(backend) => findings.extend(backend.config().warnings.iter().cloned().map(Finding::Warning)),
        None => findings
            .push(Finding::Good("no `[backend]`: states are kept in the directory of `-data`".to_owned())),
    }
    findings.extend(checkup::examine(settings, backend.as_ref(), env).await);
    let mut code = ExitCode::SUCCESS;
    for finding in &findings {
        match finding {
            Finding::Good(text) => ui::data(format!("ok: {text}\n"))?,
            Finding::Warning(text) => ui::warn(text),
            Finding::Problem(error) => code = ui::fail(error),
        }
    }
    Ok(code)
}

fn explain(args: &Check, settings: &Settings, identity: &Identity, path: &str) -> Result<ExitCode> {
    let actions = match args.action.as_deref() {
        None => Action::ALL.to_vec(),
        Some(word) => vec![action(word)?],
    };
    let mut all = true;
    for action in actions {
        let decision = decide(&settings.rules, identity, path, action);
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

fn identity(name: &str, claims: &[String]) -> Result<Identity> {
    let method = match name.split(':').next() {
        Some("token") => Method::Token,
        Some("oidc") => Method::Oidc,
        Some("cert") => Method::Certificate,
        _ => {
            return Err(Error::invalid(format!("`{name}` is no identity"))
                .hint("write `token:NAME`, `oidc:ISSUER:PRINCIPAL` or `cert:SUBJECT`"));
        }
    };
    let mut identity = Identity::new(name, method);
    for claim in claims {
        let (name, value) = claim
            .split_once('=')
            .ok_or_else(|| Error::invalid(format!("`{claim}` is no claim")).hint("write NAME=VALUE"))?;
        identity.claims.insert(name.to_owned(), value.into());
    }
    Ok(identity)
}
