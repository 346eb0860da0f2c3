//! `s3tate init`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use s3tate::config::{Arguments, Release, Resolved, block_hash, cache, is_made_from, release_of};
use s3tate::lock::{LockOptions, Operation};
use s3tate::{Backend, Copied, Error, Result};

use crate::context::Context;
use crate::ui;

/// The state that Terraform keeps where no backend is configured.
const LOCAL_STATE: &str = "terraform.tfstate";

/// Check the backend and remember it, so that neither s3tate nor stock Terraform needs it named again.
///
/// Writes Terraform's own cache file in the data directory. Nothing is ever asked.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Take the configuration as it stands now, whatever was initialised before.
    #[arg(long, conflicts_with = "migrate_state")]
    reconfigure: bool,
    /// Copy the states of the backend that was initialised before, or of a local state file.
    #[arg(long)]
    migrate_state: bool,
    /// With `-migrate-state`: replace other states at the destination.
    #[arg(long)]
    force_copy: bool,
    /// The Terraform release that runs next, or OpenTofu's as `opentofu-1.10`; by default the newest, up to 1.11, that knows all that the block holds. Only
    /// after a partial configuration does it matter: each release then knows the cache by a hash over its own attributes.
    #[arg(long, value_name = "RELEASE")]
    terraform: Option<Release>,
    #[command(flatten)]
    stock: StockOptions,
}

/// Options of stock `init` that have nothing to do with the backend: accepted, so that scripts and `TF_CLI_ARGS_init`
/// serve both.
#[derive(Debug, Args)]
struct StockOptions {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    input: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    get: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    upgrade: Option<bool>,
    #[arg(long, hide = true)]
    plugin_dir: Vec<String>,
    #[arg(long, hide = true)]
    lockfile: Option<String>,
}

pub(crate) async fn run(context: &Context, args: Init) -> Result<ExitCode> {
    let (resolved, before) = choose(context, &args)?;
    let backend = context.backend_of(&resolved)?;
    for deprecation in &backend.config().deprecations {
        ui::warn(deprecation);
    }
    check(context, &backend).await?;
    migrate(context, &args, &backend, before).await?;
    if cache::has_secret(&resolved.arguments) {
        ui::warn(
            "the cache holds a secret in clear, as Terraform's does; variables or a profile keep it out",
        );
    }
    let release = args.terraform.unwrap_or_else(|| release_of(&resolved.block));
    cache::write(&context.data_dir(), &resolved.arguments, block_hash(&resolved.block, release))?;
    ui::say(&format!(
        "initialized: `s3://{}/{}`, cached in `{}`",
        backend.config().bucket,
        backend.config().key,
        cache::path(&context.data_dir()).display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The configuration to take, and the one before it where they differ.
fn choose(context: &Context, args: &Init) -> Result<(Resolved, Option<Arguments>)> {
    if context.has_url() {
        return Err(Error::invalid("`-state` needs no init; nothing was done")
            .hint("pass `-backend-config=bucket=…` and `-backend-config=key=…` instead"));
    }
    let before = if args.reconfigure { None } else { cache::read(&context.data_dir())? };
    let given = context.resolve(false)?;
    if !given.has_block {
        return Err(Error::invalid("there is no backend \"s3\" block to initialize; nothing was done")
            .hint("add `terraform { backend \"s3\" {} }`; what the block leaves out can come from `-backend-config`"));
    }
    let Some(before) = before else { return Ok((given, None)) };
    let unchanged = before.kind == "s3" && is_made_from(&given.block, &before) && !context.has_options();
    if unchanged {
        return Ok((Resolved { arguments: before.arguments, ..given }, None));
    }
    let differences = given.arguments.differences(&before.arguments);
    if before.kind == "s3" && differences.is_empty() {
        return Ok((given, None));
    }
    if before.kind == "s3" && args.migrate_state {
        return Ok((given, Some(before.arguments)));
    }
    Err(Error::invalid("the backend configuration has changed since the last init; nothing was done")
        .fact("initialised", before.path.display().to_string())
        .fact("changed", if differences.is_empty() { before.kind } else { differences.join(", ") })
        .hint("`-reconfigure` takes it as it stands now; `-migrate-state` also copies the states"))
}

/// One look at everything that later commands need: bucket, table, credentials, state.
async fn check(context: &Context, backend: &Backend) -> Result<()> {
    let name = context.workspace_name()?;
    let workspace = backend.workspace(name.clone());
    let (names, state, versioning) =
        futures::future::join3(backend.workspaces(), workspace.read(), backend.versioning()).await;
    if !names?.contains(&name) {
        ui::warn(&format!("workspace `{name}` doesn't exist yet: `s3tate workspace new {name}` creates it"));
    }
    state?;
    if versioning == Some(false) && backend.keeps() == 0 {
        ui::warn(&format!(
            "bucket `{}` keeps no versions: a state that is overwritten or deleted is gone; `s3tate bootstrap` switches \
             them on, and `-keep=N` keeps the last N that s3tate replaces",
            backend.config().bucket
        ));
    }
    if !backend.config().locks() {
        ui::warn("nothing excludes other writers: set `use_lockfile = true` or `dynamodb_table`");
    }
    Ok(())
}

async fn migrate(context: &Context, args: &Init, to: &Backend, before: Option<Arguments>) -> Result<()> {
    let options = LockOptions { progress: ui::waiting, ..LockOptions::default() };
    if let Some(arguments) = before {
        let from =
            context.backend_of(&Resolved { arguments, block: Arguments::default(), has_block: true })?;
        for name in from.workspaces().await? {
            let (source, target) = (from.workspace(name.clone()), to.workspace(name));
            let copied = source.copy_to(&target, args.force_copy, &options).await?;
            report(&source.url(), &target.url(), copied);
        }
        return Ok(());
    }
    let Some(local) = local_state(context)? else { return Ok(()) };
    if args.reconfigure {
        return Ok(());
    }
    if !args.migrate_state {
        return Err(Error::invalid(format!("there is a local state in `{LOCAL_STATE}`; nothing was done"))
            .hint("`-migrate-state` copies it to the backend; `-reconfigure` leaves it alone"));
    }
    let target = to.workspace(context.workspace_name()?);
    let copied = target
        .receive(Some(local.into()), args.force_copy, Operation::MigrationDestination, &options)
        .await?;
    report(LOCAL_STATE, &target.url(), copied);
    Ok(())
}

/// A local state that holds something, in a directory that was never initialised.
fn local_state(context: &Context) -> Result<Option<Vec<u8>>> {
    if cache::read(&context.data_dir())?.is_some() {
        return Ok(None);
    }
    match std::fs::read(Path::new(LOCAL_STATE)) {
        Ok(bytes) if bytes.is_empty() => Ok(None),
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => {
            Err(Error::invalid(format!("can't read `{LOCAL_STATE}`; nothing was done")).with_source(cause))
        }
    }
}

fn report(from: &str, to: &str, copied: Copied) {
    match copied {
        Copied::Nothing => ui::say(&format!("`{from}` has no state to copy")),
        Copied::Same => ui::say(&format!("`{to}` holds the state of `{from}` already")),
        Copied::Written => ui::say(&format!("copied `{from}` to `{to}`; the source stays")),
    }
}
