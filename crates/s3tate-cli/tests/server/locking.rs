//! Locks, request by request.

use crate::raw::exchange;
use crate::stage::{Stage, authorization, bare_id, document, lock_info, token_of};

/// Checks C31 to C33, C36, C37 and C45: taken once, repeated, refused to others with the holder's record, released.
#[test]
fn a_lock_is_taken_repeated_refused_and_released() {
    let stage = Stage::new();
    let ask = |method, body: &str| stage.ask("planner", method, "app/a", body);
    let _taken = ask("LOCK", &lock_info("h")).is(200);
    let refused = stage.ask("writer", "LOCK", "app/a", lock_info("k")).names_holder(423, "h").json();
    assert_eq!(refused["Who"], "dana@build-07");
    assert!(refused["Path"].as_str().is_some_and(|path| path.ends_with("/app/a")), "{refused}");
    let record = stage.endpoint.store().item(&format!("{}/app/a", stage.endpoint.store().bucket()));
    let _repeated = ask("LOCK", &lock_info("h")).is(200);
    let after = stage.endpoint.store().item(&format!("{}/app/a", stage.endpoint.store().bucket()));
    assert_eq!(after, record, "the first record stays");
    let _other_state = stage.ask("writer", "LOCK", "app/b", lock_info("k")).is(200);
    let _wrong = ask("UNLOCK", &lock_info("k")).names_holder(409, "h");
    let _released = ask("UNLOCK", &lock_info("h")).is(200);
    let _again = ask("UNLOCK", &lock_info("h")).is(200);
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
}

/// Somebody else's repetition of a lock request is no repetition: IDs are shown to everybody who waits.
#[test]
fn a_lock_is_not_shared_by_its_id() {
    let stage = Stage::new();
    let _taken = stage.ask("planner", "LOCK", "app/a", lock_info("h")).is(200);
    let _refused = stage.ask("writer", "LOCK", "app/a", lock_info("h")).names_holder(423, "h");
    let _refused = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(403);
    let _still = stage.ask("planner", "LOCK", "app/a", lock_info("k")).names_holder(423, "h");
}

/// Check C34: of many who ask at once, through two servers, exactly one gets the lock, and the others are told who.
#[test]
fn of_many_exactly_one_gets_the_lock() {
    let stage = Stage::new();
    let replica = stage.replica();
    let replies: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..64)
            .map(|number| {
                let server = if number % 2 == 0 { &stage.server } else { &replica };
                scope.spawn(move || {
                    server.ask("writer", "LOCK", "/state/app/race", lock_info(&format!("id-{number}")))
                })
            })
            .collect();
        asked.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let won: Vec<_> = (0..64).filter(|number| replies[*number].status == 200).collect();
    let answers: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for reply in replies.into_iter().filter(|reply| reply.status != 200) {
        let _named = reply.names_holder(423, &format!("id-{}", won[0]));
    }
}

/// Check C35: what is no lock info takes no lock.
#[test]
fn what_is_no_lock_info_is_refused() {
    let stage = Stage::new();
    let long = lock_info(&"x".repeat(256));
    for body in
        ["{}", "{\"ID\":\"\"}", "[]", "", "null", "<html>", "{\"ID\":1}", "{\"ID\":\"a\\u0000b\"}", &long]
    {
        let _refused = stage.ask("writer", "LOCK", "app/a", body).is(400);
    }
    let _too_large = stage.ask("writer", "LOCK", "app/a", vec![b' '; 70 << 10]).is(413);
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
}

/// Checks C38 and C39: Terraform's `force-unlock` names no lock, and needs the permission.
#[test]
fn an_empty_unlock_breaks_the_lock_with_the_right_alone() {
    let stage = Stage::new();
    let empty = |who: &str| {
        let head = format!(
            "UNLOCK /state/app/a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nContent-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==\r\n{}",
            authorization(token_of(who))
        );
        exchange(&stage.server.addr, &head, b"0\r\n\r\n").expect("an answer")
    };
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    for who in ["writer", "planner", "reader"] {
        let _refused = empty(who).is(403);
    }
    let _held = stage.ask("writer", "LOCK", "app/a", lock_info("k")).names_holder(423, "h");
    let _broken = empty("breaker").is(200);
    let _nothing_left = empty("breaker").is(200);
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
}

