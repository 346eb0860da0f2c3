//! Where the provider is put, and how a release of it is laid out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3tate_testkit::tools::Terraform;
use s3tate_testkit::{Client, Locking, Workdir, require};
use sha2::{Digest as _, Sha256};

use crate::stage::{KEY, REQUIRED, S3TATE, Stage, data, executable, fixture};

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<_> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// The checksum of a package in lock files: of its files by name, each with its own checksum.
fn package_hash(files: &[(&str, Vec<u8>)]) -> String {
    let lines: Vec<_> = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hex(bytes))).collect();
    format!("h1:{}", STANDARD.encode(Sha256::digest(lines.concat())))
}

fn lock_file(workdir: &Workdir) -> String {
    String::from_utf8(workdir.read(".terraform.lock.hcl").expect("init writes it")).expect("text")
}

fn body(stage: &Stage) -> String {
    stage.endpoint.store().put(KEY, fixture("v4-1.11.4-shapes/terraform.tfstate"));
    format!("{REQUIRED}{}", data("s3tate_remote_state", "n", &stage.config(KEY), ""))
}

/// Check I1: unpacked, where `init` looks without being told; with the checksum that we compute.
#[test]
fn init_finds_what_was_installed_and_prints_the_block_to_use() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let workdir = Workdir::with(&body(&stage));
    let s3tate = Client::new(S3TATE, &stage.endpoint);
    let installed = s3tate.run(&workdir, &["provider", "install"]).succeeds().says(&[".terraform.d/plugins"]);
    assert!(installed.stdout_text().starts_with("terraform {\n  required_providers {\n"), "{installed}");
    let _initialised = stage.terraform.run(&workdir, &["init", "-input=false"]).succeeds();
    let _planned = stage.terraform.run(&workdir, &["plan"]).succeeds().says(&["Read complete"]);
    let name = executable().file_name().expect("a name").to_string_lossy().into_owned();
    let hash = package_hash(&[(&name, std::fs::read(executable()).expect("it is installed"))]);
    assert!(lock_file(&workdir).contains(&hash), "{hash} in {}", lock_file(&workdir));
    // The printed block is one that works.
    workdir.write("main.tf", installed.stdout());
    let _initialised = stage.terraform.run(&workdir, &["init", "-input=false"]).succeeds();

    let again = s3tate.run(&workdir, &["provider", "install"]).succeeds();
    assert!(!again.stderr_text().contains("warning"), "the same build: {again}");
    let place = again
        .stderr_text()
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("installed "))
        .map(str::to_owned);
    std::fs::write(place.expect("a path"), "another build").expect("it is ours");
    let _replaced =
        s3tate.run(&workdir, &["provider", "install"]).succeeds().says(&["another build", "lock.hcl"]);
}

#[test]
fn nothing_is_installed_where_that_is_not_possible() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let workdir = Workdir::new();
    workdir.write("file", "");
    let s3tate = Client::new(S3TATE, &stage.endpoint);
    let _refused =
        s3tate.run(&workdir, &["provider", "install", "-dir=file"]).exits(1).says(&["can't write"]);
    let homeless = s3tate.command(&workdir, &["provider", "install"]).env("HOME", "").finish();
    let _refused = homeless.exits(2).says(&["HOME", "-dir"]);
}

/// Check I1: packed, as released.
/// Check I2: the executable, checksums of all files, and the manifest.
#[test]
fn a_release_is_what_registries_and_mirrors_take() {
    let stage = require!(Stage::new(Terraform::V1_11, Locking::Off));
    let workdir = Workdir::with(&body(&stage));
    let release = env!("CARGO_PKG_VERSION");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/provider-release");
    let script = Client::new(script, &stage.endpoint).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let platform = executable()
        .parent()
        .and_then(|path| path.file_name())
        .expect("a platform")
        .to_string_lossy()
        .into_owned();
    let binary = format!("{platform}={S3TATE}");
    let directory = "mirror/registry.terraform.io/s3tate/s3tate";
    let _made = script.run(&workdir, &[directory, &binary]).succeeds();
    let _refused = script.run(&workdir, &[directory, &binary]).fails().says(&["never issued twice"]);

    let stem = format!("terraform-provider-s3tate_{release}");
    let file = |name: &str| workdir.read(format!("{directory}/{stem}_{name}")).expect("it was made");
    let (archive, manifest) = (file(&format!("{platform}.zip")), file("manifest.json"));
    let sums = String::from_utf8(file("SHA256SUMS")).expect("text");
    let line = |name: &str, bytes: &[u8]| format!("{}  {stem}_{name}\n", hex(bytes));
    assert_eq!(sums, line(&format!("{platform}.zip"), &archive) + &line("manifest.json", &manifest));
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["metadata"]["protocol_versions"], serde_json::json!(["6.0"]));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let entry =
        archive.by_name(&format!("terraform-provider-s3tate_v{release}")).expect("the executable, on top");
    assert_eq!(entry.unix_mode().map(|mode| mode & 0o777), Some(0o755));
    drop(entry);

    let mirror = format!("-plugin-dir={}", workdir.path().join("mirror").display());
    let _initialised = stage.terraform.run(&workdir, &["init", "-input=false", &mirror]).succeeds();
    let _planned = stage.terraform.run(&workdir, &["plan"]).succeeds().says(&["Read complete"]);
    let licence = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../LICENSE")).expect("it is there");
    let binary = std::fs::read(S3TATE).expect("it is built");
    let hash =
        package_hash(&[("LICENSE", licence), (&format!("terraform-provider-s3tate_v{release}"), binary)]);
    assert!(lock_file(&workdir).contains(&hash), "{hash} in {}", lock_file(&workdir));
}
