//! Which configuration counts: a URL, options over the block, the cache, or the block alone.

use std::cell::OnceCell;
use std::path::Path;

use super::cache::{self, Cache};
use super::hcl::{BackendBlock, Evaluate, find_backend_with};
use super::statics::{Statics, Variables};
use super::{Arguments, is_made_from, literal, partial, url};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::problem::Problem;

/// What a command was given.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The configuration's directory.
    pub directory: &'a Path,
    /// The data directory, usually `.terraform` in it.
    pub data_dir: &'a Path,
    /// `-backend-config` options, left to right.
    pub backend_config: &'a [String],
    /// A `-state` URL.
    pub state: Option<&'a str>,
    /// Whether an earlier init's cache counts; `init` itself says no.
    pub use_cache: bool,
}

/// Whose rules say what a block's values may be.
///
/// Terraform wants literals. OpenTofu also takes variables and locals with static values; its rules hold in `*.tofu`
/// files, which Terraform doesn't read.
#[derive(Debug, Clone, Copy)]
pub struct Dialect<'a> {
    /// Whether OpenTofu's rules hold in every file.
    pub everywhere: bool,
    /// What was given for variables.
    pub variables: &'a Variables,
    /// Where `TF_VAR_…` is looked for.
    pub env: &'a Env,
}

/// The arguments that count.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Block, options or cache together, without the environment.
    pub arguments: Arguments,
    /// The literal block, whose hash the cache keeps; empty where there is none.
    pub block: Arguments,
    /// Whether the configuration has a backend block.
    pub has_block: bool,
}

/// Resolves a request, from most to least specific.
///
/// A `-state` URL stands for everything; options are laid over the block; without options the cache counts if it
/// still fits the block; without a cache the block; without any files, the options alone.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: nothing names a backend, the block is of another type, the cache doesn't fit the
/// block any more, or something can't be read.
pub fn resolve(request: &Request<'_>) -> Result<Resolved> {
    resolve_with(request, &|_, expression| literal::evaluate(expression))
}

/// As [`resolve`], under the rules of a dialect.
///
/// # Errors
/// As for [`resolve`]; a variable file that can't be read.
pub fn resolve_as(dialect: &Dialect<'_>, request: &Request<'_>) -> Result<Resolved> {
    let statics = OnceCell::new();
    resolve_with(request, &|file, expression| {
        literal::evaluate(expression).or_else(|why| {
            if !dialect.everywhere && !is_open_tofu(file) {
                return Err(why);
            }
            let read = || Statics::read(request.directory, dialect.variables, dialect.env);
            let statics = statics.get_or_init(|| read().map_err(|error| error.to_string()));
            statics.as_ref().map_err(Clone::clone)?.evaluate(expression)
        })
    })
}

fn is_open_tofu(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "tofu")
}

fn resolve_with(request: &Request<'_>, evaluate: Evaluate<'_>) -> Result<Resolved> {
    let options = partial::read(request.backend_config, request.directory)?;
    if let Some(url) = request.state {
        let mut arguments = Arguments::check(url::arguments(url)?, Vec::new())?;
        arguments.extend(options);
        return Ok(Resolved { arguments, block: Arguments::default(), has_block: false });
    }
    let block = find_backend_with(request.directory, evaluate)?.map(checked_block).transpose()?;
    let literal = block.clone().unwrap_or_default();
    let arguments = if request.use_cache && request.backend_config.is_empty() {
        from_cache_or_block(request, block.as_ref())?
    } else if block.is_some() || !request.backend_config.is_empty() {
        let mut arguments = literal.clone();
        arguments.extend(options);
        arguments
    } else {
        return Err(no_backend(request.directory));
    };
    Ok(Resolved { arguments, block: literal, has_block: block.is_some() })
}

fn checked_block(block: BackendBlock) -> Result<Arguments> {
    if block.kind == "s3" {
        return Arguments::check(block.arguments, block.problems);
    }
    Err(Problem::new(format!("the backend in {} is \"{}\", not \"s3\"", block.place, block.kind))
        .hint("s3tate keeps state in S3: name it with `-state=s3://BUCKET/KEY`, or change the block")
        .at_place(block.place)
        .into())
}

fn from_cache_or_block(request: &Request<'_>, block: Option<&Arguments>) -> Result<Arguments> {
    match (cache::read(request.data_dir)?, block) {
        (Some(cache), Some(block)) => fitting(cache, block),
        (Some(cache), None) if cache.kind == "s3" => Ok(cache.arguments),
        (Some(cache), None) => Err(other_kind(&cache)),
        (None, Some(block)) => Ok(block.clone()),
        (None, None) => Err(no_backend(request.directory)),
    }
}

