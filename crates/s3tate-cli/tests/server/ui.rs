//! The web UI by raw requests: sessions, forms, guards, and who sees what.

use std::time::Duration;

use s3tate_testkit::{Endpoint, Kind, Workdir, wait_for};

use crate::certificates::{ask, authority, issued};
use crate::raw::Reply;
use crate::shown::{HOSTILE, hostile, network};
use crate::stage::{Server, Stage, authorization, document, lock_info, token_of};

/// A browser, as far as it is needed: a cookie, and forms that are sent from our own pages.
pub(crate) struct Visitor<'s> {
    server: &'s Server,
    cookie: String,
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml\r\nSec-Fetch-Site: same-origin\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn sign_in(server: &Server, token: &str) -> Reply {
    let form = format!("token={token}");
    server.send("POST", "/ui/login", &format!("{BROWSER}{FORM}"), form.as_bytes())
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie");
    set.split(';').next().expect("name and value").to_owned()
}

/// The text of a page.
fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.clone()).expect("UTF-8")
}

/// The mark in the first form of a page.
fn mark(page: &Reply) -> String {
    let page = text(page);
    let (_, rest) = page.split_once("name=\"mark\" value=\"").expect("a form with a mark");
    rest.split('"').next().expect("its value").to_owned()
}

impl<'s> Visitor<'s> {
    pub(crate) fn new(server: &'s Server, who: &str) -> Self {
        let reply = sign_in(server, token_of(who)).is(303);
        Self { server, cookie: cookie(&reply) }
    }

    fn get(&self, path: &str) -> Reply {
        self.server.send("GET", path, &format!("{BROWSER}Cookie: {}\r\n", self.cookie), b"")
    }

    /// Sends the form of a page, filled in like this.
    pub(crate) fn sends(&self, path: &str, page: &str, form: &[(&str, &str)]) -> Reply {
        let own = mark(&self.get(page).is(200));
        self.post(path, &[&[("mark", own.as_str())], form].concat())
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.post_with(path, BROWSER, form)
    }

    fn post_with(&self, path: &str, headers: &str, form: &[(&str, &str)]) -> Reply {
        let pairs: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let headers = format!("{headers}{FORM}Cookie: {}\r\n", self.cookie);
        self.server.send("POST", path, &headers, pairs.join("&").as_bytes())
    }
}

