//! What a user does once everybody has stopped: break the lock that is left, and push.

use s3tate::protocol::Reading;

use crate::client::{At, Client};
use crate::ids::Id;
use crate::properties::unprovable;
use crate::real;
use crate::request::{Reply, Request};
use crate::setup::{Role, Setup, Task};
use crate::world::World;

/// Whether the next writer, after everybody else was killed at this very moment, brings object and digest together and
/// keeps what is stored. Where they are apart beyond proof, it must refuse and touch nothing instead.
pub(crate) fn recovers(setup: &Setup, world: &World) -> bool {
    let before = stopped(world);
    let after = pushed(setup, before.clone());
    let reading = real::reading(before.store.object, before.store.digest, true);
    if reading == Reading::Disagreeing && unprovable(setup, world) {
        return after.store == before.store;
    }
    let kept = before.store.object.map(|object| object.built_on).unwrap_or_default();
    let written = after
        .store
        .object
        .is_some_and(|object| object.content == Id::NEXT && kept.without(object.built_on).is_empty());
    written && (!setup.place.table || after.store.digest == Some(Id::NEXT)) && after.locks().is_empty()
}

fn stopped(world: &World) -> World {
    let mut world = world.clone();
    world.late = None;
    world.clients.clear();
    world.store.lock_object = None;
    world.store.lock_item = None;
    world
}

fn pushed(setup: &Setup, mut world: World) -> World {
    let role = Role::s3tate(&[Task::Push]);
    world.clients.push(Client::new(setup, &role, 0));
    while let Some(request) = next(&world) {
        world.exchange(setup, &role, 0, Id::NEXT, request, Reply::Answered);
    }
    world
}

fn next(world: &World) -> Option<Request> {
    let client = world.clients.first()?;
    if client.at == At::Ended { None } else { client.requests(&[]).first().copied() }
}
