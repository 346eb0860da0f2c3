//! The steps of the model: one request each, or one fault.

use s3tate::protocol::Settled;

use crate::ids::Id;
use crate::store::Object;

/// A request of a client's. `docs/model.md` says which code sends it and which test takes that path for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Creates the lock object if there is none.
    AcquireObject,
    /// Reads the lock object after a refusal or a lost reply.
    LookUpObject,
    /// Puts the lock item if there is none; a refusal brings the item along.
    AcquireItem,
    /// Reads the lock item after a lost reply.
    LookUpItem,
    /// Reads object and metadata.
    GetState,
    /// Reads the digest item.
    GetDigest,
    /// Records the digest of a write that stopped, if its parent's is still recorded.
    Complete,
    /// Writes the object if what was read is still stored.
    PutState,
    /// Reads the object after a write without an acknowledgement.
    ReadBack,
    /// Records the digest and removes the lock item in one transaction, if the lock is still ours.
    RecordAndRelease,
    /// Records the digest by itself, if the one that was read is still recorded.
    PutDigest,
    /// Reads the digest that was recorded instead.
    GetDigestAgain,
    /// Looks whose object is stored, after that.
    LookAtObject,
    /// Removes the digest item if it still is the one that was read.
    DeleteDigest,
    /// Removes the object if it still is the one that was read.
    DeleteState,
    /// Looks whether the object is gone, after a refusal or a lost reply.
    LookAfterDelete,
    /// Removes the lock object if it still is ours.
    ReleaseObject,
    /// Removes the lock item if it still is ours.
    ReleaseItem,
    /// Looks up who holds the lock with an ID that a user has seen.
    LookUpHolders(Id),
    /// The next request of a stock client.
    Stock,
}

impl Request {
    /// Those that s3tate sends.
    pub const S3TATE: [Self; 19] = [
        Self::AcquireObject,
        Self::LookUpObject,
        Self::AcquireItem,
        Self::LookUpItem,
        Self::GetState,
        Self::GetDigest,
        Self::Complete,
        Self::PutState,
        Self::ReadBack,
        Self::RecordAndRelease,
        Self::PutDigest,
        Self::GetDigestAgain,
        Self::LookAtObject,
        Self::DeleteDigest,
        Self::DeleteState,
        Self::LookAfterDelete,
        Self::ReleaseObject,
        Self::ReleaseItem,
        Self::LookUpHolders(Id::FIRST),
    ];

    /// Its place among them, as a bit; zero for stock clients' requests.
    pub(crate) fn bit(self) -> u32 {
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(&self);
        Self::S3TATE.iter().position(same).map_or(0, |place| 1 << place)
    }

    /// Whether it changes nothing.
    pub(crate) fn reads(self) -> bool {
        matches!(
            self,
            Self::LookUpObject
                | Self::LookUpItem
                | Self::GetState
                | Self::GetDigest
                | Self::ReadBack
                | Self::GetDigestAgain
                | Self::LookAtObject
                | Self::LookAfterDelete
                | Self::LookUpHolders(_)
        )
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It is carried out and answered.
    Answered,
    /// It is carried out, the answer is lost, and the SDK sends it again.
    Repeated,
    /// It is carried out, the answer is lost, and the SDK gives up.
    Lost,
    /// It isn't carried out, and the SDK gives up.
    Unsent,
    /// The SDK gives up, and it is carried out at some later time.
    Late,
}

/// One step of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A client sends a request.
    Send(usize, Request, Reply),
    /// A client's process is killed.
    Crash(usize),
    /// Somebody removes the lock with this ID wherever it is, as stock `force-unlock -force` does.
    Break(Id),
    /// A write that was given up long ago is carried out.
    Land,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Refused,
    Holder(Option<Id>),
    Object(Option<Object>),
    Digest(Option<Id>),
    Settled(Settled),
}