fn encoded(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

#[test]
fn a_session_is_a_sealed_cookie_that_opens_the_pages_alone() {
    let stage = Stage::new();
    let signed_in = sign_in(&stage.server, token_of("admin")).is(303);
    assert_eq!(signed_in.header("location"), Some("/"));
    let set = signed_in.header("set-cookie").expect("a cookie").to_owned();
    for part in ["s3tate=", "; Path=/", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(!set.contains(token_of("admin")) && !set.contains("Secure"), "{set}");
    let visitor = Visitor { server: &stage.server, cookie: cookie(&signed_in) };
    let page = visitor.get("/").is(200);
    assert!(text(&page).contains("token:admin"));
    let header = format!("Cookie: {}\r\n", visitor.cookie);
    for path in ["/state/app/x", "/outputs/app/x", "/why/x"] {
        let _refused = stage.server.send("GET", path, &header, b"").is(401);
    }
    let left = visitor.post("/ui/logout", &[("mark", &mark(&page))]).is(303);
    assert!(left.header("set-cookie").is_some_and(|set| set.contains("Max-Age=0")), "{}", left.head);
}

#[test]
fn failed_logins_are_answered_alike_and_counted() {
    let stage = Stage::new();
    let right = token_of("admin");
    let replies: Vec<_> =
        [format!("{right}x"), "s3t_nobody_x".to_owned(), String::new(), "a.b.c".to_owned(), "%00".to_owned()]
            .iter()
            .map(|token| sign_in(&stage.server, token).is(401))
            .collect();
    for reply in &replies {
        assert_eq!(text(reply), text(&replies[0]));
        assert!(reply.header("set-cookie").is_none() && reply.header("www-authenticate").is_none());
    }
    let metrics = text(&stage.server.send("GET", "/metrics", "", b"").is(200));
    assert!(metrics.contains("auth_attempts_total{method=\"any\",result=\"wrong_token\"} 1"), "{metrics}");
    let elsewhere = format!("next={}&token={right}", encoded("//evil.example/"));
    let reply =
        stage.server.send("POST", "/ui/login", &format!("{BROWSER}{FORM}"), elsewhere.as_bytes()).is(303);
    assert_eq!(reply.header("location"), Some("/"), "nobody is sent to another site");
}

#[test]
fn without_a_session_there_is_the_form_and_nothing_else() {
    let stage = Stage::new();
    let _stored = stage.ask("writer", "POST", "app/net", network(1, 1)).is(200);
    let home = stage.server.send("GET", "/", BROWSER, b"").is(303);
    assert_eq!(home.header("location"), Some("/ui/login"));
    let state = stage.server.send("GET", "/ui/state/app/net?x=y", BROWSER, b"").is(303);
    assert_eq!(state.header("location"), Some("/ui/login?next=%2Fui%2Fstate%2Fapp%2Fnet%3Fx%3Dy"));
    let _refused = stage.server.send("POST", "/ui/break/app/net", &format!("{BROWSER}{FORM}"), b"").is(401);
    let _refused = stage
        .server
        .send("GET", "/ui/state/app/net", &format!("{BROWSER}Cookie: s3tate=forged\r\n"), b"")
        .is(303);
    // Who doesn't ask for a page gets what there was before pages, and nobody is redirected from a state.
    let plain = stage.server.send("GET", "/", "", b"").is(200);
    assert!(text(&plain).contains("/state/NAME"));
    let api = stage.server.send("GET", "/state/app/net", BROWSER, b"").is(401);
    assert_eq!(api.header("content-type"), Some("application/problem+json"));
}

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

fn encoded_path(key: &str) -> String {
    key.split('/').map(encoded).collect::<Vec<_>>().join("/")
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

/// With a key of their own servers know each other's sessions; a session ends with its token, which it doesn't hold.
#[test]
fn a_session_outlives_its_server_and_not_its_token() {
    let mut stage = Stage::new();
    let passing = Visitor::new(&stage.server, "writer").cookie;
    stage.endpoint.store().put("app/x", document(1, "l", "x"));
    stage.restart();
    let get = |server: &Server, cookie: &str| {
        server.send("GET", "/ui/state/app/x", &format!("{BROWSER}Cookie: {cookie}\r\n"), b"").status
    };
    assert_eq!(get(&stage.server, &passing), 303, "without a key file sessions end with the process");
    stage.workdir.write("session.key", "0123456789abcdef0123456789abcdef");
    stage.reconfigure(|text| text.replacen("[server]\n", "[server]\nsession_key = \"session.key\"\n", 1));
    stage.restart();
    let (reader, writer) =
        (Visitor::new(&stage.server, "reader").cookie, Visitor::new(&stage.server, "writer").cookie);
    assert_eq!(get(&stage.replica(), &writer), 200, "a replica knows it");
    stage.reconfigure(|text| text.replace("name = \"reader\"", "name = \"somebody\""));
    let renewed = s3tate_server::auth::token::make("writer").expect("a token").hash;
    stage.reconfigure(|text| {
        let (before, after) = text.split_once("name = \"writer\"\nhash = \"").expect("the writer");
        format!("{before}name = \"writer\"\nhash = \"{renewed}{}", &after[after.find('"').expect("an end")..])
    });
    stage.restart();
    assert_eq!(get(&stage.server, &reader), 303, "the token has gone");
    assert_eq!(get(&stage.server, &writer), 303, "the token is another one");
}

/// Pages look at cookies alone: a browser that remembers a password, or sends a header by itself, is nobody here.
#[test]
fn a_credential_in_a_header_opens_no_page() {
    let stage = Stage::new();
    let headers = format!("{BROWSER}{}", authorization(token_of("admin")));
    let _form = stage.server.send("GET", "/ui/refused", &headers, b"").is(303);
}

/// By TLS the cookie is for TLS alone; a session that a certificate began is nothing without it.
#[test]
fn a_certificate_begins_a_session_that_needs_it() {
    let ours = authority();
    let files = Workdir::new();
    let (certificate, key) = issued(&ours, &["127.0.0.1"], "server");
    files.write("ca.pem", ours.pem());
    files.write("cert.pem", &certificate);
    files.write("key.pem", &key);
    let at = |name: &str| files.path().join(name).display().to_string();
    let stage = Stage::with(&format!(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n\
         [[rule]]\nwho = [\"cert:cn:build\", \"cert:cn:other\"]\npath = [\"app/**\"]\nallow = [\"read\"]\n",
        at("cert.pem"),
        at("key.pem"),
        at("ca.pem")
    ));
    stage.endpoint.store().put("app/x", document(1, "l", "x"));
    let (build, other) = (issued(&ours, &[], "build"), issued(&ours, &[], "other"));
    let send = |client, head: &str, body: &str| {
        ask(&stage.server.addr, &ours, client, &format!("{head}{BROWSER}"), body)
    };
    let form = text(&send(Some(&build), "GET /ui/login HTTP/1.1\r\n", "").is(200));
    assert!(form.contains("Go on as cert:cn:build"), "{form}");
    let sign_in = "POST /ui/login HTTP/1.1\r\n";
    let _nobody = send(None, sign_in, "certificate=yes").is(401);
    let signed_in = send(Some(&build), sign_in, "certificate=yes").is(303);
    let set = signed_in.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("__Host-s3tate=") && set.ends_with("; Secure"), "{set}");
    let page = format!("GET /ui/state/app/x HTTP/1.1\r\nCookie: {}\r\n", cookie(&signed_in));
    let _seen = send(Some(&build), &page, "").is(200);
    let _without = send(None, &page, "").is(303);
    let _others = send(Some(&other), &page, "").is(303);
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