fn fitting(cache: Cache, block: &Arguments) -> Result<Arguments> {
    if cache.kind != "s3" {
        return Err(other_kind(&cache));
    }
    // A release that isn't known here hashes the same block to another number, so differences decide.
    let differences = block.differences(&cache.arguments);
    if is_made_from(block, &cache) || differences.is_empty() {
        let mut arguments = cache.arguments;
        arguments.take_places(block);
        return Ok(arguments);
    }
    let changed = differences.iter().filter(|name| block.get(name).is_some());
    let mut error = Error::invalid("the backend block has changed since the last init; nothing was done")
        .fact("initialised", cache.path.display().to_string());
    for name in changed {
        let place = block.with_source(name).map_or_else(String::new, |(_, source)| source.to_string());
        error = error.fact("changed", format!("`{name}` in {place}"));
    }
    Err(error.hint("`s3tate init -reconfigure` takes the block as it stands now"))
}

fn other_kind(cache: &Cache) -> Error {
    Error::invalid(format!("`{}` was made for a backend \"{}\"", cache.path.display(), cache.kind))
        .hint("`s3tate init -reconfigure` replaces it")
}

fn no_backend(directory: &Path) -> Error {
    Error::invalid(format!("no backend \"s3\" block in `{}`, and no cache of an init", directory.display()))
        .hint(
            "add `terraform { backend \"s3\" { … } }`, or name a state: `-state=s3://BUCKET/KEY`, \
             or `-backend-config=bucket=BUCKET -backend-config=key=KEY`",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::hcl::find_backend;
    use crate::config::testing::directory;
    use crate::config::value::Value;
    use crate::config::{Release, block_hash};

    const BLOCK: &str = "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n    key = \"block\"\n  }\n}\n";
    const CACHE: &str = r#"{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "key": "cache"},
        "hash": HASH}}"#;

    fn key(files: &[(&str, &str)], options: &[&str], state: Option<&str>) -> Result<String> {
        let dir = directory(files);
        let data_dir = dir.path().join(".terraform");
        let options: Vec<_> = options.iter().map(|text| (*text).to_owned()).collect();
        let request = Request {
            directory: dir.path(),
            data_dir: &data_dir,
            backend_config: &options,
            state,
            use_cache: true,
        };
        let resolved = resolve(&request)?;
        Ok(resolved.arguments.get("key").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn hash_of_block() -> String {
        let dir = directory(&[("main.tf", BLOCK)]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        let block = Arguments::check(block.arguments, Vec::new()).unwrap();
        block_hash(&block, Release::CURRENT.parse().unwrap()).to_string()
    }

    #[test]
    fn each_source_counts_in_its_turn() {
        let fitting = CACHE.replace("HASH", &hash_of_block());
        let both = [("main.tf", BLOCK), (".terraform/terraform.tfstate", fitting.as_str())];
        assert_eq!(key(&both, &[], None).unwrap(), "cache");
        assert_eq!(key(&both[..1], &[], None).unwrap(), "block");
        assert_eq!(key(&both, &["bucket=c"], None).unwrap(), "block");
        assert_eq!(key(&both, &["key=option"], None).unwrap(), "option");
        assert_eq!(key(&both[1..], &[], None).unwrap(), "cache");
        assert_eq!(key(&[], &["key=alone"], None).unwrap(), "alone");
        assert_eq!(key(&both, &[], Some("s3://b/url")).unwrap(), "url");
    }

    #[test]
    fn a_changed_block_is_not_silently_overruled_by_the_cache() {
        let stale = CACHE.replace("HASH", "1");
        let error =
            key(&[("main.tf", BLOCK), (".terraform/terraform.tfstate", &stale)], &[], None).unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
        assert!(error.facts().any(|(_, value)| value.contains("`key`")));
    }

    #[test]
    fn what_the_cache_and_the_block_agree_on_is_told_from_the_block() {
        let cache = CACHE.replace("HASH", &hash_of_block());
        let dir = directory(&[("main.tf", BLOCK), (".terraform/terraform.tfstate", &cache)]);
        let data_dir = dir.path().join(".terraform");
        let request = Request {
            directory: dir.path(),
            data_dir: &data_dir,
            backend_config: &[],
            state: None,
            use_cache: true,
        };
        let arguments = resolve(&request).unwrap().arguments;
        let source = |name: &str| arguments.with_source(name).unwrap().1.to_string();
        assert!(source("bucket").ends_with("main.tf:3"), "{}", source("bucket"));
        assert!(source("key").ends_with("terraform.tfstate"), "{}", source("key"));
    }

    #[test]
    fn another_releases_hash_is_no_change() {
        let same = CACHE.replace("HASH", "1").replace("cache", "block");
        assert_eq!(
            key(&[("main.tf", BLOCK), (".terraform/terraform.tfstate", &same)], &[], None).unwrap(),
            "block"
        );
    }

    #[test]
    fn nothing_at_all_and_other_backends_are_errors() {
        assert!(key(&[], &[], None).unwrap_err().to_string().contains("no backend"));
        let local = BLOCK.replace("s3", "local");
        assert!(key(&[("main.tf", &local)], &[], None).unwrap_err().to_string().contains("\"local\""));
    }
}
