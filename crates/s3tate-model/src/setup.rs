//! Who takes part, how much may go wrong, and which protections are on.

/// Where state, digest and locks are kept; the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whether a table is configured: digests, and lock items.
    pub table: bool,
    /// Whether lock objects are.
    pub use_lockfile: bool,
}

/// What a client of s3tate's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Pushes a state of its own, forced: only the entity tag protects what is stored.
    Push,
    /// Pushes what it has read.
    PushUnchanged,
    /// Creates the workspace.
    Create,
    /// Deletes the workspace.
    Delete,
    /// Completes what can be proven, and writes nothing else.
    Fix,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// s3tate, with one task after another.
    S3tate {
        /// Each in a process of its own.
        tasks: Vec<Task>,
        /// Whether it locks (`-lock=false`).
        lock: bool,
        /// Whether it waits for a lock that is held.
        waits: bool,
    },
    /// A stock client that writes without looking.
    Stock {
        /// Whether it locks (`-lock=false`).
        lock: bool,
    },
    /// `s3tate force-unlock`, of any lock that there is.
    Unlocker,
}

impl Role {
    /// s3tate with a lock.
    pub fn s3tate(tasks: &[Task]) -> Self {
        Self::S3tate { tasks: tasks.to_vec(), lock: true, waits: false }
    }

    /// s3tate with `-lock=false`.
    pub fn lockless(tasks: &[Task]) -> Self {
        Self::S3tate { tasks: tasks.to_vec(), lock: false, waits: false }
    }
}

/// What may go wrong, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// Processes killed.
    pub crashes: u8,
    /// Answers lost, in one of the ways of [`crate::Reply`].
    pub losses: u8,
    /// Locks broken.
    pub breaks: u8,
    /// Whether a write that was given up may still be carried out.
    pub late: bool,
}

/// What keeps states safe. All are on, but in the tests that show what each is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Protections {
    /// Locks are put only where there is none.
    pub exclusive_lock: bool,
    /// States are written only over what was read.
    pub compare_and_swap: bool,
    /// Locks are removed only while they are ours.
    pub conditional_release: bool,
    /// A lock with our own record is recognised as ours.
    pub own_record: bool,
    /// A write with our own id is recognised as ours.
    pub own_write: bool,
    /// Digests are put only over the one that was read.
    pub conditional_digest: bool,
    /// Whoever's object is stored records its digest over one that came late.
    pub late_digests: bool,
    /// A deleted workspace's digest goes before its object.
    pub digest_deleted_first: bool,
    /// Digest and release are one transaction.
    pub one_transaction: bool,
    /// Only what is proven is completed.
    pub proof: bool,
    /// What is stored already isn't written again.
    pub unchanged: bool,
}

impl Protections {
    /// All of them.
    pub const ALL: Self = Self {
        exclusive_lock: true,
        compare_and_swap: true,
        conditional_release: true,
        own_record: true,
        own_write: true,
        conditional_digest: true,
        late_digests: true,
        digest_deleted_first: true,
        one_transaction: true,
        proof: true,
        unchanged: true,
    };
}

/// What is explored.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where things are kept.
    pub place: Place,
    /// Whether a state and its digest are there at the start.
    pub stored: bool,
    /// Whether the table has transactions, or the policy allows them.
    pub transactions: bool,
    /// Who takes part.
    pub roles: Vec<Role>,
    /// What may go wrong.
    pub budget: Budget,
    /// What is on.
    pub protections: Protections,
}

impl Setup {
    /// Clients at a place where a state is stored, without faults.
    pub fn new(place: Place, roles: &[Role]) -> Self {
        Self {
            place,
            stored: true,
            transactions: true,
            roles: roles.to_vec(),
            budget: Budget::default(),
            protections: Protections::ALL,
        }
    }

    /// The same with these faults.
    #[must_use]
    pub fn with(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The same with nothing stored at the start.
    #[must_use]
    pub fn empty(mut self) -> Self {
        self.stored = false;
        self
    }

    /// The same without transactions.
    #[must_use]
    pub fn without_transactions(mut self) -> Self {
        self.transactions = false;
        self
    }

    /// The same with protections changed.
    #[must_use]
    pub fn protected(mut self, change: fn(&mut Protections)) -> Self {
        change(&mut self.protections);
        self
    }
}
