//! What the store does with a request of s3tate's, conditions and all.

use s3tate::lock::LockKind;
use s3tate::protocol::Settled;

use crate::ids::Id;
use crate::request::{Answer, Request};
use crate::setup::Setup;
use crate::store::{Ledger, Object, Store};

use crate::client::Client;

/// The store's side of a request.
pub(crate) struct Effect<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) store: &'a mut Store,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) client: &'a Client,
    pub(crate) id: Id,
}

impl Effect<'_> {
    /// Carries a request out.
    pub(crate) fn carry_out(&mut self, request: Request) -> Answer {
        match request {
            Request::AcquireObject => self.acquire(LockKind::LockFile),
            Request::AcquireItem => self.acquire(LockKind::DynamoDb),
            Request::LookUpObject => Answer::Holder(self.store.lock_object),
            Request::LookUpItem => Answer::Holder(self.store.lock_item),
            Request::GetState | Request::ReadBack | Request::LookAfterDelete | Request::LookAtObject => {
                Answer::Object(self.store.object)
            }
            Request::GetDigest | Request::GetDigestAgain => Answer::Digest(self.store.digest),
            Request::Complete => self.put_digest_after(self.client.base().map(|object| object.content)),
            Request::PutDigest => self.put_digest_after(Some(self.id)),
            Request::PutState => self.put_state(),
            Request::RecordAndRelease => self.record_and_release(),
            Request::DeleteDigest if self.client.recorded.flatten().is_none() => self.put_digest(None),
            Request::DeleteDigest => self.put_digest_after(None),
            Request::DeleteState => self.delete_state(),
            Request::ReleaseObject => self.release(LockKind::LockFile),
            Request::ReleaseItem => self.release(LockKind::DynamoDb),
            Request::LookUpHolders(_) | Request::Stock => Answer::Done,
        }
    }

    /// The holder comes along with the refusal of a lock item; a lock object's has to be looked up.
    fn acquire(&mut self, kind: LockKind) -> Answer {
        let id = self.id;
        let lock = self.store.lock_mut(kind);
        if lock.is_none() || !self.setup.protections.exclusive_lock {
            *lock = Some(id);
            return Answer::Done;
        }
        if kind == LockKind::DynamoDb { Answer::Holder(*lock) } else { Answer::Refused }
    }

    fn release(&mut self, kind: LockKind) -> Answer {
        let ours = self.client.target.unwrap_or(self.id);
        let lock = self.store.lock_mut(kind);
        let Some(found) = *lock else { return Answer::Refused };
        if found != ours && self.setup.protections.conditional_release {
            return Answer::Refused;
        }
        *lock = None;
        self.ledger.stolen |= found != ours;
        if found != self.id {
            self.ledger.broken = self.ledger.broken.with(found);
        }
        Answer::Done
    }

    fn put_state(&mut self) -> Answer {
        let base = self.client.base();
        if self.setup.protections.compare_and_swap
            && self.store.content() != base.map(|object| object.content)
        {
            return Answer::Refused;
        }
        self.store.object = Some(written(self.id, base));
        Answer::Done
    }

    fn delete_state(&mut self) -> Answer {
        let Some(object) = self.store.object else { return Answer::Refused };
        let read = self.client.base().map(|object| object.content);
        if self.setup.protections.compare_and_swap && read != Some(object.content) {
            return Answer::Refused;
        }
        self.store.object = None;
        self.ledger.deleted_unlocked |= self.ledger.broken.contains(self.id);
        let deleted = self.client.base().map(|object| object.built_on).unwrap_or_default();
        self.ledger.excused = self.ledger.excused.and(deleted);
        Answer::Done
    }

    fn put_digest(&mut self, digest: Option<Id>) -> Answer {
        self.store.digest = digest;
        self.ledger.stock_digest = false;
        Answer::Done
    }

    /// Over the digest that was read, or over this very one after a lost reply.
    fn put_digest_after(&mut self, digest: Option<Id>) -> Answer {
        if self.digest_fits(digest) { self.put_digest(digest) } else { Answer::Refused }
    }

    fn digest_fits(&self, digest: Option<Id>) -> bool {
        let recorded = self.client.recorded.flatten();
        let found = self.store.digest;
        found == recorded || found == digest || !self.setup.protections.conditional_digest
    }

    fn record_and_release(&mut self) -> Answer {
        if !self.setup.transactions {
            return Answer::Settled(Settled::NoTransactions);
        }
        let ours = self.store.lock_item == Some(self.id);
        if !ours && self.setup.protections.one_transaction {
            return Answer::Settled(Settled::LockLost);
        }
        if !self.digest_fits(Some(self.id)) {
            return Answer::Settled(Settled::DigestMoved);
        }
        self.put_digest(Some(self.id));
        if ours {
            self.store.lock_item = None;
        }
        Answer::Settled(Settled::Both)
    }
}

/// What s3tate writes over what it read.
pub(crate) fn written(id: Id, base: Option<Object>) -> Object {
    Object {
        content: id,
        described: true,
        parent: base.map(|object| object.content),
        built_on: base.map(|object| object.built_on).unwrap_or_default().with(id),
    }
}
