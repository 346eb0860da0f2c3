//! Caches that `init` of other releases left.

use std::path::Path;

use s3tate::Env;
use s3tate::config::attributes::ATTRIBUTES;
use s3tate::config::hcl::find_backend;
use s3tate::config::{Arguments, BackendConfig, Encryption, Release, block_hash, cache};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../s3tate-testkit/fixtures/caches").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

fn cached(name: &str) -> cache::Cache {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(cache::path(dir.path()), fixture(&format!("{name}.tfstate")))
        .expect("the file is written");
    cache::read(dir.path()).expect("it is readable").expect("it names a backend")
}

/// Check 43: caches of 0.11.11, 1.0.3, 1.11.4 and OpenTofu resolve to the same backend.
#[test]
fn caches_of_all_generations_mean_the_same_backend() {
    for name in ["terraform-0.11.11", "terraform-1.0.3", "terraform-1.11.4", "opentofu-1.8", "opentofu-1.12"]
    {
        let config = BackendConfig::new(&cached(name).arguments, &Env::new([], "u", "h")).unwrap();
        assert_eq!((config.bucket.as_str(), config.key.as_str()), ("mybucket", "p/s"), "{name}");
        assert_eq!(
            (config.region.as_str(), config.workspace_key_prefix.as_str()),
            ("us-east-1", "teams"),
            "{name}"
        );
        assert_eq!(config.table.as_deref(), Some("locks"), "{name}");
        assert_eq!(config.encryption, Encryption::S3, "{name}: encrypt was a text");
        assert!(config.transport.path_style, "{name}");
        assert_eq!(config.transport.endpoints.s3.as_deref(), Some("http://127.0.0.1:4560"), "{name}");
        assert!(config.credentials.metadata.disabled_by.is_some(), "{name}: so was skip_metadata_api_check");
        assert_eq!(config.acl, None, "{name}");
        let attempts = if name == "terraform-0.11.11" { 5 } else { 7 };
        assert_eq!(config.transport.max_attempts, Some(attempts), "{name}");
        let tags = if name == "opentofu-1.12" { vec![("team", "network")] } else { Vec::new() };
        let found: Vec<_> =
            config.state_tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, tags, "{name}");
    }
}

/// Check 44: the hash of a block is the one that the release which wrote the cache has worked out.
#[test]
fn the_hash_of_a_block_is_the_one_in_stocks_cache() {
    for version in ["1.0.3", "1.11.4"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.tf"), fixture(&format!("terraform-{version}.tf"))).unwrap();
        let block = find_backend(dir.path()).unwrap().unwrap();
        let arguments = Arguments::check(block.arguments, block.problems).unwrap();
        let hash = block_hash(&arguments, version.parse().unwrap());
        assert_eq!(u64::from(hash), cached(&format!("terraform-{version}")).hash, "{version}");
    }
}

/// The caches of these releases name every attribute of their schema.
#[test]
fn the_table_knows_which_release_has_which_attributes() {
    for version in ["1.0.3", "1.11.4"] {
        let cache: serde_json::Value =
            serde_json::from_str(&fixture(&format!("terraform-{version}.tfstate"))).unwrap();
        let written: Vec<_> = cache["backend"]["config"].as_object().unwrap().keys().cloned().collect();
        let release: Release = version.parse().unwrap();
        let known = ATTRIBUTES.iter().filter(|attribute| attribute.is_in(release));
        assert_eq!(known.map(|attribute| attribute.name).collect::<Vec<_>>(), written, "{version}");
    }
}
