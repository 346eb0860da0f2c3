//! Pages: what guards them, and what they show to whom.

use std::time::Duration;

use s3tate_testkit::{Endpoint, Kind, wait_for};

use super::{Visitor, encoded, encoded_path, mark, text};
use crate::shown::{HOSTILE, hostile, network};
use crate::stage::{Stage, document, lock_info};

#[test]
fn every_page_is_guarded_and_loads_nothing_from_elsewhere() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/net", network(1, 1)).is(200);
    let visitor = Visitor::new(&stage.server, "admin");
    for path in [
        "/",
        "/ui/login",
        "/ui/state/app/net",
        "/ui/resources/app/net",
        "/ui/history/app/net",
        "/ui/refused",
        "/ui/nothing",
        "/ui/state/none",
        "/ui/diff/app/net",
        "/ui/style.css",
        "/ui/icon.svg",
    ] {
        let page = visitor.get(path);
        let policy =
            page.header("content-security-policy").unwrap_or_else(|| panic!("{path}: {}", page.head));
        assert!(
            policy.starts_with("default-src 'none'; ")
                && !policy.contains("unsafe")
                && !policy.contains("script"),
            "{policy}"
        );
        for part in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        let asset = path.contains("style") || path.contains("icon");
        assert_eq!(page.header("cache-control") == Some("no-store"), !asset, "{path}: {}", page.head);
        let body = text(&page);
        for forbidden in
            ["<script", " style=", " onclick", "javascript:", "src=\"http", "href=\"http", "@import"]
        {
            assert!(!body.contains(forbidden), "{forbidden} in {path}");
        }
        if !asset {
            assert!(body.contains("<html lang=\"en\">") && body.contains("class=\"skip\""), "{path}: {body}");
        }
    }
}

#[test]
fn hostile_names_and_values_are_text() {
    let stage = Stage::new();
    let key = "app/<script>alert(1)<script>\"'><img src=x onerror=alert(2)>";
    stage.endpoint.store().put(key, hostile(1));
    stage.endpoint.store().put(key, hostile(2));
    let path = format!("/state/{}/lock", encoded_path(key));
    let info = lock_info("ignored").replace("dana@build-07", "<b>dana").replace("ignored", "<i>7");
    let _locked = stage.server.ask("writer", "POST", &path, info).is(200);
    let visitor = Visitor::new(&stage.server, "admin");
    let encoded_key = encoded_path(key);
    let history = text(&visitor.get(&format!("/ui/history/{encoded_key}")).is(200));
    let versions: Vec<_> =
        history.split("name=\"from\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let address = encoded(&format!("aws_vpc.main[{}]", serde_json::to_string(HOSTILE).expect("JSON")));
    for path in [
        "/".to_owned(),
        format!("/?q={}", encoded(HOSTILE)),
        format!("/ui/state/{encoded_key}"),
        format!("/ui/break/{encoded_key}"),
        format!("/ui/resources/{encoded_key}"),
        format!("/ui/resources/{encoded_key}?q={}", encoded(HOSTILE)),
        format!("/ui/resources/{encoded_key}?address={address}"),
        format!("/ui/history/{encoded_key}"),
        format!("/ui/diff/{encoded_key}?from={}&to={}", versions[1], versions[0]),
        format!("/ui/login?next={}", encoded(HOSTILE)),
    ] {
        let page = text(&visitor.get(&path).is(200));
        assert!(
            !page.contains("<script")
                && !page.contains("<img")
                && !page.contains("<b>dana")
                && !page.contains("<i>7"),
            "{path}: {page}"
        );
        if !path.contains("login") {
            assert!(page.contains("&#60;script&#62;"), "{path}: {page}");
        }
    }
}

/// Nobody sees more than by the addresses of the protocol.
#[test]
fn each_page_shows_only_what_its_visitor_may_see() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/net", network(1, 1)).is(200);
    let _stored = stage.ask("admin", "POST", "other/secret", network(1, 1)).is(200);
    let pages = [
        "/ui/state/app/net",
        "/ui/resources/app/net",
        "/ui/history/app/net",
        "/ui/break/app/net",
        "/ui/refused?state=app%2Fnet",
        "/ui/state/other/secret",
    ];
    for (who, allowed) in [
        ("admin", [200, 200, 200, 303, 200, 200]),
        ("writer", [200, 200, 200, 403, 403, 403]),
        ("reader", [200, 200, 200, 403, 403, 403]),
        ("onlooker", [200, 403, 403, 403, 403, 403]),
        ("breaker", [200, 403, 403, 303, 403, 403]),
    ] {
        let visitor = Visitor::new(&stage.server, who);
        for (path, status) in pages.iter().zip(allowed) {
            let page = visitor.get(path);
            assert_eq!(page.status, status, "{who} at {path}: {}", text(&page));
        }
        let list = text(&visitor.get("/").is(200));
        assert_eq!(list.contains("/ui/state/app/net"), who != "breaker", "{who}: {list}");
        assert_eq!(list.contains("other/secret"), who == "admin", "{who}: {list}");
    }
    let seen = text(&Visitor::new(&stage.server, "onlooker").get("/ui/state/app/net"));
    assert!(
        seen.contains("vpc-0a1b2c3d4e5f") && !seen.contains("database") && !seen.contains("/ui/history/"),
        "{seen}"
    );
    let broken = text(&Visitor::new(&stage.server, "breaker").get("/ui/state/app/net"));
    assert!(!broken.contains("vpc-0a1b2c3d4e5f") && !broken.contains("3f1a8c1e"), "{broken}");
}