/// Checks C40 and C41: OpenTofu's `force-unlock` names the ID and nothing else.
#[test]
fn a_bare_id_breaks_exactly_that_lock() {
    let stage = Stage::new();
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _wrong = stage.ask("admin", "UNLOCK", "app/a", bare_id("k")).names_holder(409, "h");
    let _without_the_right = stage.ask("writer", "UNLOCK", "app/a", bare_id("h")).is(403);
    let _broken = stage.ask("admin", "UNLOCK", "app/a", bare_id("h")).is(200);
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
}

#[test]
fn who_may_break_locks_is_configured() {
    for (policy, own, admin) in [("deny", 403, 403), ("owner", 200, 200), ("break-lock", 403, 200)] {
        let stage = Stage::with(&format!("force_unlock = \"{policy}\""));
        for (who, expected) in [("writer", own), ("admin", admin)] {
            let key = format!("app/{who}");
            let _taken = stage.ask("writer", "LOCK", &key, lock_info("h")).is(200);
            let _answered = stage.ask(who, "UNLOCK", &key, bare_id("h")).is(expected);
        }
    }
}

/// Check C42: the aliases for those who can't send LOCK and UNLOCK.
#[test]
fn the_aliases_lock_and_unlock() {
    let stage = Stage::new();
    for (lock, unlock) in [("POST", "DELETE"), ("PUT", "UNLOCK"), ("LOCK", "DELETE")] {
        let _taken = stage.ask("planner", lock, "app/a/lock", lock_info(lock)).is(200);
        let _held = stage.ask("writer", "LOCK", "app/a", lock_info("k")).names_holder(423, lock);
        let _released = stage.ask("planner", unlock, "app/a/lock", lock_info(lock)).is(200);
    }
    let reply = stage.ask("planner", "GET", "app/a/lock", "").is(405);
    assert_eq!(reply.header("allow"), Some("POST, PUT, LOCK, DELETE, UNLOCK"));
    assert_eq!(
        stage.ask("admin", "PATCH", "app/a", "").is(405).header("allow"),
        Some("GET, POST, PUT, DELETE, LOCK, UNLOCK")
    );
}

/// Check C43: locks are in the store, not in the process.
#[test]
fn a_lock_outlives_its_server() {
    let mut stage = Stage::new();
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    stage.restart();
    let _held = stage.ask("planner", "LOCK", "app/a", lock_info("k")).names_holder(423, "h");
    let _written = stage.ask("writer", "POST", "app/a?ID=h", document(1, "l", "x")).is(200);
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
}

/// Check C44: a copy of a lock request that comes after its release leaves no lock that nobody owns.
#[test]
fn a_late_copy_of_a_lock_request_takes_nothing() {
    let stage = Stage::new();
    let _taken = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let late = stage.ask("writer", "LOCK", "app/a", lock_info("h")).names_holder(409, "h");
    assert!(late.json()["Info"].as_str().is_some_and(|info| info.contains("released")));
    let _free = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
}

/// A release whose answer was lost is repeated, although somebody else has the lock by now, who keeps it.
#[test]
fn a_release_is_repeated_while_others_hold_the_lock() {
    let stage = Stage::new();
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("h")).is(200);
    let _released = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let _locked = stage.ask("writer", "LOCK", "app/a", lock_info("k")).is(200);
    let _repeated = stage.ask("writer", "UNLOCK", "app/a", lock_info("h")).is(200);
    let _held = stage.ask("writer", "LOCK", "app/a", lock_info("x")).names_holder(423, "k");
    let _never_held = stage.ask("writer", "UNLOCK", "app/a", lock_info("y")).names_holder(409, "k");
}
