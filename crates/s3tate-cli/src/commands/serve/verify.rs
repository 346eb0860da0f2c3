//! `s3tate serve verify`

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use s3tate::config::BackendConfig;
use s3tate::{Backend, Env, Error, ErrorKind, Result};
use s3tate_server::Settings;
use s3tate_server::audit::{Flaw, Verified, verify, verify_bucket};

use crate::ui;

/// Check that audit logs are as they were written. Exits with 1 at the first line that was changed, moved or taken away.
///
/// Lines that were cut off at the end are missed by those who know one of them: by `-head`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The configuration, whose `[audit]` names the logs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The hash of a line that has to be there, as an earlier `verify` printed it.
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// Logs, each a chain of its own. Default: the one in `./s3tate-data`.
    #[arg(value_name = "LOG")]
    files: Vec<PathBuf>,
}

/// A log, by its name.
type Checked = (String, std::result::Result<Verified, Flaw>);

pub(super) async fn run(env: &Env, args: &Verify) -> Result<ExitCode> {
    let logs = logs(env, args).await?;
    let mut sound = !logs.is_empty();
    if logs.is_empty() {
        ui::warn("there is no audit log");
    }
    for (name, checked) in &logs {
        match checked {
            Ok(verified) => ui::data(told(name, verified))?,
            Err(flaw) => {
                sound = false;
                ui::fail(&Error::new(ErrorKind::Corrupt, format!("{name}: {flaw}")));
            }
        }
    }
    if let Some(head) = &args.head
        && !logs.iter().filter_map(|(_, checked)| checked.as_ref().ok()).any(|log| log.has_wanted)
    {
        sound = false;
        ui::fail(&Error::new(ErrorKind::Corrupt, format!("no line has the hash {head}: lines were cut off")));
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn logs(env: &Env, args: &Verify) -> Result<Vec<Checked>> {
    let mut files = args.files.clone();
    let mut logs = Vec::new();
    let beside_the_states = || Path::new(super::DATA).join(super::AUDIT);
    if let Some(path) = &args.config {
        let settings = Settings::read(path)?;
        let backend =
            settings.backend.as_ref().map(|arguments| BackendConfig::new(arguments, env)).transpose()?;
        match (settings.audit, backend) {
            (Some(audit), backend) => {
                files.extend(audit.file);
                if let Some(config) = backend.filter(|_| audit.in_bucket) {
                    logs = verify_bucket(&Backend::new(config, env.clone())?, args.head.as_deref()).await?;
                }
            }
            (None, None) => files.push(beside_the_states()),
            (None, Some(_)) => {
                return Err(Error::invalid(format!("`{}` has no `[audit]`", path.display())));
            }
        }
    } else if files.is_empty() {
        files.push(beside_the_states());
    }
    for path in files {
        let unread = |cause| {
            Error::new(ErrorKind::Unavailable, format!("can't read `{}`", path.display())).with_source(cause)
        };
        let log = BufReader::new(File::open(&path).map_err(unread)?);
        logs.push((path.display().to_string(), verify(log, args.head.as_deref())));
    }
    Ok(logs)
}

fn told(name: &str, verified: &Verified) -> String {
    let times =
        verified.times.as_ref().map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    let torn = match verified.torn {
        0 => String::new(),
        torn => format!(", {torn} torn by a crash"),
    };
    format!("{name}: {} records{times}{torn}, head {}\n", verified.records, verified.head)
}
