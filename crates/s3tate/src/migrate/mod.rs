//! Migration: states from one place to another, lineage and serial kept, both ends locked, read back before anything goes.
//!
//! A journal holds what is about to happen before it does. A second run of the same command goes on where the first was
//! cut off: what was verified isn't copied again, and locks that were left are taken over by their records.

mod end;
mod entry;
mod file;
mod http;
mod place;
mod plan;
mod retire;
mod rule;
mod run;

use std::path::{Path, PathBuf};

use bytes::Bytes;

pub use end::{End, Surroundings};
use entry::{Entry, Progress};
use place::Place;
pub use plan::{Action, Plan, Step};
pub use run::Outcome;

use crate::digest::StateDigest;
use crate::env::Env;
use crate::error::{Error, ErrorKind, Result};
use crate::journal::Journal;
use crate::lock::LockOptions;
use crate::names::WorkspaceName;

/// What is migrated, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// These workspaces; all where there are none.
    pub workspaces: Vec<WorkspaceName>,
    /// Replace other and newer states at the destination, too; they are kept beside it.
    pub force: bool,
    /// Delete the source once everything is verified.
    pub delete_source: bool,
    /// How locks are asked for.
    pub lock: LockOptions,
}

/// A migration between two ends.
#[derive(Debug)]
pub struct Migration {
    from: End,
    to: End,
    options: Options,
    path: PathBuf,
    journal: Option<Journal<Entry>>,
    progress: Progress,
    env: Env,
}

/// The two places of one state.
#[derive(Debug)]
struct Pair {
    name: WorkspaceName,
    from: Place,
    to: Place,
    /// Whether it is one object in S3, whose locks or digests are to be kept elsewhere.
    one: bool,
}

impl Migration {
    /// Prepares a migration. A journal that is there already tells what an earlier run has done; none is made yet.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`]: another process works by the journal. [`ErrorKind::Invalid`]: it is of another migration.
    pub fn prepare(from: End, to: End, options: Options, journal: &Path, env: Env) -> Result<Self> {
        let mut migration = Self {
            from,
            to,
            options,
            path: journal.to_owned(),
            journal: None,
            progress: Progress::default(),
            env,
        };
        if journal.exists() {
            migration.open()?;
        }
        Ok(migration)
    }

    /// Where a migration's journal is kept unless told otherwise: a name that is the same for the same ends.
    pub fn journal_name(from: &End, to: &End) -> PathBuf {
        let digest =
            StateDigest::of(format!("{}\n{}", from.identity(), to.identity()).as_bytes()).to_string();
        PathBuf::from(format!("s3tate-migrate-{}.jsonl", digest.get(..8).unwrap_or_default()))
    }

    /// The journal's file.
    pub fn journal(&self) -> &Path {
        &self.path
    }

    /// Whether an earlier run was cut off.
    pub fn is_resumed(&self) -> bool {
        self.progress.begun
    }

    /// The source.
    pub fn source(&self) -> &End {
        &self.from
    }

    /// The destination.
    pub fn destination(&self) -> &End {
        &self.to
    }

    fn open(&mut self) -> Result<()> {
        if self.journal.is_some() {
            return Ok(());
        }
        let journal = Journal::<Entry>::open(&self.path)?;
        let other = journal.entries().iter().find_map(|entry| match entry {
            Entry::Begun { from, to, .. } if *from != self.from.identity() || *to != self.to.identity() => {
                Some((from, to))
            }
            _ => None,
        });
        if let Some((from, to)) = other {
            let message =
                format!("`{}` is the journal of another migration; nothing was done", self.path.display());
            return Err(Error::new(ErrorKind::Invalid, message)
                .fact("from", from.clone())
                .fact("to", to.clone())
                .hint("choose another file with `-journal`"));
        }
        self.progress = Progress::of(journal.entries());
        self.journal = Some(journal);
        Ok(())
    }

    /// Writes down what is about to happen, or has.
    fn record(&mut self, entry: Entry) -> Result<()> {
        self.open()?;
        self.progress.add(&entry);
        match &mut self.journal {
            Some(journal) => journal.record(entry),
            None => Err(Error::new(ErrorKind::Bug, "there is no journal")),
        }
    }

    /// The workspaces to migrate: those that were asked for, or all that the source has, and those that a run before was
    /// about.
    async fn pairs(&self) -> Result<Vec<Pair>> {
        let mut names = match self.options.workspaces.as_slice() {
            [] => self.from.workspaces().await?,
            asked => asked.to_vec(),
        };
        for name in self.progress.workspaces.iter().filter(|_| self.options.workspaces.is_empty()) {
            let name = WorkspaceName::new(name.as_str())?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().map(|name| self.pair(name)).collect()
    }

    fn pair(&self, name: WorkspaceName) -> Result<Pair> {
        let (from, to) = (self.from.place(&name)?.only_read(), self.to.place(&name)?);
        let one = from.is_one_with(&to);
        if one && !from.locks_elsewhere_than(&to) {
            return Err(end::same_place(&self.from, &self.to));
        }
        Ok(Pair { name, from, to, one })
    }
}

/// A state's own words about itself: serial and lineage, as far as they can be read.
fn serial_and_lineage(bytes: &Bytes) -> (u64, String) {
    let header = crate::state::Header::parse(bytes).ok().flatten().unwrap_or_default();
    (header.serial, header.lineage)
}
