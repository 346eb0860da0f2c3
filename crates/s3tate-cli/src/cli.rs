//! The command line as clap sees it; each command's options stand with the command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    backend, bootstrap, catalog, diff, doctor, find, force_unlock, history, init, local, lock, migrate,
    output, provider, remote_state, restore, serve, state, whoami, why, workspace,
};

/// Terraform and OpenTofu state on Amazon S3.
///
/// Shares buckets, tables, keys and locks with the `s3` backend of stock Terraform and OpenTofu. Options may be written
/// with one dash or two. Standard output carries the asked-for data alone.
#[derive(Debug, Parser)]
#[command(name = "s3tate", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Whether it serves until it is stopped, and so tells of each request.
    pub(crate) fn serves(&self) -> bool {
        matches!(&self.command, Command::Serve(serve) if serve.tells())
    }
}

/// Options that work with every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Work in this directory.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) chdir: Option<PathBuf>,
    /// Backend argument `NAME=VALUE`, or a file of them; laid over the backend block, later ones win.
    #[arg(long, value_name = "FILE|NAME=VALUE", global = true, allow_hyphen_values = true)]
    pub(crate) backend_config: Vec<String>,
    /// Name a state without any configuration: `s3://BUCKET/KEY?region=REGION&dynamodb_table=TABLE`; `output` takes several.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) state: Vec<String>,
    /// Variable `NAME=VALUE` for a backend block under OpenTofu's rules.
    #[arg(long, value_name = "NAME=VALUE", global = true)]
    pub(crate) var: Vec<String>,
    /// File of variables for a backend block under OpenTofu's rules.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) var_file: Vec<PathBuf>,
    /// Keep a copy of each state before it is replaced or deleted, the newest N of them, below `.s3tate/snapshots/` in its
    /// bucket; for buckets without versioning. `S3TATE_KEEP` says the same.
    #[arg(long, value_name = "N", global = true)]
    pub(crate) keep: Option<usize>,
    /// Colour nothing, as where the variable `NO_COLOR` is set or the output is no terminal.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

impl Global {
    /// The options that name the same state in another command of the same directory; empty, or with a leading space.
    ///
    /// Arguments of the backend may be secret and aren't repeated.
    pub(crate) fn to_repeat(&self) -> String {
        let quoted =
            |text: &str| shlex::try_quote(text).map(std::borrow::Cow::into_owned).unwrap_or_default();
        let secret = |url: &&String| ["secret", "token", "access_key"].iter().all(|word| !url.contains(word));
        let state = self.state.iter().filter(secret).map(|url| format!(" -state={}", quoted(url)));
        let left_out = !self.backend_config.is_empty() || self.state.iter().any(|url| !secret(&url));
        state.chain(left_out.then(|| " …the same backend options…".to_owned())).collect()
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Bootstrap(bootstrap::Bootstrap),
    Catalog(catalog::Catalog),
    Diff(diff::Diff),
    Doctor(doctor::Doctor),
    History(history::History),
    Init(init::Init),
    Output(output::Output),
    #[command(subcommand)]
    Provider(provider::Provider),
    RemoteState(remote_state::RemoteState),
    Restore(restore::Restore),
    #[command(subcommand)]
    State(state::State),
    #[command(subcommand, alias = "env")]
    Workspace(workspace::Workspace),
    Find(find::Find),
    ForceUnlock(force_unlock::ForceUnlock),
    #[command(subcommand)]
    Lock(lock::Lock),
    Migrate(Box<migrate::Migrate>),
    Local(local::Local),
    Serve(serve::Serve),
    Why(why::Why),
    #[command(subcommand)]
    Backend(backend::Backend),
    Whoami(whoami::Whoami),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
