//! A stock client as the facts about it say: it looks at digests, but writes object and digest without conditions, and
//! removes a lock that it has compared a moment ago.

use crate::client::{At, Client, StockAt};
use crate::ids::Id;
use crate::setup::{Role, Setup};
use crate::store::{Ledger, Object, Store};

/// Carries out the next request of a stock client.
pub(crate) fn step(
    setup: &Setup,
    role: &Role,
    store: &mut Store,
    ledger: &mut Ledger,
    client: &mut Client,
    id: Id,
) {
    let At::Stock(at) = client.at else { return };
    let locks = *role == (Role::Stock { lock: true });
    let mut stock = Stock { setup, store, ledger, client, id, locks };
    client_at(stock.carry_out(at), stock.client);
}

fn client_at(next: Option<StockAt>, client: &mut Client) {
    client.at = next.map_or(At::Ended, At::Stock);
}

struct Stock<'a> {
    setup: &'a Setup,
    store: &'a mut Store,
    ledger: &'a mut Ledger,
    client: &'a mut Client,
    id: Id,
    locks: bool,
}

impl Stock<'_> {
    fn carry_out(&mut self, at: StockAt) -> Option<StockAt> {
        match at {
            StockAt::LockObject => {
                let got = take(&mut self.store.lock_object, self.id);
                self.client.held_object = got;
                let next = if self.setup.place.table { StockAt::LockItem } else { StockAt::Get };
                got.then_some(next)
            }
            StockAt::LockItem => {
                self.client.held_item = take(&mut self.store.lock_item, self.id);
                if self.client.held_item { Some(StockAt::Get) } else { self.unlock() }
            }
            StockAt::Get => {
                self.client.seen = Some(self.store.object);
                Some(if self.setup.place.table { StockAt::GetDigest } else { StockAt::Put })
            }
            StockAt::GetDigest => {
                let recorded = self.store.digest;
                let read = self.client.base().map(|object| object.content);
                if recorded.is_none() || recorded == read { Some(StockAt::Put) } else { self.unlock() }
            }
            StockAt::Put => self.put(),
            StockAt::PutDigest => {
                self.store.digest = Some(self.id);
                self.ledger.stock_digest = true;
                self.unlock()
            }
            StockAt::CompareObject => self.compare(self.store.lock_object, StockAt::UnlockObject),
            StockAt::CompareItem => self.compare(self.store.lock_item, StockAt::UnlockItem),
            StockAt::UnlockObject | StockAt::UnlockItem => self.remove(at),
        }
    }

    fn put(&mut self) -> Option<StockAt> {
        let built_on = self.client.base().map(|object| object.built_on).unwrap_or_default().with(self.id);
        let lost = self.store.object.map(|object| object.built_on).unwrap_or_default().without(built_on);
        self.ledger.excused = self.ledger.excused.and(lost);
        self.store.object = Some(Object { content: self.id, described: false, parent: None, built_on });
        if self.setup.place.table { Some(StockAt::PutDigest) } else { self.unlock() }
    }

    fn unlock(&mut self) -> Option<StockAt> {
        match (self.locks, self.client.held_object, self.client.held_item) {
            (true, true, _) => Some(StockAt::CompareObject),
            (true, false, true) => Some(StockAt::CompareItem),
            _ => None,
        }
    }

    fn compare(&mut self, found: Option<Id>, remove: StockAt) -> Option<StockAt> {
        if found == Some(self.id) {
            return Some(remove);
        }
        self.let_go(remove);
        self.unlock()
    }

    fn let_go(&mut self, removed: StockAt) {
        if removed == StockAt::UnlockObject {
            self.client.held_object = false;
        } else {
            self.client.held_item = false;
        }
    }

    /// Whoever holds the lock by now loses it.
    fn remove(&mut self, at: StockAt) -> Option<StockAt> {
        let object = at == StockAt::UnlockObject;
        let lock = if object { &mut self.store.lock_object } else { &mut self.store.lock_item };
        if let Some(found) = lock.take().filter(|found| *found != self.id) {
            self.ledger.broken = self.ledger.broken.with(found);
        }
        self.let_go(at);
        self.unlock()
    }
}

fn take(lock: &mut Option<Id>, id: Id) -> bool {
    let free = lock.is_none();
    if free {
        *lock = Some(id);
    }
    free
}
