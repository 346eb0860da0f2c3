//! `s3tate bootstrap`

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{ArgAction, Args, ValueEnum};
use s3tate::bootstrap::{Action, Options, Outcome, Plan, Role, Step, access_policy};
use s3tate::config::BackendConfig;
use s3tate::{Backend, Result};
use serde::Serialize;

use crate::context::Context;
use crate::ui;

/// Plan what the configured bucket and table lack, and create it with `-apply`; print least access policies.
///
/// Without `-apply` nothing is changed. What exists is left alone unless `-adopt` is given.
#[derive(Debug, Args)]
pub(crate) struct Bootstrap {
    /// Carry out the plan that is shown.
    #[arg(long)]
    apply: bool,
    /// Also change settings of a bucket that exists, where they differ as shown.
    #[arg(long)]
    adopt: bool,
    /// Print the plan as JSON.
    #[arg(long)]
    json: bool,
    /// Whether the bucket is to refuse requests without TLS; by default unless the endpoint has none itself.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    tls_only: Option<bool>,
    /// Print the least access policy for this role alone, as JSON; nothing is asked of the store.
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["apply", "adopt", "json"])]
    policy: Option<RoleArg>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    Reader,
    Planner,
    Writer,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Reader => Self::Reader,
            RoleArg::Planner => Self::Planner,
            RoleArg::Writer => Self::Writer,
        }
    }
}

pub(crate) async fn run(context: &Context, args: Bootstrap) -> Result<ExitCode> {
    let backend = backend(context)?;
    if let Some(role) = args.policy {
        ui::data(access_policy(backend.config(), role.into()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !backend.config().locks() {
        ui::warn("nothing excludes other writers: set `use_lockfile = true` or `dynamodb_table`");
    }
    let options = Options { adopt: args.adopt, tls_only: args.tls_only };
    let plan = Plan::make(&backend, options).await?;
    let shown = if args.json { json(&plan) } else { human(&plan, backend.config()) };
    ui::data(shown)?;
    plan.check()?;
    if args.apply {
        apply(&plan).await?;
    } else {
        tell_what_next(&plan, &backend);
    }
    Ok(ExitCode::SUCCESS)
}

/// A block that changed since the last init counts as it stands: the next init needs the bucket that is made here.
fn backend(context: &Context) -> Result<Backend> {
    let resolved = context.resolve(true).or_else(|error| context.resolve(false).map_err(|_| error))?;
    context.backend_of(&resolved)
}

async fn apply(plan: &Plan) -> Result<()> {
    plan.apply(|step, outcome| match outcome {
        Outcome::Done => ui::say(&format!("done: {step}")),
        Outcome::Unsupported => ui::say(&format!("not supported here: {step}")),
    })
    .await?;
    let left = plan.count(Action::Differs);
    if left > 0 {
        ui::say(&format!(
            "{left} that differ were left alone: `s3tate bootstrap -apply -adopt` changes them"
        ));
    }
    Ok(())
}

fn tell_what_next(plan: &Plan, backend: &Backend) {
    let changes = plan.count(Action::Create) + plan.count(Action::Adopt);
    let next = if changes > 0 {
        "`-apply` carries this out"
    } else if plan.count(Action::Differs) > 0 {
        "`-adopt` plans to change what differs"
    } else {
        "there is nothing to do"
    };
    ui::say(&format!("`s3://{}` was looked at; nothing was changed: {next}", backend.config().bucket));
}

/// The shape that scripts rely on.
#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    steps: &'a [Step],
}

fn json(plan: &Plan) -> String {
    let document = Document { format_version: "1.0", steps: plan.steps() };
    // Words and texts can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn human(plan: &Plan, config: &BackendConfig) -> String {
    let mut text = String::new();
    let width = plan.steps().iter().map(|step| step.action.as_str().len()).max().unwrap_or_default();
    for step in plan.steps() {
        // Writing to a `String` can't fail.
        let _ = writeln!(text, "{:width$}  {step}: {}", step.action.as_str(), step.why);
        if matches!(step.action, Action::Differs | Action::Adopt | Action::Refused) {
            let found = step.found.as_deref().unwrap_or("nothing");
            let _ = writeln!(text, "{:width$}    found:  {found}", "");
            let _ = writeln!(text, "{:width$}    wanted: {}", "", step.wanted);
        }
    }
    let counts = [
        (Action::Create, "to create"),
        (Action::Adopt, "to change"),
        (Action::Differs, "left alone"),
        (Action::Denied, "not seen"),
    ];
    let counts = counts.map(|(action, words)| format!("{} {words}", plan.count(action)));
    let _ = writeln!(text, "\nplan: {}", counts.join(", "));
    for role in Role::ALL {
        let _ = writeln!(text, "\npolicy for a {}, who {}:", role.as_str(), role.describe());
        text.push_str(&access_policy(config, role));
    }
    text.push_str(LISTING);
    text
}

const LISTING: &str = "\nEach lists the bucket (s3:ListBucket): to find workspaces, and because S3 answers 403 instead \
                       of 404 for a missing state without it.\n";
