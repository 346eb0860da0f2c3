//! Sessions: how they begin, what they open, and what ends them.

use s3tate_testkit::Workdir;

use super::{BROWSER, FORM, Visitor, cookie, encoded, mark, sign_in, text};
use crate::certificates::{ask, authority, issued};
use crate::shown::network;
use crate::stage::{Server, Stage, authorization, document, token_of};

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
