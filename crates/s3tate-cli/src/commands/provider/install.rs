//! `s3tate provider install`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use s3tate::{Env, Error, ErrorKind, Result};

use crate::context::Context;
use crate::{provider, ui};

/// Where clients look for `s3tate/s3tate` by default: Terraform and OpenTofu.
const HOSTS: [&str; 2] = ["registry.terraform.io", "registry.opentofu.org"];
/// The address below the host.
const ADDRESS: &str = "s3tate/s3tate";
/// The release that is installed: this one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Copy this binary as provider to where `init` of Terraform and OpenTofu looks without being told, and print the block
/// that asks for it.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Lay out a filesystem mirror in this directory instead.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &Install) -> Result<ExitCode> {
    let mirror = args.dir.clone().map_or_else(|| implied_mirror(&context.env), Ok)?;
    let binary = std::env::current_exe().and_then(std::fs::read).map_err(|cause| {
        Error::new(ErrorKind::Unavailable, "can't read this program; nothing was installed")
            .with_source(cause)
    })?;
    for host in HOSTS {
        let path = place(&mirror, host);
        if put(&path, &binary).map_err(|cause| not_installed(&path, cause))? {
            ui::warn(&format!(
                "`{}` was another build of the same version: where `.terraform.lock.hcl` has its checksum, remove that entry",
                path.display()
            ));
        }
        ui::say(&format!("installed {}", path.display()));
    }
    if let Some(directory) = &args.dir {
        ui::say(&format!("`terraform init -plugin-dir={}` takes it from there", directory.display()));
    }
    ui::data(block())?;
    Ok(ExitCode::SUCCESS)
}

fn block() -> String {
    format!(
        "terraform {{\n  required_providers {{\n    s3tate = {{\n      source  = \"{ADDRESS}\"\n      version = \"{VERSION}\"\n    }}\n  }}\n}}\n"
    )
}

/// The directory that clients search on every system, without any configuration.
fn implied_mirror(env: &Env) -> Result<PathBuf> {
    let (variable, directory) =
        if cfg!(windows) { ("APPDATA", "terraform.d") } else { ("HOME", ".terraform.d") };
    let home = env.var(variable).ok_or_else(|| {
        Error::invalid(format!("`{variable}` is not set; nothing was installed"))
            .hint("`-dir DIR` says where to install")
    })?;
    Ok(PathBuf::from(home).join(directory).join("plugins"))
}

fn place(mirror: &Path, host: &str) -> PathBuf {
    let name = format!("{}_v{VERSION}{}", provider::NAME, std::env::consts::EXE_SUFFIX);
    mirror.join(host).join(ADDRESS).join(VERSION).join(platform()).join(name)
}

/// System and processor in Go's words.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    format!("{system}_{processor}")
}

/// Writes it beside its place first, so that a running provider is never half replaced; true if another one was there.
fn put(path: &Path, binary: &[u8]) -> std::io::Result<bool> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let earlier = std::fs::read(path).ok();
    if earlier.as_deref() == Some(binary) {
        return Ok(false);
    }
    // Clients take for a provider whatever begins with its name.
    let beside = path.with_file_name(format!("new-{}", std::process::id()));
    std::fs::write(&beside, binary)?;
    let placed = executable(&beside).and_then(|()| std::fs::rename(&beside, path));
    if placed.is_err() {
        drop(std::fs::remove_file(&beside));
    }
    placed.map(|()| earlier.is_some())
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn not_installed(path: &Path, cause: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("can't write `{}`; nothing is installed there", path.display()),
    )
    .with_source(cause)
}
