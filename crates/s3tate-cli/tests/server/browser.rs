//! The web UI in a browser: by keyboard alone, in both colour schemes, wide and narrow. Pictures are kept in
//! `target/ui-screenshots`.

use std::time::Duration;

use s3tate_testkit::{require, wait_for};
use serde_json::json;

use crate::chromium::Browser;
use crate::shown::{hostile, network};
use crate::stage::{Stage, document, lock_info, token_of};

/// A server with something to look at.
fn stage() -> Stage {
    let stage = Stage::new();
    for (serial, edition) in [(1, 1), (2, 2), (3, 3)] {
        let _stored = stage.ask("writer", "POST", "app/network", network(serial, edition)).is(200);
    }
    let _deleted = stage.ask("admin", "DELETE", "app/network", "").is(200);
    let _stored = stage.ask("writer", "POST", "app/network", network(9, 4)).is(200);
    for key in [
        "app/prod/eu-west-1/database.tfstate",
        "app/prod/eu-west-1/queue.tfstate",
        "team-payments/service",
        "env:/staging/app",
    ] {
        let _stored = stage.ask("admin", "POST", key, document(12, "l", "value")).is(200);
    }
    stage.endpoint.store().put("app/by-stock", document(4, "l", "value"));
    stage.endpoint.store().put("app/<b>hostile</b>", hostile(1));
    let _locked =
        stage.ask("writer", "LOCK", "app/network", lock_info("9ad58332-806b-56da-6b3f-fb7c5287ad8f")).is(200);
    let _refused =
        stage.ask("writer", "POST", "app/prod/eu-west-1/queue.tfstate", document(3, "l", "lost")).is(409);
    wait_for("the refusal to be kept", Duration::from_secs(10), || {
        stage.endpoint.store().keys().iter().any(|key| key.starts_with(".s3tate/why/")).then_some(())
    });
    stage
}

/// Checks what has to hold of everything that a browser did.
#[track_caller]
fn is_clean(browser: &Browser, origin: &str) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let foreign: Vec<_> = browser
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&format!("{origin}/")) && url != "about:blank")
        .collect();
    assert_eq!(foreign, Vec::<String>::new(), "nothing is asked of others");
}

/// From signing in to signing out without a mouse: search, a state, what changed, a lock broken.
#[test]
fn everything_is_reached_by_keyboard() {
    let mut browser = require!(Browser::start());
    let stage = stage();
    let origin = format!("http://{}", stage.server.addr);
    browser.look("light", 1280);
    browser.go(&format!("{origin}/"));
    assert_eq!(browser.path(), "/ui/login");
    assert_eq!(browser.value("document.activeElement.id"), "token", "the field is ready");
    browser.write(token_of("admin"));
    browser.enter();
    assert_eq!(browser.path(), "/");
    browser.tab_to("a.skip", "Skip");
    browser.tab_to("input[type=search]", "");
    browser.write("NETW");
    browser.enter();
    assert_eq!(browser.path(), "/?q=NETW");
    assert!(browser.text().contains("app/network") && !browser.text().contains("database"));
    browser.tab_to("th a", "app/network");
    browser.enter();
    assert_eq!(browser.path(), "/ui/state/app/network");
    let text = browser.text();
    assert!(
        text.contains("dana@build-07") && text.contains("vpc-0a1b2c3d4e5f") && !text.contains("hush"),
        "{text}"
    );
    browser.tab_to("button", "Show sensitive values");
    browser.enter();
    assert!(browser.text().contains("hush-4"));
    browser.tab_to("a", "Hide sensitive values");
    browser.enter();
    assert!(!browser.text().contains("hush-4"));
    browser.tab_to(".tabs a", "Resources");
    browser.enter();
    assert!(browser.text().contains("module.private"));
    browser.tab_to("summary", "aws_subnet.this");
    let open = "document.activeElement.parentElement.open";
    assert_eq!(browser.value(open), true);
    browser.space();
    assert_eq!(browser.value(open), false, "a branch is closed by the keyboard");
    browser.tab_to(".leaf a", "aws_vpc.main");
    browser.enter();
    assert!(browser.text().contains("10.0.0.0/16") && !browser.text().contains("hush"));
    browser.tab_to(".tabs a", "History");
    browser.enter();
    assert!(browser.text().contains("Serial 9") && browser.text().contains("deleted"));
    browser.tab_to("button", "Compare");
    browser.enter();
    let text = browser.text();
    assert!(
        text.contains("10.3.0.0/20") && text.contains("10.4.0.0/20") && text.contains("sensitive, hidden"),
        "{text}"
    );
    browser.tab_to(".tabs a", "Overview");
    browser.enter();
    browser.tab_to("a.danger", "Break the lock");
    browser.enter();
    browser.tab_to("input[type=checkbox]", "");
    browser.space();
    browser.tab_to("button.danger", "Break the lock");
    browser.enter();
    assert_eq!(browser.path(), "/ui/state/app/network?done=broken");
    assert!(browser.text().contains("The lock was broken"));
    stage.is_sound("app/network");
    browser.tab_to("nav a", "Refused writes");
    browser.enter();
    assert!(browser.text().contains("queue.tfstate") && browser.text().contains("Download"));
    browser.tab_to("button", "Sign out");
    browser.enter();
    assert_eq!(browser.path(), "/ui/login");
    browser.go(&format!("{origin}/ui/state/app/network"));
    assert!(browser.path().starts_with("/ui/login"), "the session is over");
    is_clean(&browser, &origin);
}