#[test]
fn sensitive_values_are_shown_to_readers_who_ask_and_never_unasked() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/net", network(1, 1)).is(200);
    let _stored = stage.ask("writer", "POST", "app/net", network(2, 2)).is(200);
    let reader = Visitor::new(&stage.server, "reader");
    let page = reader.get("/ui/state/app/net").is(200);
    assert!(text(&page).contains("database") && !text(&page).contains("hush"), "{}", text(&page));
    let history = text(&reader.get("/ui/history/app/net").is(200));
    let versions: Vec<_> =
        history.split("name=\"from\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let diff =
        text(&reader.get(&format!("/ui/diff/app/net?from={}&to={}", versions[1], versions[0])).is(200));
    assert!(
        diff.contains("10.1.0.0/20") && diff.contains("10.2.0.0/20") && diff.contains("sensitive, hidden"),
        "{diff}"
    );
    let resource = text(&reader.get("/ui/resources/app/net?address=aws_vpc.main").is(200));
    assert!(resource.contains("10.0.0.0/16"), "{resource}");
    for page in [&history, &diff, &resource] {
        assert!(!page.contains("hush"), "{page}");
    }
    let _by_address = reader.get("/ui/reveal/app/net").is(405);
    let _unmarked = reader.post("/ui/reveal/app/net", &[]).is(403);
    let shown = reader.post("/ui/reveal/app/net", &[("mark", &mark(&page))]).is(200);
    assert!(text(&shown).contains("hush-2"), "{}", text(&shown));
    let onlooker = Visitor::new(&stage.server, "onlooker");
    let own = mark(&onlooker.get("/ui/state/app/net"));
    let denied = onlooker.post("/ui/reveal/app/net", &[("mark", &own)]).is(403);
    assert!(!text(&denied).contains("hush"));
}

#[test]
fn refused_writes_are_listed_and_given_out_to_administrators() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/net", document(5, "l", "stored")).is(200);
    let lost = document(3, "l", "lost-otherwise");
    let refused = stage.ask("writer", "POST", "app/net", &lost).is(409);
    let id = refused.header("x-request-id").expect("an ID").to_owned();
    let admin = Visitor::new(&stage.server, "admin");
    let list = wait_for("the list", Duration::from_secs(10), || {
        Some(text(&admin.get("/ui/refused").is(200))).filter(|list| list.contains("/ui/rescue/"))
    });
    assert!(list.contains("app/net") && list.contains("token:writer") && list.contains(&id), "{list}");
    let file = admin.get(&format!("/ui/rescue/{id}")).is(200);
    assert_eq!(file.body, lost);
    assert!(
        file.header("content-disposition").is_some_and(|kind| kind.starts_with("attachment;")),
        "{}",
        file.head
    );
    let writer = Visitor::new(&stage.server, "writer");
    let list = text(&writer.get("/ui/refused").is(200));
    assert!(!list.contains("/ui/rescue/") && !list.contains("app/net"), "{list}");
    let _denied = writer.get(&format!("/ui/rescue/{id}")).is(403);
}

#[test]
fn states_are_found_by_a_part_of_their_name_page_by_page() {
    let stage = Stage::new();
    for number in 0..60 {
        stage.endpoint.store().put(&format!("app/many-{number:02}"), document(number + 1, "l", "x"));
    }
    stage.endpoint.store().put("app/Other", document(7, "l", "x"));
    let _locked = stage.ask("writer", "LOCK", "app/Other", lock_info("id-1")).is(200);
    let visitor = Visitor::new(&stage.server, "reader");
    let found = text(&visitor.get("/?q=oTHER").is(200));
    assert!(
        found.contains("app/Other") && !found.contains("many") && found.contains("badge locked"),
        "{found}"
    );
    let first = text(&visitor.get("/?q=many").is(200));
    assert_eq!(first.matches("/ui/state/").count(), 50);
    let (_, next) = first.split_once("class=\"button\" href=\"").expect("a next page");
    let next = next.split('"').next().expect("its address").replace("&#38;", "&");
    let second = text(&visitor.get(&next).is(200));
    assert_eq!(second.matches("/ui/state/").count(), 10);
    assert!(second.contains("many-59") && !second.contains("rel=\"next\""), "{second}");
}

/// A list of states costs a listing and the beginning of each that is shown, however large they are.
#[test]
fn a_list_reads_no_state_but_its_beginning() {
    let endpoint = Endpoint::start(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let (proxied, recorder) = endpoint.recorded();
    let stage = Stage::on(proxied, "");
    for key in ["app/a", "app/b", "app/c"] {
        endpoint.store().put(key, document(1, "l", &"long".repeat(50_000)));
    }
    let visitor = Visitor::new(&stage.server, "reader");
    recorder.take();
    let list = text(&visitor.get("/").is(200));
    assert_eq!(list.matches("/ui/state/").count(), 3);
    let requests = recorder.take();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.headers.get("range")).collect();
    assert_eq!(ranges, ["bytes=0-1023"; 3]);
    assert_eq!(requests.len(), 5, "with one listing and one look for locks: {requests:#?}");
}

/// What can't be read as a state is told as that, and its lock and history can be seen.
#[test]
fn what_is_no_state_is_told_as_such() {
    let stage = Stage::new();
    stage.endpoint.store().put("app/sealed", "{\"serial\": 1, \"lineage\": \"l\", \"meta\": {}, \"encrypted_data\": \"AAAA\", \"encryption_version\": \"v0\"}");
    stage.endpoint.store().put("app/torn", "{\"version\": 4, \"serial\": 1,");
    let visitor = Visitor::new(&stage.server, "reader");
    for key in ["app/sealed", "app/torn"] {
        let page = text(&visitor.get(&format!("/ui/state/{key}")).is(200));
        assert!(
            page.contains("can&#39;t be read as a state") || page.contains("can't be read as a state"),
            "{key}: {page}"
        );
        let _listed = visitor.get(&format!("/ui/history/{key}")).is(200);
    }
}
