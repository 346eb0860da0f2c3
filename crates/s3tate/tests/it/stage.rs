//! An endpoint and a workspace on it.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use s3tate::config::{BackendConfig, Request, resolve};
use s3tate::{Backend, Env, Workspace, WorkspaceName};
use s3tate_testkit::{Endpoint, Kind};

pub(crate) const KEY: &str = "p/s";

/// One endpoint, and the configuration of a backend on it.
pub(crate) struct Stage {
    pub(crate) endpoint: Endpoint,
    options: Vec<String>,
}

impl Stage {
    /// With the given options laid over bucket, key and table.
    pub(crate) fn new(options: &[&str]) -> Self {
        let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
        Self::on(endpoint, options)
    }

    /// The same on an endpoint that is there already.
    pub(crate) fn on(endpoint: Endpoint, options: &[&str]) -> Self {
        let mut all = vec![
            format!("bucket={}", endpoint.store().bucket()),
            format!("key={KEY}"),
            format!("dynamodb_table={}", endpoint.store().table()),
        ];
        all.extend(options.iter().map(|option| (*option).to_owned()));
        Self { endpoint, options: all }
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend_through(&self.endpoint)
    }

    /// The backend seen through another endpoint, such as a proxy before this one.
    pub(crate) fn backend_through(&self, endpoint: &Endpoint) -> Backend {
        self.backend_with(endpoint, &[("S3TATE_DIGEST_TIMEOUT", "0s")])
    }

    /// The same with other variables.
    pub(crate) fn backend_with(&self, endpoint: &Endpoint, variables: &[(&str, &str)]) -> Backend {
        let more = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::new(endpoint.env().into_iter().chain(more), "dana", "build-07");
        let request = Request {
            directory: Path::new(env!("CARGO_MANIFEST_DIR")),
            data_dir: Path::new("/nowhere"),
            backend_config: &self.options,
            state: None,
            use_cache: true,
        };
        let resolved = resolve(&request).expect("options alone resolve");
        let config = BackendConfig::new(&resolved.arguments, &env).expect("the options are valid");
        Backend::new(config, env).expect("a backend needs no network")
    }

    pub(crate) fn workspace(&self, name: &str) -> Workspace {
        self.backend().workspace(WorkspaceName::new(name).expect("tests use valid names"))
    }

    /// The default workspace seen through another endpoint.
    pub(crate) fn workspace_through(&self, endpoint: &Endpoint) -> Workspace {
        self.backend_through(endpoint).workspace(WorkspaceName::default_name())
    }

    /// The path under which the default workspace is locked.
    pub(crate) fn lock_path(&self) -> String {
        format!("{}/{KEY}", self.endpoint.store().bucket())
    }
}

/// Runs a future of the library's to its end, within a minute.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async { tokio::time::timeout(Duration::from_mins(1), future).await.expect("it ends") })
}

/// A state with one output.
pub(crate) fn state(serial: u64, lineage: &str, value: &str) -> Vec<u8> {
    format!(
        "{{\n  \"version\": 4,\n  \"terraform_version\": \"1.11.4\",\n  \"serial\": {serial},\n  \"lineage\": \"{lineage}\",\n  \
         \"outputs\": {{\n    \"v\": {{\n      \"value\": \"{value}\",\n      \"type\": \"string\"\n    }}\n  }},\n  \
         \"resources\": [],\n  \"check_results\": null\n}}\n"
    )
    .into_bytes()
}