/// Every page in both colour schemes, on a screen and on a telephone: nothing is cut off, and nothing complains.
#[test]
fn pages_please_on_every_screen() {
    let mut browser = require!(Browser::start());
    let stage = stage();
    let origin = format!("http://{}", stage.server.addr);
    browser.look("light", 1280);
    browser.go(&format!("{origin}/"));
    let grounds = pictures(&mut browser, "login");
    assert_ne!(grounds[0], grounds[1], "the colour scheme is followed");
    browser.write(token_of("admin"));
    browser.enter();
    pictures(&mut browser, "states");
    for (name, path) in [
        ("search-nothing", "/?q=nothing-like-this"),
        ("state", "/ui/state/app/network"),
        ("state-missing", "/ui/state/app/missing"),
        ("resources", "/ui/resources/app/network"),
        ("resource", "/ui/resources/app/network?address=module.private.aws_subnet.this%5B%22a%22%5D"),
        ("history", "/ui/history/app/network"),
        ("break", "/ui/break/app/network"),
        ("refused", "/ui/refused"),
        ("hostile", "/ui/state/app/%3Cb%3Ehostile%3C/b%3E"),
    ] {
        browser.go(&format!("{origin}{path}"));
        pictures(&mut browser, name);
    }
    browser.go(&format!("{origin}/ui/history/app/network"));
    let first = browser.value("[...document.querySelectorAll('input[name=from]')].at(-1).value");
    let last = browser.value("document.querySelector('input[name=to]').value");
    let versions = [first, last].map(|id| id.as_str().expect("an id").to_owned());
    browser.go(&format!("{origin}/ui/diff/app/network?from={}&to={}", versions[0], versions[1]));
    pictures(&mut browser, "diff");
    is_clean(&browser, &origin);
    // Pages that tell of a refusal are errors to the browser, so they come last.
    browser.go(&format!("{origin}/ui/nothing"));
    pictures(&mut browser, "problem");
}

/// Pictures of a page in all its looks; gives the colours of its ground in light and dark.
fn pictures(browser: &mut Browser, name: &str) -> [serde_json::Value; 2] {
    let grounds = ["light", "dark"].map(|scheme| {
        for width in [1280, 400] {
            browser.look(scheme, width);
            browser.picture(&format!("{name}-{scheme}-{width}"));
            assert_eq!(browser.hardships(), json!([]), "{name} in {scheme}, {width} wide");
        }
        browser.value("getComputedStyle(document.body).backgroundColor")
    });
    browser.look("light", 1280);
    grounds
}
