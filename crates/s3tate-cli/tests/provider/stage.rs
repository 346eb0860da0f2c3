//! What most tests begin with: an endpoint, stock Terraform, and the provider where it finds it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use s3tate_testkit::tools::{Missing, Terraform};
use s3tate_testkit::{Backend, Client, Endpoint, Finished, Kind, Locking, Workdir};

/// The key of the state that others read.
pub(crate) const KEY: &str = "network/prod.tfstate";

/// What asks for the provider.
pub(crate) const REQUIRED: &str =
    "terraform {\n  required_providers {\n    s3tate = {\n      source = \"s3tate/s3tate\"\n    }\n  }\n}\n";

/// The program that this crate builds.
pub(crate) const S3TATE: &str = env!("CARGO_BIN_EXE_s3tate");

/// A mirror that the binary itself has laid out, once for all tests.
pub(crate) fn mirror() -> PathBuf {
    static MIRROR: LazyLock<Workdir> = LazyLock::new(|| {
        let (workdir, nowhere) = (Workdir::new(), Endpoint::start(Kind::Embedded));
        let s3tate = Client::new(S3TATE, &nowhere.expect("it is part of this project"));
        let _installed = s3tate.run(&workdir, &["provider", "install", "-dir", "mirror"]).succeeds();
        workdir
    });
    MIRROR.path().join("mirror")
}

/// The directory that holds the installed executable.
pub(crate) fn package() -> PathBuf {
    let version = mirror().join("registry.terraform.io/s3tate/s3tate").join(env!("CARGO_PKG_VERSION"));
    let platforms = std::fs::read_dir(version).expect("it is installed");
    platforms.flatten().next().expect("for one platform").path()
}

/// The installed executable.
pub(crate) fn executable() -> PathBuf {
    package().join(format!("terraform-provider-s3tate_v{}", env!("CARGO_PKG_VERSION")))
}

/// An endpoint and a generation of Terraform that reads from it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) endpoint: Endpoint,
    pub(crate) version: Terraform,
    pub(crate) terraform: Client,
    pub(crate) locking: Locking,
}

impl Stage {
    pub(crate) fn new(version: Terraform, locking: Locking) -> Result<Self, Missing> {
        let endpoint = Endpoint::start(Kind::Embedded)?;
        let terraform = Client::terraform(version, &endpoint)?;
        Ok(Self { endpoint, version, terraform, locking })
    }

    /// Backend arguments for the state at a key, in braces.
    pub(crate) fn config(&self, key: &str) -> String {
        config_at(&self.endpoint, key, self.locking, self.version)
    }

    /// Runs Terraform in such a directory.
    pub(crate) fn run(&self, workdir: &Workdir, args: &[&str]) -> Finished {
        self.client().run(workdir, args)
    }

    /// Terraform that finds the provider.
    pub(crate) fn client(&self) -> Client {
        overridden(&self.terraform)
    }
}

/// A directory where the provider is at hand without any `init`, with this `main.tf` after the block that asks for it.
pub(crate) fn workdir(body: &str) -> Workdir {
    let workdir = Workdir::with(&format!("{REQUIRED}{body}"));
    let overrides = format!(
        "provider_installation {{\n  dev_overrides {{\n    \"s3tate/s3tate\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
        package().display()
    );
    workdir.write("cli.tfrc", overrides);
    workdir
}

/// The same Terraform, told where the provider is by a file in its working directory.
pub(crate) fn overridden(terraform: &Client) -> Client {
    terraform.clone().env("TF_CLI_CONFIG_FILE", "cli.tfrc")
}

pub(crate) fn config_at(endpoint: &Endpoint, key: &str, locking: Locking, version: Terraform) -> String {
    format!("{{\n{}}}", Backend::new(endpoint, key, locking).attributes(version))
}

/// A data source of this type and name; `more` are further arguments.
pub(crate) fn data(ty: &str, name: &str, config: &str, more: &str) -> String {
    let mut block = format!("data \"{ty}\" \"{name}\" {{\n");
    if ty.ends_with("remote_state") {
        block.push_str("  backend = \"s3\"\n");
    }
    writeln!(block, "  config = {config}\n{more}\n}}").expect("text grows");
    block
}

/// A file of the sample states.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let states = concat!(env!("CARGO_MANIFEST_DIR"), "/../s3tate-testkit/fixtures/states");
    std::fs::read(format!("{states}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}
