//! Finds the stock programs that tests compare with.
//!
//! They lie in `.tools/` at the workspace's root, where `scripts/tools` puts them; Terraform 1.11.4 may also be on `PATH`.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// The generations of Terraform that tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Terraform {
    /// 1.11.4, the reference.
    V1_11,
    /// 1.0.3: flat endpoint attributes, no lock objects.
    V1_0,
    /// 0.11.11: state format 3, no DynamoDB endpoint to set.
    V0_11,
}

impl Terraform {
    /// The full version number.
    pub fn version(self) -> &'static str {
        match self {
            Self::V1_11 => "1.11.4",
            Self::V1_0 => "1.0.3",
            Self::V0_11 => "0.11.11",
        }
    }
}

/// A program that tests run and that this project doesn't build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// Terraform of one generation.
    Terraform(Terraform),
    /// The AWS command line.
    Aws,
    /// Requests made from a description.
    Schemathesis,
    /// The moto server.
    Moto,
    /// What makes networks of their own, with `ip` to set them up.
    Unshare,
    /// A browser without a window.
    Chromium,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terraform(version) => write!(f, "terraform {}", version.version()),
            Self::Aws => f.write_str("aws 1.45.11"),
            Self::Schemathesis => f.write_str("schemathesis 4.32.5"),
            Self::Moto => f.write_str("moto_server 5.2.1"),
            Self::Unshare => f.write_str("unshare -rn with ip"),
            Self::Chromium => f.write_str("chromium"),
        }
    }
}

/// A tool that isn't there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a test without its tool has to say so"]
pub struct Missing {
    tool: Tool,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.tool {
            Tool::Terraform(Terraform::V1_11) => "put it on PATH",
            Tool::Unshare => "install util-linux and iproute2, and allow user namespaces",
            _ => "run scripts/tools",
        };
        write!(f, "{} is missing ({how})", self.tool)
    }
}

impl Missing {
    /// Says that the running test is skipped, past the test harness's capture; with `CI=true` fails it instead.
    #[expect(
        clippy::disallowed_methods,
        reason = "the build machine tells by a variable that nothing may be skipped"
    )]
    pub fn skip(self) {
        let thread = std::thread::current();
        let line = format!("SKIPPED {}: {self}\n", thread.name().unwrap_or("a test"));
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{line}");
        std::io::stderr().write_all(line.as_bytes()).expect("stderr takes a line");
    }
}

/// Takes the value out of a `Result<_, Missing>`, or leaves the test as skipped.
#[macro_export]
macro_rules! require {
    ($found:expr) => {
        match $found {
            Ok(value) => value,
            Err(missing) => {
                $crate::tools::Missing::skip(missing);
                return;
            }
        }
    };
}

/// Finds a tool of the right version.
///
/// # Errors
/// [`Missing`], which says how to get it.
pub fn find(tool: Tool) -> Result<PathBuf, Missing> {
    static FOUND: LazyLock<Mutex<HashMap<Tool, Option<PathBuf>>>> = LazyLock::new(Mutex::default);
    let mut found = FOUND.lock().expect("no search panics");
    found.entry(tool).or_insert_with(|| search(tool)).clone().ok_or(Missing { tool })
}

fn search(tool: Tool) -> Option<PathBuf> {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    match tool {
        Tool::Terraform(version) => {
            let own = fetched.join(format!("terraform-{}", version.version()));
            let mut candidates = vec![own];
            if version == Terraform::V1_11 {
                candidates.extend(on_path("terraform"));
            }
            candidates.into_iter().find(|program| is_terraform(program, version))
        }
        Tool::Aws => Some(fetched.join("venv/bin/aws")).filter(|program| program.is_file()),
        Tool::Schemathesis => {
            Some(fetched.join("venv-schemathesis/bin/schemathesis")).filter(|program| program.is_file())
        }
        Tool::Moto => Some(fetched.join("venv/bin/moto_server")).filter(|program| program.is_file()),
        Tool::Chromium => on_path("chromium").into_iter().find(|program| starts(program)),
        Tool::Unshare => on_path("unshare").into_iter().find(|program| makes_networks(program)),
    }
}

#[expect(clippy::disallowed_methods, reason = "programs are found where the shell would find them")]
fn on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(name)).collect()
}

fn starts(program: &Path) -> bool {
    let said = Command::new(program).arg("--version").output();
    said.is_ok_and(|output| output.status.success())
}

fn makes_networks(unshare: &Path) -> bool {
    let set_up = Command::new(unshare).args(["-rn", "ip", "link", "set", "lo", "up"]).output();
    set_up.is_ok_and(|output| output.status.success())
}

fn is_terraform(program: &Path, version: Terraform) -> bool {
    let said = Command::new(program)
        .arg("version")
        .env_clear()
        .envs([("CHECKPOINT_DISABLE", "1"), ("TF_CLI_CONFIG_FILE", "/dev/null"), ("HOME", "/nonexistent")])
        .output();
    let expected = format!("Terraform v{}", version.version());
    said.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().next() == Some(expected.as_str()))
}
