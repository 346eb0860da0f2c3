//! One moment: what is stored, how far everybody is, and what may still go wrong.

use crate::client::{At, Client};
use crate::effect::{Effect, written};
use crate::ids::Id;
use crate::react::{Reaction, next_round};
use crate::request::{Action, Reply, Request};
use crate::setup::{Budget, Role, Setup};
use crate::stock;
use crate::store::{Ledger, Object, Store};

/// A state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// What is stored.
    pub store: Store,
    /// What happened.
    pub ledger: Ledger,
    /// The clients, in the order of their roles.
    pub clients: Vec<Client>,
    /// What may still go wrong.
    pub left: Budget,
    /// A write that was given up and may still be carried out: over what, and the object.
    pub late: Option<(Option<Id>, Object)>,
}

impl World {
    /// The beginning.
    pub(crate) fn first(setup: &Setup) -> Self {
        let object = setup.stored.then(Object::first);
        let digest = (setup.stored && setup.place.table).then_some(Id::FIRST);
        Self {
            store: Store { object, digest, ..Store::default() },
            ledger: Ledger::default(),
            clients: setup.roles.iter().map(|role| Client::new(setup, role, 0)).collect(),
            left: setup.budget,
            late: None,
        }
    }

    /// The locks that are there, each once.
    pub(crate) fn locks(&self) -> Vec<Id> {
        let mut locks: Vec<Id> = self.store.lock_object.into_iter().chain(self.store.lock_item).collect();
        locks.dedup();
        locks
    }

    /// Everything that can happen next.
    pub(crate) fn actions(&self, actions: &mut Vec<Action>) {
        let locks = self.locks();
        for (index, client) in self.clients.iter().enumerate() {
            for request in client.requests(&locks) {
                let replies = self.replies(request);
                actions.extend(replies.map(|reply| Action::Send(index, request, reply)));
            }
            if self.left.crashes > 0 && client.at != At::Ended {
                actions.push(Action::Crash(index));
            }
        }
        if self.left.breaks > 0 {
            actions.extend(locks.into_iter().map(Action::Break));
        }
        if self.late.is_some() {
            actions.push(Action::Land);
        }
    }

    fn replies(&self, request: Request) -> impl Iterator<Item = Reply> {
        let losable = self.left.losses > 0 && request != Request::Stock;
        let late = losable && self.left.late && request == Request::PutState;
        let changes = losable && !request.reads();
        [
            (true, Reply::Answered),
            (changes, Reply::Repeated),
            (changes, Reply::Lost),
            (losable, Reply::Unsent),
            (late, Reply::Late),
        ]
        .into_iter()
        .filter_map(|(possible, reply)| possible.then_some(reply))
    }

    /// The moment after; `None` where nothing changes.
    pub(crate) fn after(&self, setup: &Setup, action: Action) -> Option<Self> {
        let mut next = self.clone();
        match action {
            Action::Send(index, request, reply) => next.send(setup, index, request, reply),
            Action::Crash(index) => {
                next.left.crashes -= 1;
                let id = Id::of(index, next.clients[index].round);
                next.ledger.stopped = next.ledger.stopped.with(id);
                next_round(setup, &setup.roles[index], &mut next.clients[index]);
            }
            Action::Break(id) => {
                next.left.breaks -= 1;
                next.break_lock(id);
            }
            Action::Land => next.land(),
        }
        let changed = next.store != self.store || next.clients != self.clients || next.late != self.late;
        changed.then_some(next)
    }

    fn send(&mut self, setup: &Setup, index: usize, request: Request, reply: Reply) {
        if reply != Reply::Answered {
            self.left.losses -= 1;
        }
        let role = &setup.roles[index];
        let id = Id::of(index, self.clients[index].round);
        self.exchange(setup, role, index, id, request, reply);
    }

    /// One request of a client, with its answer.
    pub(crate) fn exchange(
        &mut self,
        setup: &Setup,
        role: &Role,
        index: usize,
        id: Id,
        request: Request,
        reply: Reply,
    ) {
        let (store, ledger, client) = (&mut self.store, &mut self.ledger, &mut self.clients[index]);
        if request == Request::Stock {
            return stock::step(setup, role, store, ledger, client, id);
        }
        if reply == Reply::Late {
            let base = client.base();
            self.late = Some((base.map(|object| object.content), written(id, base)));
        }
        let carried_out = !matches!(reply, Reply::Unsent | Reply::Late);
        let answer = carried_out.then(|| Effect { setup, store, ledger, client, id }.carry_out(request));
        let seen = if reply == Reply::Answered { answer } else { None };
        if reply == Reply::Repeated {
            client.repeated |= request == Request::PutState;
        } else {
            Reaction { setup, role, ledger, client, id }.to(request, seen);
        }
    }

    fn break_lock(&mut self, id: Id) {
        for lock in [&mut self.store.lock_object, &mut self.store.lock_item] {
            if *lock == Some(id) {
                *lock = None;
            }
        }
        self.ledger.broken = self.ledger.broken.with(id);
    }

    fn land(&mut self) {
        if let Some((base, object)) = self.late.take()
            && self.store.content() == base
        {
            self.store.object = Some(object);
            self.ledger.landed = self.ledger.landed.with(object.content);
        }
    }
}
