//! What s3tate does with an answer, or without one. The decisions are the library's own (`s3tate::protocol`).

use s3tate::lock::LockKind;
use s3tate::protocol::{
    Attempt, Claim, PutFate, Reading, Record, Recorded, Settled, Stored, claim, digest_is_due, fate_of_put,
};

use crate::client::{At, Client, Locking, Outcome, first_lock, task};
use crate::ids::Id;
use crate::real;
use crate::request::{Answer, Request};
use crate::setup::{Role, Setup, Task};
use crate::store::{Ledger, Object};

/// The client's side of a request.
pub(crate) struct Reaction<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) role: &'a Role,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) client: &'a mut Client,
    pub(crate) id: Id,
}

impl Reaction<'_> {
    /// Goes on after an answer; `None` where the SDK gave up.
    pub(crate) fn to(&mut self, request: Request, answer: Option<Answer>) {
        match request {
            Request::AcquireObject => self.acquired_object(answer),
            Request::AcquireItem => self.acquired_item(answer),
            Request::LookUpObject => self.looked_up(LockKind::LockFile, answer),
            Request::LookUpItem => self.looked_up(LockKind::DynamoDb, answer),
            Request::GetState | Request::GetDigest => self.read(answer),
            Request::Complete => self.completed(answer),
            Request::PutState => self.put_state(answer),
            Request::ReadBack => self.read_back(answer),
            Request::RecordAndRelease => self.recorded(answer),
            Request::PutDigest => self.put_digest(answer),
            Request::GetDigestAgain => self.read_digest_again(answer),
            Request::LookAtObject => self.looked_at_object(answer),
            Request::DeleteState => self.deleted_state(answer),
            Request::LookAfterDelete => self.looked_after_delete(answer),
            Request::DeleteDigest => self.deleted_digest(answer),
            Request::ReleaseObject => self.released(LockKind::LockFile, answer),
            Request::ReleaseItem => self.released(LockKind::DynamoDb, answer),
            Request::LookUpHolders(target) => self.chose(target, answer),
            Request::Stock => {}
        }
    }

    // Locking: `lock/lockfile.rs`, `lock/dynamodb.rs`, `lock/locks.rs`.

    fn acquired_object(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => self.acquired(LockKind::LockFile),
            answer => self.client.at = At::Opening(Locking::ObjectHolder { lost: answer.is_none() }),
        }
    }

    fn acquired_item(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => self.acquired(LockKind::DynamoDb),
            Some(Answer::Holder(holder)) => self.claimed(LockKind::DynamoDb, holder, false),
            _ => self.client.at = At::Opening(Locking::ItemHolder),
        }
    }

    fn looked_up(&mut self, kind: LockKind, answer: Option<Answer>) {
        let lost = !matches!(self.client.at, At::Opening(Locking::ObjectHolder { lost: false }));
        if let Some(Answer::Holder(holder)) = answer {
            return self.claimed(kind, holder, lost);
        }
        self.client.said = true;
        self.back_out(Outcome::Refused);
    }

    fn claimed(&mut self, kind: LockKind, holder: Option<Id>, lost: bool) {
        let stored = holder.map(|holder| Some(real::record(holder)));
        let claimed = match claim(stored, real::record(self.id)) {
            Claim::Ours if !self.setup.protections.own_record => Claim::Others,
            claimed => claimed,
        };
        match claimed {
            Claim::Ours => self.acquired(kind),
            Claim::Nobodys if !lost => self.client.at = self.first_attempt(),
            Claim::Others if !lost => self.refused(),
            Claim::Others | Claim::Nobodys => self.back_out(Outcome::Refused),
        }
    }

    fn first_attempt(&self) -> At {
        At::Opening(first_lock(self.setup, true))
    }

    fn acquired(&mut self, kind: LockKind) {
        self.client.hold(kind, true);
        let more = kind == LockKind::LockFile && self.setup.place.table;
        self.client.at = At::Opening(if more { Locking::Item } else { Locking::Done });
        self.opened();
    }

    fn refused(&mut self) {
        if let Role::S3tate { waits: true, .. } = self.role {
            self.client.waited = true;
            self.forget_reads();
        }
        self.back_out(Outcome::Refused);
    }

    fn back_out(&mut self, outcome: Outcome) {
        if self.client.held_object {
            self.client.at = At::BackingOut(outcome);
        } else {
            self.gave_back(outcome);
        }
    }

    fn gave_back(&mut self, outcome: Outcome) {
        if self.client.waited && !self.client.said {
            self.client.at = self.first_attempt();
        } else {
            self.end(outcome);
        }
    }

    // Reading: `workspace.rs`, `read.rs`.

    fn forget_reads(&mut self) {
        self.client.seen = None;
        self.client.recorded = (!self.setup.place.table).then_some(None);
    }

    fn read(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Object(object)) => self.client.seen = Some(object),
            Some(Answer::Digest(digest)) => self.client.recorded = Some(digest),
            _ => return self.failed_read(),
        }
        self.opened();
    }

    /// The lock is waited for before a failed reading is told, so that it can be released.
    fn failed_read(&mut self) {
        match self.client.at {
            At::Opening(Locking::Done) | At::Rereading => self.give_up(Outcome::Refused),
            _ => {}
        }
    }

    fn opened(&mut self) {
        let (Some(seen), Some(recorded)) = (self.client.seen, self.client.recorded) else { return };
        let reading = self.judge(seen, recorded);
        match (self.client.at, reading) {
            (At::Opening(Locking::Done) | At::Rereading, Reading::Proven) => self.plan(),
            (At::Opening(Locking::Done), Reading::Completable(_)) => self.client.at = At::Completing,
            (At::Opening(Locking::Done), Reading::Disagreeing) => self.reread(),
            (At::Rereading, _) => self.give_up(Outcome::Refused),
            _ => {}
        }
    }

    fn judge(&self, seen: Option<Object>, recorded: Option<Id>) -> Reading {
        match real::reading(seen, recorded, self.client.guarded()) {
            Reading::Disagreeing if !self.setup.protections.proof && seen.is_some() => {
                recorded.map_or(Reading::Proven, |recorded| Reading::Completable(real::digest(recorded)))
            }
            reading => reading,
        }
    }

    fn reread(&mut self) {
        self.forget_reads();
        self.client.at = At::Rereading;
    }

    fn completed(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => {
                self.client.recorded = Some(self.client.base().map(|object| object.content));
                self.plan();
            }
            Some(_) => self.reread(),
            None => self.give_up(Outcome::Unknown),
        }
    }

    // Deciding: `push.rs`, `workspace.rs`.

    fn plan(&mut self) {
        let base = self.client.base();
        match task(self.role, self.client.round).unwrap_or(Task::Push) {
            Task::Push if real::writes(self.id, base, true) => self.client.at = At::Putting,
            Task::PushUnchanged => self.push_unchanged(base),
            Task::Create if base.is_none() => self.client.at = At::Putting,
            Task::Delete if base.is_some() => self.delete(),
            Task::Fix => self.give_up(Outcome::Done),
            Task::Push | Task::Create | Task::Delete => self.give_up(Outcome::Refused),
        }
    }

    fn push_unchanged(&mut self, base: Option<Object>) {
        let Some(object) = base else { return self.give_up(Outcome::Refused) };
        if real::writes(object.content, base, false) || !self.setup.protections.unchanged {
            self.ledger.rewritten = true;
            self.client.at = At::Putting;
        } else {
            self.give_up(Outcome::Unchanged);
        }
    }

    // Writing: `write.rs`.

    fn put_state(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => self.settle(),
            answer => self.client.at = At::ReadingBack { refused: answer.is_some() },
        }
    }

    fn read_back(&mut self, answer: Option<Answer>) {
        let At::ReadingBack { refused } = self.client.at else { return };
        let Some(Answer::Object(found)) = answer else { return self.keep_lock() };
        let stored = found.map(|object| self.stored(object));
        let base = self.client.base();
        let attempt = Attempt {
            write_id: real::write_id(self.id),
            digest: real::digest(self.id),
            base: base.map(|object| real::etag(object.content)),
            parent: base.map(|object| real::digest(object.content)),
            refused,
        };
        match fate_of_put(&attempt, stored) {
            PutFate::Written(_) => self.settle(),
            PutFate::Replaced | PutFate::Unclear => self.give_up(Outcome::Unknown),
            PutFate::Conflict | PutFate::NotWritten => self.told_not_written(found, refused),
        }
    }

    /// The one untruth there is: a refusal of the SDK's second attempt, after two others have built on the first.
    fn told_not_written(&mut self, found: Option<Object>, refused: bool) {
        let below = |object: Object| object.built_on.contains(self.id);
        let near = |object: &Object| [Some(object.content), object.parent].contains(&Some(self.id));
        let buried = found.filter(|object| !near(object)).is_some_and(below);
        if !(refused && buried && self.client.repeated) {
            self.ledger.refused = self.ledger.refused.with(self.id);
        }
        self.give_up(Outcome::Refused);
    }

    fn stored(&self, object: Object) -> Stored<'_> {
        let known = object.described && self.setup.protections.own_write;
        Stored {
            etag: real::etag(object.content),
            write_id: known.then(|| real::write_id(object.content)),
            parent: object.parent.filter(|_| known).map(real::digest),
        }
    }

    /// A write may still be under way: the lock stays, and the error says so.
    fn keep_lock(&mut self) {
        self.client.said = true;
        self.client.held_object = false;
        self.client.held_item = false;
        self.end(Outcome::Unknown);
    }

    fn settle(&mut self) {
        let place = self.setup.place;
        if !place.table {
            return self.give_up(Outcome::Done);
        }
        if self.client.held_item {
            self.client.at = At::Recording;
        } else {
            self.settled(Settled::NoTransactions);
        }
    }

    fn recorded(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Settled(settled)) => self.settled(settled),
            _ => self.give_up(Outcome::Unknown),
        }
    }

    fn settled(&mut self, settled: Settled) {
        let read = self.client.recorded.flatten().map(real::digest);
        let (next, recorded) = match settled.then(read) {
            Record::Done(recorded) => (None, recorded),
            Record::PutAfter(recorded) => (Some(At::PuttingDigest), recorded),
        };
        self.client.held_item &= recorded == Recorded::StillHeld;
        match next {
            Some(at) => self.client.at = at,
            None => self.give_up(Outcome::Done),
        }
    }

    fn put_digest(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => self.give_up(Outcome::Done),
            Some(_) if self.setup.protections.late_digests => self.client.at = At::DigestAgain,
            Some(_) => self.give_up(Outcome::Done),
            None => self.give_up(Outcome::Unknown),
        }
    }

    fn read_digest_again(&mut self, answer: Option<Answer>) {
        let Some(Answer::Digest(digest)) = answer else { return self.give_up(Outcome::Unknown) };
        self.client.recorded = Some(digest);
        self.client.at = At::OwnAgain;
    }

    fn looked_at_object(&mut self, answer: Option<Answer>) {
        let Some(Answer::Object(found)) = answer else { return self.give_up(Outcome::Unknown) };
        let found = found.map(|object| real::etag(object.content));
        let recorded = self.client.recorded.flatten().map(real::digest);
        if digest_is_due(recorded, real::etag(self.id), found) {
            self.client.at = At::PuttingDigest;
        } else {
            self.give_up(Outcome::Done);
        }
    }

    // Deleting: `workspace.rs`.

    /// The digest goes first: an object without one can be read, and deleted again.
    fn delete(&mut self) {
        let first = self.setup.place.table && self.setup.protections.digest_deleted_first;
        self.client.at = if first { At::DeletingDigest } else { At::DeletingState };
    }

    fn deleted_digest(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) if self.setup.protections.digest_deleted_first => {
                self.client.at = At::DeletingState;
            }
            Some(Answer::Done) => self.give_up(Outcome::Done),
            Some(_) => self.give_up(Outcome::Refused),
            None => self.give_up(Outcome::Unknown),
        }
    }

    fn deleted_state(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Done) => self.gone(),
            answer => self.client.at = At::LookingAfterDelete { refused: answer.is_some() },
        }
    }

    fn looked_after_delete(&mut self, answer: Option<Answer>) {
        match answer {
            Some(Answer::Object(None)) => self.gone(),
            Some(_) => self.give_up(Outcome::Refused),
            None => self.give_up(Outcome::Unknown),
        }
    }

    fn gone(&mut self) {
        if self.setup.protections.digest_deleted_first || !self.setup.place.table {
            self.give_up(Outcome::Done);
        } else {
            self.client.at = At::DeletingDigest;
        }
    }

    // Releasing: `lock/guard.rs`, `lock/locks.rs`.

    fn chose(&mut self, target: Id, answer: Option<Answer>) {
        if answer.is_none() {
            return self.end(Outcome::Refused);
        }
        self.client.target = Some(target);
        self.client.held_object = self.setup.place.use_lockfile;
        self.client.held_item = self.setup.place.table;
        self.give_up(Outcome::Done);
    }

    /// Releases what is held, and ends.
    fn give_up(&mut self, outcome: Outcome) {
        if self.client.guarded() {
            self.client.at = At::Releasing(outcome);
        } else {
            self.end(outcome);
        }
    }

    /// A lock that is not ours any more is missing, which is no failure.
    fn released(&mut self, kind: LockKind, answer: Option<Answer>) {
        self.client.hold(kind, false);
        self.client.said |= answer.is_none();
        match self.client.at {
            At::BackingOut(outcome) => self.gave_back(outcome),
            At::Releasing(outcome) => self.give_up(outcome),
            _ => {}
        }
    }

    fn end(&mut self, outcome: Outcome) {
        let writes = !matches!(task(self.role, self.client.round), Some(Task::Delete | Task::Fix) | None);
        if outcome == Outcome::Done && writes {
            self.ledger.acknowledged = self.ledger.acknowledged.with(self.id);
        }
        if outcome == Outcome::Unknown {
            self.ledger.stopped = self.ledger.stopped.with(self.id);
        }
        if !self.client.said {
            self.ledger.silent = self.ledger.silent.with(self.id);
        }
        next_round(self.setup, self.role, self.client);
    }
}

/// The next task, or the end.
pub(crate) fn next_round(setup: &Setup, role: &Role, client: &mut Client) {
    let round = client.round + 1;
    let next = task(role, round).is_some();
    *client = Client::new(setup, role, round);
    if !next {
        client.at = At::Ended;
    }
}
