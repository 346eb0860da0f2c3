//! The readers of configurations: HCL and JSON, options, variables, Terraform's cache.

use std::path::Path;
use std::sync::{Mutex, OnceLock};

use s3tate::config::{
    BackendConfig, Dialect, Release, Request, Variables, block_hash, cache, hcl::find_backend, partial,
    resolve_as,
};
use s3tate::{Env, remote_state};

/// Parts the configuration from the values of its variables.
const VALUES: &str = "\n# values\n";
const FILES: [&str; 5] =
    ["main.tf", "main.tf.json", "terraform.tfvars", "terraform.tfvars.json", "terraform.tfstate"];

/// Where the files are; one input is read at a time.
static DIRECTORY: OnceLock<Mutex<tempfile::TempDir>> = OnceLock::new();

/// Any text in any of the files is read or refused.
#[allow(dead_code, reason = "each fuzz target takes one of these functions")]
pub(crate) fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let directory = DIRECTORY.get_or_init(|| Mutex::new(tempfile::tempdir().expect("a directory")));
    let directory = directory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let directory = directory.path();
    for file in FILES {
        drop(std::fs::remove_file(directory.join(file)));
    }
    let (block, values) = text.split_once(VALUES).unwrap_or((text, ""));
    let [main, _, given, _, cached] = FILES;
    let write = |name: &str, text: &str| {
        let suffix =
            if text.trim_start().starts_with('{') && !name.ends_with("state") { ".json" } else { "" };
        let path = directory.join(format!("{name}{suffix}"));
        std::fs::write(&path, text).expect("the directory is ours");
        path
    };
    let file = write(main, block);
    write(given, values);
    write(cached, text);
    read(directory, &file, text);
}

fn read(directory: &Path, file: &Path, text: &str) {
    let env = Env::new([("TF_VAR_name".to_owned(), "{ a = [1] }".to_owned())], "user", "host");
    let variables = Variables::default();
    let _block = find_backend(directory);
    let _cache = cache::read(directory);
    let given = remote_state::Given { variables: &variables, env: &env, workspace: "dev" };
    let _blocks = remote_state::find(directory, &given);
    let _options = partial::read(&[file.display().to_string()], directory);
    let _pair = partial::read(&[format!("endpoints={text}")], directory);
    let dialect = Dialect { everywhere: true, variables: &variables, env: &env };
    let request =
        Request { directory, data_dir: directory, backend_config: &[], state: None, use_cache: true };
    let url = format!("s3://bucket/key?{text}");
    for request in
        [request, Request { use_cache: false, ..request }, Request { state: Some(&url), ..request }]
    {
        if let Ok(resolved) = resolve_as(&dialect, &request) {
            let release: Release = Release::CURRENT.parse().expect("it is one");
            let _hash = block_hash(&resolved.arguments, release);
            let _config = BackendConfig::new(&resolved.arguments, &env);
        }
    }
}
