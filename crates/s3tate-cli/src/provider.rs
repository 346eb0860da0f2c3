//! This binary as a provider: what it is when it is started under a provider's name.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use s3tate::{Env, Error, ErrorKind, Result};
use s3tate_provider::{Attachable, Plugin};

use crate::{memory, ui};

/// What the names of its executables begin with.
pub(crate) const NAME: &str = "terraform-provider-s3tate";

/// Whether the program was started under a provider's name.
pub(crate) fn is_meant(program: Option<&OsStr>) -> bool {
    let name = program.and_then(|program| Path::new(program).file_name());
    let rest = name.and_then(OsStr::to_str).and_then(|name| name.strip_prefix(NAME));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '.']))
}

/// Serves the client that started it, or with `-debug` those that attach to it.
pub(crate) fn run(arguments: impl Iterator<Item = std::ffi::OsString>, env: Env) -> ExitCode {
    ui::start_provider_logging(&env);
    let attachable = arguments.skip(1).any(|argument| argument == "-debug" || argument == "--debug");
    match runtime().and_then(|runtime| runtime.block_on(serve(attachable, env))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::fail(&error);
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|cause| Error::new(ErrorKind::Bug, "can't start the runtime").with_source(cause))
}

async fn serve(attachable: bool, env: Env) -> Result<()> {
    if attachable {
        let provider = Attachable::bind(env).await?;
        ui::say("Run Terraform in another terminal with this variable; Ctrl-C ends the provider.");
        ui::data(format!("export TF_REATTACH_PROVIDERS='{}'\n", provider.variable()))?;
        return provider.serve().await;
    }
    if !s3tate_provider::is_started_by_client(&env) {
        return Err(s3tate_provider::not_for_people());
    }
    let plugin = Plugin::bind(env).await?;
    ui::data(plugin.handshake())?;
    let served = plugin.serve().await;
    memory::log_peak();
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_names_are_known() {
        let meant = |name: &str| is_meant(Some(OsStr::new(name)));
        for name in [
            "terraform-provider-s3tate",
            "/x/terraform-provider-s3tate_v0.1.0",
            "terraform-provider-s3tate.exe",
        ] {
            assert!(meant(name), "{name}");
        }
        for name in ["s3tate", "terraform-provider-s3tates", "/terraform-provider-s3tate/s3tate", ""] {
            assert!(!meant(name), "{name}");
        }
        assert!(!is_meant(None));
    }
}
