//! A directory to run programs in.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A fresh working directory with a home directory beside it; both are gone when this is dropped.
#[derive(Debug)]
pub struct Workdir {
    root: TempDir,
}

impl Workdir {
    /// Makes an empty one.
    #[expect(clippy::new_without_default, reason = "it makes directories; a default shouldn't")]
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("s3tate-test-").tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("work")).expect("a directory in it");
        fs::create_dir(root.path().join("home")).expect("another one");
        Self { root }
    }

    /// Makes one with this `main.tf`.
    pub fn with(configuration: &str) -> Self {
        let workdir = Self::new();
        workdir.write("main.tf", configuration);
        workdir
    }

    /// The directory that programs run in.
    pub fn path(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// The home directory that programs see.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Writes a file, with the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        let parent = path.parent().expect("the file is below the directory");
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, content)).expect("the file is written");
    }

    /// Reads a file, `None` where there is none.
    pub fn read(&self, name: impl AsRef<Path>) -> Option<Vec<u8>> {
        fs::read(self.path().join(name)).ok()
    }
}
