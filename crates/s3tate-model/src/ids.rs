//! Names of runs.

use std::fmt;

/// One run of one client. It names the run's lock record, the id of its write, and the content it writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u8);

impl Id {
    /// How many there are.
    pub const COUNT: u8 = 16;
    /// The state that is there at the start.
    pub const FIRST: Self = Self(0);
    /// The writer that comes after everybody else has stopped.
    pub const NEXT: Self = Self(Self::COUNT - 1);

    /// The run of a client in one of its rounds, of which there are at most two.
    pub(crate) fn of(client: usize, round: u8) -> Self {
        Self(u8::try_from(client).unwrap_or(u8::MAX) * 2 + round + 1)
    }

    /// The client whose run it is.
    pub(crate) fn client(self) -> Option<usize> {
        self.index().checked_sub(1).map(|run| run / 2)
    }

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A set of runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ids(u16);

impl Ids {
    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a run is in it.
    pub fn contains(self, id: Id) -> bool {
        self.0 & 1 << id.0 != 0
    }

    /// The set with one more.
    #[must_use]
    pub fn with(self, id: Id) -> Self {
        Self(self.0 | 1 << id.0)
    }

    /// What is in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Id::all().filter(|id| self.contains(*id))).finish()
    }
}
