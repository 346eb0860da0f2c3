//! Forms, and the locks that they break.

use std::time::Duration;

use s3tate_testkit::wait_for;

use super::{BROWSER, Visitor, mark, text};
use crate::stage::{Stage, document, lock_info};

/// A form of another site, of another session, or without a mark does nothing.
#[test]
fn nothing_is_changed_by_a_form_that_is_not_the_sessions_own() {
    let stage = Stage::new();
    let _locked = stage.ask("writer", "LOCK", "app/x", lock_info("id-1")).is(200);
    let admin = Visitor::new(&stage.server, "admin");
    let own = mark(&admin.get("/ui/break/app/x").is(200));
    let others = mark(&Visitor::new(&stage.server, "admin").get("/ui/break/app/x").is(200));
    let html = "Accept: text/html\r\n";
    let form =
        |mark: &str| vec![("mark", mark.to_owned()), ("lock", "id-1".to_owned()), ("sure", "yes".to_owned())];
    for (headers, mark) in [
        (BROWSER.to_owned(), ""),
        (BROWSER.to_owned(), "nonsense"),
        (BROWSER.to_owned(), others.as_str()),
        (format!("{html}Sec-Fetch-Site: cross-site\r\n"), own.as_str()),
        (format!("{html}Sec-Fetch-Site: same-site\r\n"), own.as_str()),
        (format!("{html}Origin: http://evil.example\r\n"), own.as_str()),
        (format!("{html}Origin: null\r\n"), own.as_str()),
    ] {
        let form = form(mark);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = admin.post_with("/ui/break/app/x", &headers, &form).is(403);
        assert!(text(&refused).contains("nothing was done"), "{}", text(&refused));
    }
    let _held = stage.ask("writer", "LOCK", "app/x", lock_info("id-2")).names_holder(423, "id-1");
    let form = form(&own);
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _broken =
        admin.post_with("/ui/break/app/x", &format!("{html}Origin: http://test\r\n"), &form).is(303);
    let _free = stage.ask("writer", "LOCK", "app/x", lock_info("id-2")).is(200);
}

#[test]
fn the_lock_that_was_shown_is_broken_after_a_confirmation_and_no_other() {
    let stage = Stage::new();
    let _locked = stage.ask("writer", "LOCK", "app/x", lock_info("id-1")).is(200);
    let breaker = Visitor::new(&stage.server, "breaker");
    let state = text(&breaker.get("/ui/state/app/x").is(200));
    assert!(
        state.contains("dana@build-07")
            && state.contains("token:writer")
            && state.contains("/ui/break/app/x"),
        "{state}"
    );
    let seen = text(&Visitor::new(&stage.server, "reader").get("/ui/state/app/x").is(200));
    assert!(seen.contains("dana@build-07") && !seen.contains("/ui/break/app/x"), "{seen}");
    let own = mark(&breaker.get("/ui/break/app/x").is(200));
    let _unsure = breaker.post("/ui/break/app/x", &[("mark", &own), ("lock", "id-1")]).is(409);
    // Somebody else holds it by the time that the form comes.
    let _unlocked = stage.ask("writer", "UNLOCK", "app/x", lock_info("id-1")).is(200);
    let _locked = stage.ask("writer", "LOCK", "app/x", lock_info("id-2")).is(200);
    let sent = |id: &str| breaker.post("/ui/break/app/x", &[("mark", &own), ("lock", id), ("sure", "yes")]);
    let changed = text(&sent("id-1").is(409));
    assert!(changed.contains("Nothing was broken") && changed.contains("id-2"), "{changed}");
    let _held = stage.ask("planner", "LOCK", "app/x", lock_info("id-3")).names_holder(423, "id-2");
    let broken = sent("id-2").is(303);
    assert_eq!(broken.header("location"), Some("/ui/state/app/x?done=broken"));
    let _fenced =
        stage.server.ask("writer", "POST", "/state/app/x?ID=id-2", document(1, "l", "late")).is(409);
    let free = sent("id-2").is(303);
    assert_eq!(free.header("location"), Some("/ui/state/app/x?done=free"));
    wait_for("the line of the log", Duration::from_secs(10), || {
        let said = stage.server.running.stderr_so_far();
        let line =
            said.lines().find(|line| line.contains("/ui/break/{key}") && line.contains("303"))?.to_owned();
        ["break-lock", "token:breaker", "id-2"].iter().all(|word| line.contains(word)).then_some(())
    });
    let metrics = text(&stage.server.send("GET", "/metrics", "", b"").is(200));
    assert!(metrics.contains("lock_releases_total{kind=\"force\"} 1"), "{metrics}");
}

#[test]
fn a_server_that_breaks_no_locks_breaks_none_by_its_pages() {
    let stage = Stage::with("force_unlock = \"deny\"");
    let _locked = stage.ask("writer", "LOCK", "app/x", lock_info("id-1")).is(200);
    let admin = Visitor::new(&stage.server, "admin");
    let page = admin.get("/ui/state/app/x").is(200);
    assert!(!text(&page).contains("/ui/break/"), "{}", text(&page));
    let _refused =
        admin.post("/ui/break/app/x", &[("mark", &mark(&page)), ("lock", "id-1"), ("sure", "yes")]).is(403);
}

/// What is no lock record is told as such, and can be broken by what tells it from others.
#[test]
fn a_lock_that_nobody_can_read_is_broken_by_its_mark() {
    let stage = Stage::new();
    let store = stage.endpoint.store();
    let place = format!("{}/app/x", store.bucket());
    let item =
        |info: &str| [("LockID".to_owned(), place.clone()), ("Info".to_owned(), info.to_owned())].into();
    store.put_item(&item("no record"));
    let breaker = Visitor::new(&stage.server, "breaker");
    let page = breaker.get("/ui/break/app/x").is(200);
    let (_, rest) = text(&page)
        .split_once("name=\"lock\" value=\"")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("the lock");
    let id = rest.split('"').next().expect("its mark").to_owned();
    assert!(id.starts_with("unreadable-"), "{id}");
    let own = mark(&page);
    store.put_item(&item("another one"));
    let form = [("mark", own.as_str()), ("lock", id.as_str()), ("sure", "yes")];
    let _changed = breaker.post("/ui/break/app/x", &form).is(409);
    store.put_item(&item("no record"));
    let _broken = breaker.post("/ui/break/app/x", &form).is(303);
    assert_eq!(store.item(&place), None);
}
