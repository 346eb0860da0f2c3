//! `s3tate doctor`

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgAction, Args};
use s3tate::doctor::{Diagnosis, Examination, Finding, Kept, Severity};
use s3tate::lock::LockOptions;
use s3tate::{Env, Error, ErrorKind, Result, Workspace};
use serde::Serialize;

use super::parse_timeout;
use crate::context::Context;
use crate::ui;

/// Examine the current workspace: permissions, bucket, table, state, digest, locks, and how the store behaves.
///
/// Shows the evidence of what it finds. The state itself is never written to. Exits with 1 where problems are left.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Repair what is proven: record the digest of a state whose writer stopped before it, under lock.
    #[arg(long)]
    fix: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    /// Whether to try how the store treats conditions, on a lock object and an item of its own, which are removed.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set, num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    probe: bool,
    /// With `-fix`: how long to wait for a lock that somebody else holds, such as `90s`.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_timeout)]
    lock_timeout: Duration,
}

pub(crate) async fn run(context: &Context, args: Doctor) -> Result<ExitCode> {
    let workspace = context.workspace()?;
    let mut diagnosis = workspace.examine(&Examination { probe: args.probe }).await?;
    // What was found is shown even where the repair fails.
    let fixed = if args.fix { fix(context, &args, &workspace, &mut diagnosis).await } else { Ok(()) };
    let findings = repeatable(diagnosis.findings(), &context.options_to_repeat());
    let healthy = diagnosis.is_healthy();
    ui::data(if args.json { json(&workspace, healthy, &findings) } else { human(&workspace, &findings) })?;
    fixed?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn fix(
    context: &Context,
    args: &Doctor,
    workspace: &Workspace,
    diagnosis: &mut Diagnosis,
) -> Result<()> {
    if !diagnosis.is_fixable() {
        if !diagnosis.is_healthy() {
            ui::say("nothing was fixed: what is wrong doesn't prove what would be right");
        }
        return Ok(());
    }
    let options = LockOptions { timeout: args.lock_timeout, progress: ui::waiting, ..LockOptions::default() };
    let key = workspace.key().to_string();
    workspace.fix(diagnosis, &options, |kept| keep(&context.env, &key, kept)).await.map(drop)
}

/// Puts what is about to be changed, and what it is about, into files that only their owner can read.
fn keep(env: &Env, key: &str, kept: &Kept) -> Result<Vec<String>> {
    let time: String = env.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    // Names of files are shorter than keys can be.
    let name = key.rsplit('/').next().unwrap_or_default();
    let name: String = name.chars().take(100).collect();
    let item = write(&format!("doctor-{time}-{name}-md5.json"), kept.item.as_bytes())?;
    let object = write(&format!("doctor-{time}-{name}"), &kept.object)?;
    Ok(vec![format!("the digest item as it was, in `{item}`"), format!("the state, in `{object}`")])
}

fn write(name: &str, bytes: &[u8]) -> Result<String> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(Path::new(name)).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(name.to_owned()),
        Err(cause) => {
            let message = format!("can't keep a copy in `{name}`; nothing was fixed");
            Err(Error::new(ErrorKind::Unavailable, message).with_source(cause))
        }
    }
}

/// The shape that scripts rely on.
#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    state: String,
    workspace: &'a str,
    healthy: bool,
    findings: &'a [Finding],
}

/// The findings, with commands of s3tate's that name the same state.
fn repeatable(findings: &[Finding], options: &str) -> Vec<Finding> {
    let with_options = |command: &String| match command.split_once(" -- ") {
        _ if !command.starts_with("s3tate ") => command.clone(),
        Some((ours, theirs)) => format!("{ours}{options} -- {theirs}"),
        None => format!("{command}{options}"),
    };
    let repeat = |finding: &Finding| Finding {
        commands: finding.commands.iter().map(with_options).collect(),
        ..finding.clone()
    };
    findings.iter().map(repeat).collect()
}

fn json(workspace: &Workspace, healthy: bool, findings: &[Finding]) -> String {
    let document = Document {
        format_version: "1.0",
        state: workspace.url(),
        workspace: workspace.name().as_str(),
        healthy,
        findings,
    };
    // Words and texts can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn human(workspace: &Workspace, findings: &[Finding]) -> String {
    let mut text = format!("{}, workspace {}\n\n", workspace.url(), workspace.name());
    let mut worst_first: Vec<_> = findings.iter().collect();
    worst_first.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in worst_first {
        describe(&mut text, finding);
    }
    let count = |severity| findings.iter().filter(|found| found.severity == severity).count();
    let fixed = findings.iter().filter(|finding| finding.fixed).count();
    let open = count(Severity::Problem) - fixed;
    // Writing to a `String` can't fail.
    let _ = write!(text, "\n{}, {}", counted(open, "problem"), counted(count(Severity::Warning), "warning"));
    let _ = if fixed > 0 { writeln!(text, ", {fixed} fixed") } else { writeln!(text) };
    text
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// One line for what is as it should be; evidence and what to do for the rest.
fn describe(text: &mut String, finding: &Finding) {
    let word = if finding.fixed { "fixed" } else { finding.severity.as_str() };
    // Writing to a `String` can't fail.
    let _ = writeln!(text, "{word:<8} {}: {}", finding.kind.as_str(), finding.summary);
    if finding.severity == Severity::Ok {
        return;
    }
    let width = finding.facts.iter().map(|fact| fact.label.chars().count() + 1).max().unwrap_or_default();
    for fact in &finding.facts {
        let _ = writeln!(text, "{:11}{:<width$} {}", "", format!("{}:", fact.label), fact.value);
    }
    if let Some(advice) = &finding.advice {
        let _ = writeln!(text, "{:11}=> {advice}", "");
    }
    for command in &finding.commands {
        let _ = writeln!(text, "{:13}{command}", "");
    }
}
